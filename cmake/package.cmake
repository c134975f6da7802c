# package - a Debian package by CPack: everything that is installed, with units for systemd.
#
#   cmake --build build/release && (cd build/release && cpack -G DEB)

set(errand_deploy "${PROJECT_SOURCE_DIR}/deploy")
set(errand_control "${errand_deploy}/debian")

# Only packages have these: they name the programs by their place in /usr.
set(errand_packaged COMPONENT packaged EXCLUDE_FROM_ALL)
foreach(program IN ITEMS errandd errand-worker errand-gateway)
    install(FILES "${errand_deploy}/systemd/${program}.service"
            DESTINATION /usr/lib/systemd/system ${errand_packaged})
    install(FILES "${errand_deploy}/systemd/${program}.yaml"
            DESTINATION /etc/errand ${errand_packaged})
endforeach()
install(FILES "${errand_deploy}/prometheus/errand.rules.yml" "${errand_deploy}/grafana/errand.json"
        DESTINATION /usr/share/doc/errand/examples ${errand_packaged})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME errand)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_CONTACT "Errand <errand@localhost>")
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_INSTALL_CMAKE_PROJECTS
    "${CMAKE_BINARY_DIR};errand;ALL;/;${CMAKE_BINARY_DIR};errand;packaged;/")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus, bash-completion")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${errand_control}/postinst;${errand_control}/prerm;${errand_control}/postrm;${errand_control}/conffiles")
include(CPack)
