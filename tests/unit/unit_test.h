// unit_test - what every unit test file includes: cmocka, and a main that can run one test alone.
//
// ctest runs each test function in a process of its own: the first argument names it.
#ifndef ERRAND_TESTS_UNIT_UNIT_TEST_H
#define ERRAND_TESTS_UNIT_UNIT_TEST_H

// cmocka.h needs these four before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// unit_test_select restricts the run to the test named; false when there is none, since cmocka
// would then run nothing and call it a success.
static inline bool unit_test_select(const struct CMUnitTest *tests, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tests[i].name, name) == 0) {
            cmocka_set_test_filter(name);
            return true;
        }
    }
    fprintf(stderr, "no test named %s\n", name);
    return false;
}

// UNIT_TEST_MAIN_WITH has a setup and a teardown around the whole group; either may be NULL.
#define UNIT_TEST_MAIN_WITH(tests, group_setup, group_teardown)                                    \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        if (argc > 1 && !unit_test_select(tests, sizeof tests / sizeof tests[0], argv[1])) {       \
            return 2;                                                                              \
        }                                                                                          \
        return cmocka_run_group_tests(tests, group_setup, group_teardown);                         \
    }

// UNIT_TEST_MAIN(tests) is the main of a file with an array `const struct CMUnitTest tests[]`.
#define UNIT_TEST_MAIN(tests) UNIT_TEST_MAIN_WITH(tests, NULL, NULL)

#endif
