// config_loaded - the settings that a test has loaded, and what it finds of them.
#ifndef ERRAND_TESTS_UNIT_CONFIG_LOADED_H
#define ERRAND_TESTS_UNIT_CONFIG_LOADED_H

#include "unit/config_fixture.h"

static shop settings;
static config_outcome outcome;

static inline void load_well(const shop_call *call)
{
    status *failure = shop_load(&shop_program, call, &settings, &outcome);
    if (failure) {
        fail_msg("%s", failure->message);
    }
}

static inline int free_all(void **state)
{
    (void) state;
    config_free(&shop_program, &settings);
    config_outcome_fini(&outcome);
    return 0;
}

static inline void assert_refused(const shop_call *call, const char *message)
{
    shop untouched;
    memset(&untouched, 0, sizeof untouched);
    AUTO(status) failure = shop_load(&shop_program, call, &settings, &outcome);
    assert_non_null(failure);
    assert_int_equal(failure->code, STATUS_INVALID_ARGUMENT);
    assert_string_equal(failure->message, message);
    assert_memory_equal(&settings, &untouched, sizeof settings);
}

#endif
