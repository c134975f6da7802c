# sanitizers - ERRAND_SANITIZE, ERRAND_COVERAGE and ERRAND_FUZZ for every target.

if(ERRAND_SANITIZE)
    list(JOIN ERRAND_SANITIZE "," sanitizer_list)
    add_compile_options(-fsanitize=${sanitizer_list} -fno-omit-frame-pointer
                        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${sanitizer_list})
endif()

if(ERRAND_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()

if(ERRAND_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "ERRAND_FUZZ needs clang; found ${CMAKE_C_COMPILER_ID}")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
