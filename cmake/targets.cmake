# targets - how a library, a program and a unit test of Errand are declared.

# errand_target(TARGET) gives our own code its include roots and warnings.
function(errand_target target)
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src"
                                                 "${PROJECT_SOURCE_DIR}")
    target_compile_options(${target} PRIVATE ${errand_warnings})
    target_compile_definitions(${target} PRIVATE ERRAND_VERSION="${PROJECT_VERSION}")
    get_target_property(type ${target} TYPE)
    if(ERRAND_SANITIZE AND type STREQUAL "EXECUTABLE")
        target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/cmake/sanitizer_defaults.c")
    endif()
endfunction()

# A source that is listed but not written yet is a warning, so that a partial tree configures; where
# warnings are errors, it is one too.
set(errand_missing_source WARNING)
if(ERRAND_WERROR)
    set(errand_missing_source SEND_ERROR)
endif()

# errand_existing_sources(VARIABLE source...) leaves out sources that are not written yet.
function(errand_existing_sources variable)
    foreach(source IN LISTS ARGN)
        get_filename_component(path "${source}" ABSOLUTE)
        if(EXISTS "${path}")
            list(APPEND found "${source}")
        else()
            message(${errand_missing_source} "${path} is missing")
        endif()
    endforeach()
    if(NOT found)
        file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/nothing_yet.c" "extern int nothing_yet;\n")
        set(found "${CMAKE_CURRENT_BINARY_DIR}/nothing_yet.c")
    endif()
    set(${variable} "${found}" PARENT_SCOPE)
endfunction()

# errand_library(TARGET SOURCES file... [LINKS library...]) is one floor's static library.
function(errand_library target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
    errand_existing_sources(sources ${arg_SOURCES})
    add_library(${target} STATIC ${sources})
    errand_target(${target})
    target_link_libraries(${target} PUBLIC ${arg_LINKS} Threads::Threads)
endfunction()

# errand_program(TARGET SOURCES file... [LINKS library...]) is a program that gets installed.
function(errand_program target)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINKS")
    errand_existing_sources(sources ${arg_SOURCES})
    add_executable(${target} ${sources})
    errand_target(${target})
    target_link_libraries(${target} PRIVATE ${arg_LINKS} Threads::Threads)
    install(TARGETS ${target} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()

# errand_unit_test(NAME library...) builds NAME_test.c and registers each of its test functions as
# one ctest line. A test function is what stands in cmocka_unit_test...( of the source.
function(errand_unit_test name)
    set(source "${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.c")
    if(NOT EXISTS "${source}")
        message(${errand_missing_source} "unit test ${name}: ${source} is missing")
        return()
    endif()
    add_executable(${name}_test "${source}")
    errand_target(${name}_test)
    target_include_directories(${name}_test PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    # cmocka does not tell the compiler that a failed assert never comes back.
    target_compile_options(${name}_test PRIVATE -Wno-null-dereference)
    target_link_libraries(${name}_test PRIVATE ${ARGN} deps::cmocka Threads::Threads)
    errand_register_test_functions(${name} "${source}")
endfunction()

function(errand_register_test_functions name source)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${source}")
    file(READ "${source}" text)
    string(REGEX MATCHALL "cmocka_unit_test[a-z_]*\\([ \t\r\n]*[A-Za-z0-9_]+" uses "${text}")
    if(NOT uses)
        message(${errand_missing_source} "unit test ${name}: no cmocka_unit_test in ${source}")
    endif()
    foreach(use IN LISTS uses)
        string(REGEX REPLACE ".*\\([ \t\r\n]*" "" function "${use}")
        add_test(NAME ${name}.${function} COMMAND ${name}_test ${function})
        set_tests_properties(${name}.${function} PROPERTIES TIMEOUT 300 LABELS unit)
    endforeach()
endfunction()
