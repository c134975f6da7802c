// config - defaults, environment, flags, and their order.
#include "unit/config_loaded.h"

static void without_sources_the_defaults_hold(void **state)
{
    (void) state;
    load_well(FLAGS(NULL));
    assert_int_equal(outcome.action, CONFIG_RUN);
    assert_null(outcome.file);
    assert_string_equal(settings.data, "./shop-data");
    assert_int_equal(settings.rpc.count, 1);
    assert_string_equal(settings.rpc.items[0], "tcp://127.0.0.1:1");
    assert_int_equal(settings.workers, 4);
    assert_false(settings.verbose);
    assert_int_equal(settings.drain_us, 30000000);
    assert_int_equal(settings.body_bytes, 16 << 20);
    assert_int_equal(settings.level, LEVEL_LOW);
    assert_string_equal(settings.http.address, "127.0.0.1:80");
    assert_int_equal(settings.http.port, 80);
    assert_int_equal(settings.secrets.count, 0);
    assert_null(settings.cert);
}

static void flags_set_every_type(void **state)
{
    (void) state;
    load_well(FLAGS("--data=/srv", "--workers", "0", "--verbose", "--log-level", "high",
                    "--drain-timeout=1.5s", "--http=[::1]:0"));
    assert_string_equal(settings.data, "/srv");
    assert_int_equal(settings.workers, 0);
    assert_true(settings.verbose);
    assert_int_equal(settings.level, LEVEL_HIGH);
    assert_int_equal(settings.drain_us, 1500000);
    assert_string_equal(settings.http.address, "[::1]:0");
    assert_int_equal(settings.http.port, 0);
}

static void repeated_flags_make_a_list_and_replace_the_default(void **state)
{
    (void) state;
    load_well(&(shop_call){{"--rpc", "tcp://a", "--rpc=ipc://b"},
                           {"ERRAND_RPC=tcp://c", "ERRAND_SECRETS=x=1=2"}});
    assert_int_equal(settings.rpc.count, 2);
    assert_string_equal(settings.rpc.items[0], "tcp://a");
    assert_string_equal(settings.rpc.items[1], "ipc://b");
    assert_string_equal(settings.secrets.pairs[0].key, "x");
    assert_string_equal(settings.secrets.pairs[0].value, "1=2");
}

static void a_flag_of_a_list_may_name_several(void **state)
{
    (void) state;
    load_well(FLAGS("--rpc=tcp://a,ipc://b", "--rpc", "tcp://c"));
    assert_int_equal(settings.rpc.count, 3);
    assert_string_equal(settings.rpc.items[1], "ipc://b");
    assert_string_equal(settings.rpc.items[2], "tcp://c");
}

static void a_former_name_still_makes_a_flag(void **state)
{
    (void) state;
    load_well(FLAGS("--staff", "7"));
    assert_int_equal(settings.workers, 7);
    config_free(&shop_program, &settings);
    config_outcome_fini(&outcome);
    assert_refused(
        FLAGS("--staf=1"),
        "command line: found \"--staf=1\", expected a flag of this program (--help lists "
        "them)");
}

static void of_a_repeated_single_flag_the_last_one_holds(void **state)
{
    (void) state;
    load_well(FLAGS("--data=a", "--data=b", "--verbose", "--verbose=false"));
    assert_string_equal(settings.data, "b");
    assert_false(settings.verbose);
}

static void variables_set_nested_keys_lists_and_maps(void **state)
{
    (void) state;
    load_well(&(shop_call){{NULL},
                           {"ERRAND_TLS_CERT_FILE=c.pem", "ERRAND_RPC=tcp://a,ipc://b",
                            "ERRAND_SECRETS=a=1,b=2", "PATH=/bin", "ERRAND_HTTP=off"}});
    assert_string_equal(settings.cert, "c.pem");
    assert_int_equal(settings.rpc.count, 2);
    assert_string_equal(settings.rpc.items[1], "ipc://b");
    assert_int_equal(settings.secrets.count, 2);
    assert_string_equal(settings.secrets.pairs[1].value, "2");
    assert_null(settings.http.address);
    assert_int_equal(outcome.warnings.count, 0);
}

static void an_empty_variable_is_as_good_as_none(void **state)
{
    (void) state;
    load_well(&(shop_call){{NULL}, {"ERRAND_DATA=", "ERRAND_WORKERS=", "ERRAND_CONFIG="}});
    assert_string_equal(settings.data, "./shop-data");
    assert_int_equal(settings.workers, 4);
}

static void an_unknown_variable_is_a_warning(void **state)
{
    (void) state;
    load_well(&(shop_call){{NULL}, {"ERRAND_WORKER=5", "ERRAND_DATA=x"}});
    assert_int_equal(outcome.warnings.count, 1);
    assert_string_equal(outcome.warnings.items[0],
                        "ERRAND_WORKER is set, but shop has no such setting");
}

static void variables_of_the_command_line_client_are_no_mistake(void **state)
{
    (void) state;
    load_well(&(shop_call){{NULL}, {"ERRAND_SERVER=tcp://a", "ERRAND_CALLBACK_SECRET=whsec_"}});
    assert_int_equal(outcome.warnings.count, 0);
}

