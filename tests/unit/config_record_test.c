// config_record - entries of a map that have settings of their own, by a table.
#include "unit/unit_test.h"

#include "base/config_record.h"
#include "base/config_yaml.h"

#include <stdlib.h>
#include <string.h>

typedef struct tool {
    config_list argv;
    int64_t timeout_us;
    int64_t memory;
    config_map env;
    bool quiet;
} tool;

typedef struct settings {
    config_map tools;
} settings;

static const config_row tool_rows[] = {
    {"argv", CONFIG_LIST, NULL, "command line", CONFIG_FIELD(tool, argv)},
    {"timeout", CONFIG_DURATION, "15s", "longest time", .min = 1000, .max = 60000000,
     CONFIG_FIELD(tool, timeout_us)},
    {"memory", CONFIG_SIZE, NULL, "most memory", CONFIG_FIELD(tool, memory)},
    {"env", CONFIG_MAP, NULL, "environment", CONFIG_FIELD(tool, env)},
    {"quiet", CONFIG_BOOL, "false", "say nothing", CONFIG_FIELD(tool, quiet)},
};

static const config_program tool_record = {
    .rows = tool_rows,
    .row_count = sizeof tool_rows / sizeof tool_rows[0],
    .settings_size = sizeof(tool),
};

static status *judge(const char *name, const void *record)
{
    const tool *t = record;
    if (strcmp(name, "empty") == 0 || t->argv.count > 0) {
        return NULL;
    }
    return status_bad_field("argv", "found none, expected a program");
}

static const config_row rows[] = {
    {"tools", CONFIG_MAP, NULL, "tools", .record = &tool_record, .judge = judge,
     CONFIG_FIELD(settings, tools)},
};

static const config_program program = {
    .name = "shop",
    .version = "1",
    .rows = rows,
    .row_count = 1,
    .settings_size = sizeof(settings),
};

static void a_record_is_read_with_its_defaults(void **state)
{
    (void) state;
    tool read;
    assert_null(
        config_record_read(&tool_record, "argv=convert,-x memory=2MiB env=A=1,B=x=y", &read));
    assert_int_equal(read.argv.count, 2);
    assert_string_equal(read.argv.items[1], "-x");
    assert_int_equal(read.timeout_us, 15000000);
    assert_int_equal(read.memory, 2 << 20);
    assert_int_equal(read.env.count, 2);
    assert_string_equal(read.env.pairs[1].value, "x=y");
    assert_false(read.quiet);
    config_free(&tool_record, &read);
}

static void assert_bad(const char *text, const char *message)
{
    tool read;
    AUTO(status) failure = config_record_read(&tool_record, text, &read);
    assert_non_null(failure);
    if (strstr(failure->message, message) == NULL) {
        fail_msg("%s\nis not in\n%s", message, failure->message);
    }
}

static void what_is_wrong_with_a_record_names_its_key(void **state)
{
    (void) state;
    assert_bad("timeout=forever", "timeout: found \"forever\", expected a duration");
    assert_bad("timeout=1s,2s", "timeout: found several values, expected one");
    assert_bad("quiet=false quiet=true", "quiet: found several values, expected one");
    assert_bad("colour=red", "colour: found an unknown key, expected one of argv, timeout, memory");
    assert_bad("env=A", "env: found \"A\"");
    assert_bad("env=A=1,A=2", "env: found \"A\" a second time");
    assert_bad("nonsense", "expected KEY=VALUE words");
}

static void an_empty_list_is_no_value(void **state)
{
    (void) state;
    tool read;
    assert_null(config_record_read(&tool_record, "argv= env=", &read));
    assert_int_equal(read.argv.count, 0);
    assert_int_equal(read.env.count, 0);
    config_free(&tool_record, &read);
}

static status *load(const char *yaml, settings *ret)
{
    memset(ret, 0, sizeof *ret);
    const slice bytes = {.bytes = (const uint8_t *) yaml, .size = strlen(yaml)};
    return config_yaml_apply_bytes(&program, "shop.yaml", bytes, ret);
}

static void a_mapping_in_yaml_is_a_record(void **state)
{
    (void) state;
    settings read;
    assert_null(
        load("tools:\n  resize:\n    argv: [convert, '{args}']\n    env: {A: x y}\n", &read));
    assert_int_equal(read.tools.count, 1);
    tool one;
    assert_null(config_record_read(&tool_record, read.tools.pairs[0].value, &one));
    assert_string_equal(one.argv.items[1], "{args}");
    assert_string_equal(one.env.pairs[0].value, "x y");
    config_free(&tool_record, &one);
    config_free(&program, &read);
}

static void assert_refused(const char *yaml, const char *message)
{
    settings read;
    AUTO(status) failure = load(yaml, &read);
    assert_non_null(failure);
    if (strncmp(failure->message, message, strlen(message)) != 0) {
        fail_msg("%s\nis not in front of\n%s", message, failure->message);
    }
    config_free(&program, &read);
}

static void a_mistake_in_a_mapping_is_told_with_its_line(void **state)
{
    (void) state;
    assert_refused("tools:\n  resize:\n    argv: [x]\n    timeout: 1h\n",
                   "shop.yaml:4: tools.resize.timeout: found \"1h\", expected a duration");
    assert_refused("tools:\n  resize:\n    argv: [x]\n    colour: red\n",
                   "shop.yaml:4: tools.resize.colour: found an unknown key");
    assert_refused("tools:\n  a:\n    argv: [x]\n  b:\n    timeout: 1s\n",
                   "shop.yaml:4: tools.b.argv: found none, expected a program");
    assert_refused("tools:\n  a: nonsense\n", "shop.yaml:2: tools.a: found another text");
    assert_refused("tools:\n  a: timeout=2h\n", "shop.yaml:2: tools.a.timeout: found \"2h\"");
}

static void the_field_of_a_mistake_is_its_whole_path(void **state)
{
    (void) state;
    settings read;
    AUTO(status) failure = load("tools: {a: {memory: lots}}", &read);
    assert_non_null(failure);
    assert_int_equal(failure->violation_count, 1);
    assert_string_equal(failure->violations[0].field, "tools.a.memory");
    config_free(&program, &read);
}

static void documentation_lists_the_keys_of_a_record(void **state)
{
    (void) state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    config_print_markdown(&program, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "| `tools.NAME.timeout` | | | a duration"));
    assert_non_null(strstr(text, "| `15s` | longest time | no |"));
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_record_is_read_with_its_defaults),
    cmocka_unit_test(what_is_wrong_with_a_record_names_its_key),
    cmocka_unit_test(an_empty_list_is_no_value),
    cmocka_unit_test(a_mapping_in_yaml_is_a_record),
    cmocka_unit_test(a_mistake_in_a_mapping_is_told_with_its_line),
    cmocka_unit_test(the_field_of_a_mistake_is_its_whole_path),
    cmocka_unit_test(documentation_lists_the_keys_of_a_record),
};

UNIT_TEST_MAIN(tests)
