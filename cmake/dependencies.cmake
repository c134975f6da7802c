# dependencies - the foreign libraries, each under one name: deps::NAME.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(nng 1.5 CONFIG REQUIRED)
add_library(deps_nng INTERFACE)
target_link_libraries(deps_nng INTERFACE nng::nng)
add_library(deps::nng ALIAS deps_nng)

function(errand_pkg_dependency name package)
    pkg_check_modules(deps_${name} REQUIRED IMPORTED_TARGET GLOBAL "${package}")
    add_library(deps::${name} ALIAS PkgConfig::deps_${name})
endfunction()

errand_pkg_dependency(protobuf_c "libprotobuf-c>=1.4")
errand_pkg_dependency(curl "libcurl>=7.88")
errand_pkg_dependency(sqlite "sqlite3>=3.40")
errand_pkg_dependency(uv "libuv>=1.44")
errand_pkg_dependency(jansson "jansson>=2.14")
errand_pkg_dependency(yaml "yaml-0.1>=0.2")
errand_pkg_dependency(crypto "libcrypto>=3.0")
errand_pkg_dependency(ssl "libssl>=3.0")
errand_pkg_dependency(zlib "zlib>=1.2")

# civetweb and uthash come without a pkg-config file.
find_library(ERRAND_CIVETWEB_LIBRARY civetweb REQUIRED)
find_path(ERRAND_CIVETWEB_INCLUDE civetweb.h REQUIRED)
add_library(deps_civetweb INTERFACE)
target_link_libraries(deps_civetweb INTERFACE "${ERRAND_CIVETWEB_LIBRARY}")
target_include_directories(deps_civetweb SYSTEM INTERFACE "${ERRAND_CIVETWEB_INCLUDE}")
add_library(deps::civetweb ALIAS deps_civetweb)

find_path(ERRAND_UTHASH_INCLUDE uthash.h REQUIRED)
add_library(deps_uthash INTERFACE)
target_include_directories(deps_uthash SYSTEM INTERFACE "${ERRAND_UTHASH_INCLUDE}")
add_library(deps::uthash ALIAS deps_uthash)

if(BUILD_TESTING)
    errand_pkg_dependency(cmocka "cmocka>=1.1.5")
endif()

find_program(ERRAND_PROTOC_C protoc-c REQUIRED)
find_path(ERRAND_WELL_KNOWN_PROTOS google/protobuf/timestamp.proto REQUIRED)
