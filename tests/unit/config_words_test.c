// config_words - values that have parts: as words in a text, as mappings in YAML.
#include "unit/unit_test.h"

#include "base/config_words.h"
#include "base/config_yaml.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    config_map tools;
    config_map names;
} settings;

static const config_row rows[] = {
    {"tools", CONFIG_MAP, NULL, "tools", .nested = true, CONFIG_FIELD(settings, tools)},
    {"names", CONFIG_MAP, NULL, "names", CONFIG_FIELD(settings, names)},
};

static const config_program program = {
    .name = "shop",
    .version = "1",
    .rows = rows,
    .row_count = 2,
    .settings_size = sizeof(settings),
};

static void assert_words(const char *text, const char *expected)
{
    config_map words = {0};
    AUTO_BUF shown = {0};
    assert_true(config_words_read(text, &words));
    for (size_t i = 0; i < words.count; i++) {
        buf_append_format(&shown, "[%s|%s]", words.pairs[i].key, words.pairs[i].value);
    }
    assert_string_equal(buf_text(&shown), expected);
    config_words_fini(&words);
}

static void words_are_parted_by_spaces_and_lists_by_commas(void **state)
{
    (void) state;
    assert_words("", "");
    assert_words("a=1", "[a|1]");
    assert_words("  a=1   b=x,y a=2 ", "[a|1][b|x][b|y][a|2]");
    assert_words("a= b=,x", "[a|][b|][b|x]");
    assert_words("a=k=v", "[a|k=v]");
}

static void a_backslash_takes_the_meaning_from_what_parts(void **state)
{
    (void) state;
    assert_words("a=x\\ y\\,z\\\\ b=1", "[a|x y,z\\][b|1]");
}

static void what_is_no_word_is_refused(void **state)
{
    (void) state;
    const char *const bad[] = {"a", "=1", "a=1 b", "a,b=1", "a=\\", "a=\\n", "a=1 =2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        config_map words = {0};
        assert_false(config_words_read(bad[i], &words));
        assert_null(words.pairs);
    }
}

static status *load(const char *yaml, settings *ret)
{
    *ret = (settings){0};
    slice bytes = {(const uint8_t *) yaml, strlen(yaml)};
    status *failure = config_yaml_apply_bytes(&program, "shop.yaml", bytes, ret);
    if (failure) {
        config_free(&program, ret);
    }
    return failure;
}

static void a_mapping_in_yaml_becomes_words(void **state)
{
    (void) state;
    settings s;
    assert_null(load("tools:\n"
                     "  saw: {size: 3, teeth: [a, 'b c', 'd,e'], env: {PATH: /bin, X: 'a b'}}\n"
                     "  axe: size=4\n"
                     "  none: {teeth: []}\n",
                     &s));
    assert_int_equal(s.tools.count, 3);
    assert_words(s.tools.pairs[0].value,
                 "[size|3][teeth|a][teeth|b c][teeth|d,e][env|PATH=/bin][env|X=a b]");
    assert_string_equal(s.tools.pairs[1].value, "size=4");
    assert_words(s.tools.pairs[2].value, "[teeth|]");
    config_free(&program, &s);
}

static void assert_refused(const char *yaml, const char *message)
{
    settings s;
    AUTO(status) failure = load(yaml, &s);
    assert_non_null(failure);
    assert_string_equal(failure->message, message);
}

static void a_mapping_where_none_may_be_is_refused(void **state)
{
    (void) state;
    assert_refused("names:\n  saw: {size: 3}\n",
                   "shop.yaml:2: names: found a mapping, expected at most 1000 pairs of a name and "
                   "a text");
    assert_refused("tools:\n  saw: {size: 3,\n    teeth: [[1]]}\n",
                   "shop.yaml:3: tools: found something else than a text or a list of texts at "
                   "\"teeth\", expected at most 1000 pairs of a name and a text");
    assert_refused("tools:\n  saw: {size: }\n",
                   "shop.yaml:2: tools: found something else than a text or a list of texts at "
                   "\"size\", expected at most 1000 pairs of a name and a text");
    assert_refused("tools:\n  saw: {'a b': 1}\n",
                   "shop.yaml:2: tools: found \"a b\", expected at most 1000 pairs of a name and a "
                   "text");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(words_are_parted_by_spaces_and_lists_by_commas),
    cmocka_unit_test(a_backslash_takes_the_meaning_from_what_parts),
    cmocka_unit_test(what_is_no_word_is_refused),
    cmocka_unit_test(a_mapping_in_yaml_becomes_words),
    cmocka_unit_test(a_mapping_where_none_may_be_is_refused),
};

UNIT_TEST_MAIN(tests)