static void the_order_is_default_file_environment_flag(void **state)
{
    (void) state;
    const char text[] = "data: file\nworkers: 5\nmax_body: 5\nlog_level: high\n";
    char *file = shop_file(text, sizeof text - 1);
    load_well(&(shop_call){{"--config", file, "--max-body", "7"},
                           {"ERRAND_WORKERS=6", "ERRAND_MAX_BODY=6"}});
    assert_string_equal(settings.data, "file");
    assert_int_equal(settings.workers, 6);
    assert_int_equal(settings.body_bytes, 7);
    assert_int_equal(settings.level, LEVEL_HIGH);
    assert_int_equal(settings.drain_us, 30000000);
    assert_string_equal(outcome.file, file);
    shop_file_remove(file);
}

static void the_file_may_be_named_by_a_variable(void **state)
{
    (void) state;
    char *file = shop_file("workers: 9\n", 11);
    char variable[64];
    snprintf(variable, sizeof variable, "ERRAND_CONFIG=%s", file);
    load_well(&(shop_call){{NULL}, {variable}});
    assert_int_equal(settings.workers, 9);
    assert_int_equal(outcome.warnings.count, 0);
    shop_file_remove(file);
}

static void operands_are_handed_over_when_the_program_takes_some(void **state)
{
    (void) state;
    config_program program = shop_program;
    program.operands = "[FILE]";
    AUTO(status) failure =
        shop_load(&program, FLAGS("a", "--workers=1", "-", "--", "--verbose"), &settings, &outcome);
    assert_null(failure);
    assert_int_equal(outcome.operands.count, 3);
    assert_string_equal(outcome.operands.items[0], "a");
    assert_string_equal(outcome.operands.items[1], "-");
    assert_string_equal(outcome.operands.items[2], "--verbose");
    assert_false(settings.verbose);
}

static void check_config_loads_and_says_so(void **state)
{
    (void) state;
    load_well(FLAGS("--check-config", "--workers=2"));
    assert_int_equal(outcome.action, CONFIG_CHECK);
    assert_int_equal(settings.workers, 2);
    free_all(NULL);
    assert_refused(FLAGS("--check-config", "--workers=x"),
                   "--workers: found \"x\", expected a whole number from 0 to 1000");
}

static void help_wins_over_anything_behind_it(void **state)
{
    (void) state;
    load_well(&(shop_call){{"--help", "--nonsense"}, {"ERRAND_WORKERS=x"}});
    assert_int_equal(outcome.action, CONFIG_HELP);
    assert_null(settings.data);
}

// differing counts the rows in which two loads differ, and returns the key of the last.
static const char *differing(const shop *a, const shop *b, size_t *count)
{
    const char *key = NULL;
    *count = 0;
    for (size_t i = 0; i < shop_program.row_count; i++) {
        if (!config_same(&shop_rows[i], a, b)) {
            key = shop_rows[i].key;
            ++*count;
        }
    }
    return key;
}

static void a_reload_can_tell_which_row_changed(void **state)
{
    (void) state;
    const char *const changes[][2] = {
        {"--data=x", "data"},
        {"--rpc=ipc://y", "rpc"},
        {"--workers=7", "workers"},
        {"--verbose", "verbose"},
        {"--http=off", "http"},
        {"ERRAND_SECRETS=a=1", "secrets"},
        {"--log-level=high", "log_level"},
        {"--tls-key-file=k", "tls.key_file"},
    };
    load_well(FLAGS(NULL));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        shop other;
        config_outcome ignored;
        bool flag = changes[i][0][0] == '-';
        const shop_call call = {{flag ? changes[i][0] : NULL}, {flag ? NULL : changes[i][0]}};
        AUTO(status) failure = shop_load(&shop_program, &call, &other, &ignored);
        assert_null(failure);
        size_t count = 0;
        assert_string_equal(differing(&settings, &other, &count), changes[i][1]);
        assert_int_equal(count, 1);
        assert_null(differing(&settings, &settings, &count));
        config_free(&shop_program, &other);
        config_outcome_fini(&ignored);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(without_sources_the_defaults_hold, free_all),
    cmocka_unit_test_teardown(flags_set_every_type, free_all),
    cmocka_unit_test_teardown(repeated_flags_make_a_list_and_replace_the_default, free_all),
    cmocka_unit_test_teardown(a_flag_of_a_list_may_name_several, free_all),
    cmocka_unit_test_teardown(a_former_name_still_makes_a_flag, free_all),
    cmocka_unit_test_teardown(of_a_repeated_single_flag_the_last_one_holds, free_all),
    cmocka_unit_test_teardown(variables_set_nested_keys_lists_and_maps, free_all),
    cmocka_unit_test_teardown(an_empty_variable_is_as_good_as_none, free_all),
    cmocka_unit_test_teardown(an_unknown_variable_is_a_warning, free_all),
    cmocka_unit_test_teardown(variables_of_the_command_line_client_are_no_mistake, free_all),
    cmocka_unit_test_teardown(the_order_is_default_file_environment_flag, free_all),
    cmocka_unit_test_teardown(the_file_may_be_named_by_a_variable, free_all),
    cmocka_unit_test_teardown(operands_are_handed_over_when_the_program_takes_some, free_all),
    cmocka_unit_test_teardown(check_config_loads_and_says_so, free_all),
    cmocka_unit_test_teardown(help_wins_over_anything_behind_it, free_all),
    cmocka_unit_test_teardown(a_reload_can_tell_which_row_changed, free_all),
};

UNIT_TEST_MAIN(tests)
