// config_yaml - files that are right, and the many ways in which they are wrong.
#include "unit/config_fixture.h"

static shop settings;
static config_outcome outcome;

static int free_all(void **state)
{
    (void) state;
    config_free(&shop_program, &settings);
    config_outcome_fini(&outcome);
    return 0;
}

static status *load_bytes(const void *bytes, size_t size)
{
    char *file = shop_file(bytes, size);
    status *failure = shop_load(&shop_program, FLAGS("--config", file), &settings, &outcome);
    shop_file_remove(file);
    return failure;
}

static void load_well(const char *text)
{
    status *failure = load_bytes(text, strlen(text));
    if (failure) {
        fail_msg("%s", failure->message);
    }
}

// assert_refused expects message behind the name of the file.
static void assert_refused(const char *text, const char *message)
{
    AUTO(status) failure = load_bytes(text, strlen(text));
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    const char *behind_name = strchr(failure->message, ':');
    assert_non_null(behind_name);
    assert_string_equal(behind_name + 1, message);
    assert_null(settings.data);
}

static void a_file_sets_every_type(void **state)
{
    (void) state;
    load_well("# the shop\n"
              "data: /srv/shop\n"
              "rpc: [tcp://a:1, 'ipc://b']\n"
              "workers: 12\n"
              "verbose: true\n"
              "drain_timeout: 10m\n"
              "max_body: 64KiB\n"
              "log_level: \"high\"\n"
              "http: 0.0.0.0:8080\n"
              "secrets:\n  hook: whsec_a\n  other: 'b,c'\n"
              "tls:\n  cert_file: c.pem\n  key_file: k.pem\n");
    assert_string_equal(settings.data, "/srv/shop");
    assert_int_equal(settings.rpc.count, 2);
    assert_string_equal(settings.rpc.items[1], "ipc://b");
    assert_int_equal(settings.workers, 12);
    assert_true(settings.verbose);
    assert_int_equal(settings.drain_us, 600000000);
    assert_int_equal(settings.body_bytes, 65536);
    assert_int_equal(settings.level, LEVEL_HIGH);
    assert_int_equal(settings.http.port, 8080);
    assert_int_equal(settings.secrets.count, 2);
    assert_string_equal(settings.secrets.pairs[1].key, "other");
    assert_string_equal(settings.secrets.pairs[1].value, "b,c");
    assert_string_equal(settings.cert, "c.pem");
    assert_string_equal(settings.key, "k.pem");
}

static void a_list_of_one_needs_no_brackets(void **state)
{
    (void) state;
    load_well("rpc: ipc://a,b\n");
    assert_int_equal(settings.rpc.count, 1);
    assert_string_equal(settings.rpc.items[0], "ipc://a,b");
}

static void an_empty_list_empties_the_default(void **state)
{
    (void) state;
    load_well("rpc: []\n");
    assert_int_equal(settings.rpc.count, 0);
}

static void an_empty_file_changes_nothing(void **state)
{
    (void) state;
    const char *const empty[] = {"", "\n", "# only a remark\n", "---\n", "---\n...\n", "{}\n"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        load_well(empty[i]);
        assert_int_equal(settings.workers, 4);
        free_all(NULL);
    }
}

static void an_anchor_may_be_used_again(void **state)
{
    (void) state;
    load_well("tls:\n  cert_file: &file both.pem\n  key_file: *file\n");
    assert_string_equal(settings.key, "both.pem");
}

static void an_unknown_key_names_line_and_known_keys(void **state)
{
    (void) state;
    assert_refused("workers: 1\n\ndta: x\n",
                   "3: found the unknown key \"dta\", expected one of data, rpc, workers, "
                   "verbose, drain_timeout, max_body, log_level, http, secrets, tls, token");
    assert_refused("tls:\n  cert: x\n",
                   "2: tls: found the unknown key \"cert\", expected one of cert_file, key_file");
}

