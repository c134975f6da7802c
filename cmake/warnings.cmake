# warnings - the flags that our own code is compiled with (generated code is not).

set(errand_warnings
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual
    -Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Wconversion
    -Wno-sign-conversion -Wdouble-promotion -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND errand_warnings -Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    # clang warns about uthash's macros and about (char *) before a literal; gcc checks both.
    list(APPEND errand_warnings -Wno-implicit-fallthrough -Wno-cast-qual)
endif()
if(ERRAND_WERROR)
    list(APPEND errand_warnings -Werror)
endif()
