// config - values, names and files that are refused, and how it is said.
#include "unit/config_loaded.h"

static void a_bad_flag_value_names_flag_value_and_expectation(void **state)
{
    (void) state;
    assert_refused(FLAGS("--workers", "many"),
                   "--workers: found \"many\", expected a whole number from 0 to 1000");
    assert_refused(FLAGS("--workers=1001"),
                   "--workers: found \"1001\", expected a whole number from 0 to 1000");
    assert_refused(FLAGS("--verbose=yes"), "--verbose: found \"yes\", expected true or false");
    assert_refused(FLAGS("--log-level=LOW"), "--log-level: found \"LOW\", expected low or high");
    assert_refused(FLAGS("--data="), "--data: found \"\", expected text, not empty");
    assert_refused(FLAGS("--data=\xff\n"),
                   "--data: found \"\\xff\\x0a\", expected text, not empty");
    assert_refused(FLAGS("--drain-timeout=2h"),
                   "--drain-timeout: found \"2h\", expected a duration such as 30s, 1.5s or 10m "
                   "from 1ms to 1h");
    assert_refused(FLAGS("--max-body=1.5"),
                   "--max-body: found \"1.5\", expected a size such as 512KiB or 16MiB from 0 on");
    assert_refused(FLAGS("--rpc=http://a"),
                   "--rpc: found \"http://a\", expected a list of at most 1000 texts, each "
                   "starting with tcp:// or ipc://");
}

static void a_bad_listen_address_is_refused(void **state)
{
    (void) state;
    const char *const bad[] = {"80",    ":80",    "a:",     "a:b",    "a:65536",
                               "a:-1",  "::1:80", "[x]:80", "a b:80", "http://a:80",
                               "a:80/", "[]:80",  "",       "a: 80",  "1.2.3.4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO(status) failure =
            shop_load(&shop_program, FLAGS("--http", bad[i]), &settings, &outcome);
        assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
        assert_non_null(strstr(failure->message, "expected HOST:PORT or off"));
    }
}

static void a_bad_number_is_refused(void **state)
{
    (void) state;
    const char *const bad[] = {"",    "-",  "-1", "+1",  "1.0", "0x10",
                               "1e3", " 1", "1 ", "1_0", "--1", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO(status) failure =
            shop_load(&shop_program, FLAGS("--workers", bad[i]), &settings, &outcome);
        assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
        assert_string_equal(failure->violations[0].field, "workers");
    }
}

static void the_largest_number_of_64_bits_is_in_reach(void **state)
{
    (void) state;
    const config_row row = {"workers", CONFIG_INT, "1", "x", CONFIG_FIELD(shop, workers)};
    config_program program = shop_program;
    program.rows = &row;
    program.row_count = 1;
    AUTO(status) failure =
        shop_load(&program, FLAGS("--workers", "9223372036854775807"), &settings, &outcome);
    assert_null(failure);
    assert_int_equal(settings.workers, INT64_MAX);
    config_free(&program, &settings);
    failure = shop_load(&program, FLAGS("--workers", "9223372036854775808"), &settings, &outcome);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
}

static void a_bad_variable_is_named(void **state)
{
    (void) state;
    assert_refused(&(shop_call){{NULL}, {"ERRAND_LOG_LEVEL=loud"}},
                   "ERRAND_LOG_LEVEL: found \"loud\", expected low or high");
    assert_refused(&(shop_call){{NULL}, {"ERRAND_RPC=tcp://a,,tcp://b"}},
                   "ERRAND_RPC: found \"\", expected a list of at most 1000 texts, each starting "
                   "with tcp:// or ipc://");
}

static void a_secret_is_never_shown(void **state)
{
    (void) state;
    assert_refused(&(shop_call){{NULL}, {"ERRAND_TOKEN=hush"}},
                   "ERRAND_TOKEN: found a value that is not shown, expected text starting with "
                   "tcp:// or ipc://");
    assert_refused(
        &(shop_call){{NULL}, {"ERRAND_SECRETS=hush"}},
        "ERRAND_SECRETS: found a value that is not shown, expected at most 1000 pairs of a "
        "name and a text");
}

static void no_flag_takes_a_secret(void **state)
{
    (void) state;
    assert_refused(FLAGS("--token=hush"),
                   "token: command line: --token is a secret, which every user of this host could "
                   "read there: write it into the file, or into ERRAND_TOKEN");
    assert_refused(FLAGS("--secrets", "a=hush"),
                   "secrets: command line: --secrets is a secret, which every user of this host "
                   "could read there: write it into the file, or into ERRAND_SECRETS");
}

static void a_name_twice_in_a_map_is_refused(void **state)
{
    (void) state;
    assert_refused(&(shop_call){{NULL}, {"ERRAND_SECRETS=a=1,a=2"}},
                   "ERRAND_SECRETS: found \"a\" a second time, expected it once");
}

static void unknown_flags_and_operands_are_refused(void **state)
{
    (void) state;
    assert_refused(FLAGS("--dta", "x"),
                   "command line: found \"--dta\", expected a flag of this program (--help lists "
                   "them)");
    assert_refused(FLAGS("-x"),
                   "command line: found \"-x\", expected a flag of this program (--help lists "
                   "them)");
    assert_refused(FLAGS("now"),
                   "command line: found \"now\", expected only flags (--help lists them)");
    assert_refused(FLAGS("--", "--data=x"),
                   "command line: found \"--data=x\", expected only flags (--help lists them)");
    assert_refused(FLAGS("--data"), "command line: found \"--data\", expected a value behind it");
    assert_refused(FLAGS("--config="),
                   "command line: found \"--config=\", expected a value behind it");
}

static void a_missing_file_is_not_found(void **state)
{
    (void) state;
    AUTO(status) failure =
        shop_load(&shop_program, FLAGS("--config", "/nowhere/shop.yaml"), &settings, &outcome);
    assert_int_equal(status_code_of(failure), STATUS_NOT_FOUND);
    assert_non_null(strstr(failure->message, "/nowhere/shop.yaml"));
}

static void a_row_of_the_wrong_type_is_found_before_it_corrupts(void **state)
{
    (void) state;
    const config_row row = {"x", CONFIG_INT, "1", "x", CONFIG_FIELD(shop, level)};
    config_program program = shop_program;
    program.rows = &row;
    program.row_count = 1;
    AUTO(status) failure = shop_load(&program, FLAGS(NULL), &settings, &outcome);
    assert_int_equal(status_code_of(failure), STATUS_INTERNAL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(a_bad_flag_value_names_flag_value_and_expectation, free_all),
    cmocka_unit_test_teardown(a_bad_listen_address_is_refused, free_all),
    cmocka_unit_test_teardown(a_bad_number_is_refused, free_all),
    cmocka_unit_test_teardown(the_largest_number_of_64_bits_is_in_reach, free_all),
    cmocka_unit_test_teardown(a_bad_variable_is_named, free_all),
    cmocka_unit_test_teardown(a_secret_is_never_shown, free_all),
    cmocka_unit_test_teardown(no_flag_takes_a_secret, free_all),
    cmocka_unit_test_teardown(a_name_twice_in_a_map_is_refused, free_all),
    cmocka_unit_test_teardown(unknown_flags_and_operands_are_refused, free_all),
    cmocka_unit_test_teardown(a_missing_file_is_not_found, free_all),
    cmocka_unit_test_teardown(a_row_of_the_wrong_type_is_found_before_it_corrupts, free_all),
};

UNIT_TEST_MAIN(tests)