static void a_key_written_with_a_point_is_unknown(void **state)
{
    (void) state;
    assert_refused("tls.cert_file: x\n",
                   "1: found the unknown key \"tls.cert_file\", expected one of data, rpc, "
                   "workers, verbose, drain_timeout, max_body, log_level, http, secrets, tls, "
                   "token");
}

static void a_bad_value_names_line_key_found_and_expected(void **state)
{
    (void) state;
    assert_refused("data: x\nlog_level: loud\n",
                   "2: log_level: found \"loud\", expected low or high");
    assert_refused("verbose: yes\n", "1: verbose: found \"yes\", expected true or false");
    assert_refused("tls:\n  cert_file: ''\n",
                   "2: tls.cert_file: found \"\", expected text, not empty");
    assert_refused("rpc:\n  - tcp://a\n  - b\n",
                   "3: rpc: found \"b\", expected a list of at most 1000 texts, each starting "
                   "with tcp:// or ipc://");
    assert_refused("data: \"a\\0b\"\n", "1: data: found \"a\", expected text, not empty");
}

static void a_value_of_the_wrong_kind_is_refused(void **state)
{
    (void) state;
    assert_refused("workers: [1]\n",
                   "1: workers: found a list, expected a whole number from 0 to 1000");
    assert_refused("workers:\n  at_once: 1\n",
                   "2: workers: found a mapping, expected a whole number from 0 to 1000");
    assert_refused("workers:\ndata: x\n",
                   "1: workers: found nothing, expected a whole number from 0 to 1000");
    assert_refused("data: ~\n", "1: data: found nothing, expected text, not empty");
    assert_refused("rpc: [[tcp://a]]\n",
                   "1: rpc: found a list, expected a list of at most 1000 texts, each starting "
                   "with tcp:// or ipc://");
    assert_refused("tls: c.pem\n",
                   "1: tls: found \"c.pem\", expected a mapping with the keys cert_file, key_file");
    assert_refused("secrets: [a]\n",
                   "1: secrets: found a value that is not shown, expected at most 1000 pairs of a "
                   "name and a text");
}

static void the_top_must_be_a_mapping(void **state)
{
    (void) state;
    assert_refused("- data\n", "1: found a list, expected a mapping with the keys data, rpc, "
                               "workers, verbose, drain_timeout, max_body, log_level, http, "
                               "secrets, tls, token");
    AUTO(status) failure = load_bytes("data", 4);
    assert_non_null(strstr(failure->message, ":1: found \"data\", expected a mapping"));
    AUTO(status) list_key = load_bytes("[a]: b\n", 7);
    assert_non_null(strstr(list_key->message, ":1: found a list as a key, expected one of data"));
}

static void a_key_twice_names_both_lines(void **state)
{
    (void) state;
    assert_refused("data: a\nworkers: 1\ndata: b\n",
                   "3: data: found the key a second time (first on line 1), expected it once");
    assert_refused("tls:\n  key_file: a\n  key_file: b\n",
                   "3: key_file: found the key a second time (first on line 2), expected it once");
    assert_refused("tls: {key_file: a}\ntls: {cert_file: b}\n",
                   "2: tls: found the key a second time (first on line 1), expected it once");
}

static void a_second_document_is_refused(void **state)
{
    (void) state;
    assert_refused("workers: 1\n---\nworkers: 2\n", "3: found a second document, expected one");
}

static void broken_yaml_names_the_line(void **state)
{
    (void) state;
    const char *const broken[] = {"data: x\nrpc: [a\n", "data: x\n\tworkers: 1\n",
                                  "data: \"x\n",        "data: x\n  workers: 1\n",
                                  "data: *nobody\n",    "data: @x\n",
                                  "data: x\n---\n]\n"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        AUTO(status) failure = load_bytes(broken[i], strlen(broken[i]));
        assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
        assert_non_null(strstr(failure->message, ": found no YAML here ("));
        assert_null(settings.data);
    }
}

