# install - what `cmake --install` puts where, besides the programs: liberrand, its headers and
# protocol files, pkg-config and CMake packages, manual pages, the licence.
#
# Headers go into a folder of their own, because the generated ones come with google/protobuf/*.pb-c.h,
# which other packages may bring too.

include(CMakePackageConfigHelpers)

set(errand_include_dir "${CMAKE_INSTALL_INCLUDEDIR}/errand")
get_target_property(errand_generated_dir errand_proto ERRAND_GENERATED_DIR)
install(DIRECTORY "${errand_generated_dir}/" DESTINATION "${errand_include_dir}"
        FILES_MATCHING PATTERN "*.pb-c.h")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/proto/errand"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/errand/proto" FILES_MATCHING PATTERN "*.proto")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
if(EXISTS "${PROJECT_SOURCE_DIR}/README.md")
    install(FILES "${PROJECT_SOURCE_DIR}/README.md" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
endif()

# The static library is one object: what it needs of the lower floors is linked into it, and only
# errand_* and the messages stay visible, so that it can not clash with a program's own names.
function(errand_install_static_library)
    set(object "${CMAKE_BINARY_DIR}/static/errand.o")
    set(archive "${CMAKE_BINARY_DIR}/static/liberrand.a")
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/static")
    add_custom_command(
        OUTPUT "${archive}"
        COMMAND "${CMAKE_LINKER}" -r -o "${object}"
                --whole-archive $<TARGET_FILE:errand_client> $<TARGET_FILE:errand_proto>
                --no-whole-archive
                --start-group $<TARGET_FILE:errand_rpc> $<TARGET_FILE:errand_json>
                $<TARGET_FILE:errand_base> --end-group
        COMMAND "${CMAKE_OBJCOPY}" --wildcard --keep-global-symbol=errand_*
                --keep-global-symbol=google__protobuf__* "${object}"
        COMMAND "${CMAKE_COMMAND}" -E rm -f "${archive}"
        COMMAND "${CMAKE_AR}" rcs "${archive}" "${object}"
        DEPENDS errand_client errand_proto errand_rpc errand_json errand_base
        COMMENT "Putting liberrand.a together"
        VERBATIM)
    add_custom_target(errand_static ALL DEPENDS "${archive}")
    install(FILES "${archive}" DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endfunction()

function(errand_install_client)
    install(TARGETS errand_client_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
    install(FILES "${PROJECT_SOURCE_DIR}/clients/c/errand.h" DESTINATION "${errand_include_dir}")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/clients/c/examples" DESTINATION "${CMAKE_INSTALL_DOCDIR}")
    errand_install_static_library()

    # Relative, so that an installed tree may be moved.
    file(RELATIVE_PATH errand_prefix_from_pc "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
    configure_file("${PROJECT_SOURCE_DIR}/cmake/errand.pc.in" "${CMAKE_BINARY_DIR}/errand.pc" @ONLY)
    install(FILES "${CMAKE_BINARY_DIR}/errand.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

    set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/errand")
    configure_package_config_file(
        "${PROJECT_SOURCE_DIR}/cmake/errand-config.cmake.in" "${CMAKE_BINARY_DIR}/errand-config.cmake"
        INSTALL_DESTINATION "${package_dir}"
        PATH_VARS errand_include_dir CMAKE_INSTALL_LIBDIR)
    write_basic_package_version_file("${CMAKE_BINARY_DIR}/errand-config-version.cmake"
                                     COMPATIBILITY SameMinorVersion)
    install(FILES "${CMAKE_BINARY_DIR}/errand-config.cmake"
                  "${CMAKE_BINARY_DIR}/errand-config-version.cmake"
            DESTINATION "${package_dir}")
endfunction()

# Manual pages come from the programs' own tables of settings. (errand makes its own.)
function(errand_install_manuals)
    foreach(program IN LISTS ARGN)
        if(TARGET ${program})
            set(page "${CMAKE_BINARY_DIR}/man/${program}.1")
            add_custom_command(
                OUTPUT "${page}"
                COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_BINARY_DIR}/man"
                COMMAND ${program} --man > "${page}"
                DEPENDS ${program}
                COMMENT "Writing ${program}.1"
                VERBATIM)
            list(APPEND pages "${page}")
        endif()
    endforeach()
    if(pages)
        add_custom_target(errand_manuals ALL DEPENDS ${pages})
        install(FILES ${pages} DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
    endif()
endfunction()

if(TARGET errand_client_shared)
    errand_install_client()
endif()
errand_install_manuals(errandd errand-worker errand-gateway)
