# options - what a build can be asked for, and the settings that every target shares.

option(ERRAND_WERROR "Treat warnings as errors" OFF)
option(ERRAND_HARDEN "Compile and link with the hardening flags" OFF)
option(ERRAND_COVERAGE "Measure test coverage" OFF)
option(ERRAND_FUZZ "Build the fuzz targets with libFuzzer (clang only)" OFF)
set(ERRAND_SANITIZE "" CACHE STRING "Sanitizers to build with: address;undefined or thread")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
add_compile_definitions(_GNU_SOURCE)
# A program names only the libraries that it really uses.
add_link_options(LINKER:--as-needed)