static void bytes_that_are_not_utf8_name_the_line(void **state)
{
    (void) state;
    assert_refused("data: x\nrpc: \xe4\n", "2: found the byte 0xe4, expected UTF-8");
}

static void a_file_of_more_than_a_mebibyte_is_refused(void **state)
{
    (void) state;
    size_t size = (1 << 20) + 1;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, '#', size);
    AUTO(status) failure = load_bytes(bytes, size);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(failure->message, "found a file of more than 1 MiB"));
    AUTO(status) just_fits = load_bytes(bytes, size - 1);
    assert_null(just_fits);
    free(bytes);
}

static void deep_nesting_and_self_reference_end_in_a_message(void **state)
{
    (void) state;
    AUTO_BUF nested = {0};
    buf_append_text(&nested, "data: ");
    for (int i = 0; i < 200000; i++) {
        buf_append_char(&nested, '[');
    }
    AUTO(status) deep = load_bytes(nested.bytes, nested.size);
    assert_int_equal(status_code_of(deep), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(deep->message, ":1: found more than 16 levels of nesting"));
    AUTO(status) circular = load_bytes("tls: &a\n  key_file: *a\n", 22);
    assert_int_equal(status_code_of(circular), STATUS_INVALID_ARGUMENT);
    AUTO(status) list = load_bytes("rpc: &a [*a, *a]\n", 17);
    assert_int_equal(status_code_of(list), STATUS_INVALID_ARGUMENT);
}

static void a_list_has_at_most_a_thousand_items(void **state)
{
    (void) state;
    AUTO_BUF text = {0};
    buf_append_text(&text, "rpc:\n");
    for (int i = 0; i < 1000; i++) {
        buf_append_text(&text, "  - ipc://x\n");
    }
    load_well(buf_text(&text));
    assert_int_equal(settings.rpc.count, 1000);
    free_all(NULL);
    buf_append_text(&text, "  - ipc://x\n");
    AUTO(status) failure = load_bytes(text.bytes, text.size);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
}

static void a_directory_is_no_file(void **state)
{
    (void) state;
    AUTO(status) failure = shop_load(&shop_program, FLAGS("--config", "/tmp"), &settings, &outcome);
    assert_non_null(failure);
    assert_non_null(strstr(failure->message, "/tmp: read: "));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(a_file_sets_every_type, free_all),
    cmocka_unit_test_teardown(a_list_of_one_needs_no_brackets, free_all),
    cmocka_unit_test_teardown(an_empty_list_empties_the_default, free_all),
    cmocka_unit_test_teardown(an_empty_file_changes_nothing, free_all),
    cmocka_unit_test_teardown(an_anchor_may_be_used_again, free_all),
    cmocka_unit_test_teardown(an_unknown_key_names_line_and_known_keys, free_all),
    cmocka_unit_test_teardown(a_key_written_with_a_point_is_unknown, free_all),
    cmocka_unit_test_teardown(a_bad_value_names_line_key_found_and_expected, free_all),
    cmocka_unit_test_teardown(a_value_of_the_wrong_kind_is_refused, free_all),
    cmocka_unit_test_teardown(the_top_must_be_a_mapping, free_all),
    cmocka_unit_test_teardown(a_key_twice_names_both_lines, free_all),
    cmocka_unit_test_teardown(a_second_document_is_refused, free_all),
    cmocka_unit_test_teardown(broken_yaml_names_the_line, free_all),
    cmocka_unit_test_teardown(bytes_that_are_not_utf8_name_the_line, free_all),
    cmocka_unit_test_teardown(a_file_of_more_than_a_mebibyte_is_refused, free_all),
    cmocka_unit_test_teardown(deep_nesting_and_self_reference_end_in_a_message, free_all),
    cmocka_unit_test_teardown(a_list_has_at_most_a_thousand_items, free_all),
    cmocka_unit_test_teardown(a_directory_is_no_file, free_all),
};

UNIT_TEST_MAIN(tests)
