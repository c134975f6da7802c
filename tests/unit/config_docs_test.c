// config_docs - what --help, the documentation and the manual page say.
#include "unit/config_fixture.h"

// print captures what a generator writes; the caller frees it.
static char *print(void (*generator)(const config_program *, FILE *))
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    generator(&shop_program, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_contains(const char *text, const char *part)
{
    if (!strstr(text, part)) {
        fail_msg("'%s' is missing in:\n%s", part, text);
    }
}

static void help_has_a_line_for_every_row_with_its_default(void **state)
{
    (void) state;
    AUTO_FREE char *text = print(config_print_help);
    assert_contains(text, "Usage: shop [FLAGS]\n\nsells what-not.\n");
    assert_contains(text, "\n  --data DIR                  folder of the data [./shop-data]\n");
    assert_contains(text, "\n  --log-level NAME            what to log: low or high [low]\n");
    assert_contains(text, "--tls-cert-file TEXT");
    assert_contains(text, "\n  ERRAND_TOKEN=TEXT           a bearer token\n");
    assert_null(strstr(text, "--token"));
    assert_contains(
        text,
        "where to listen; may be repeated\n                              [tcp://127.0.0.1:1]\n");
    assert_contains(text, "--config FILE");
    assert_contains(text, "--check-config");
    assert_contains(text, "--version");
    assert_null(strstr(text, "--man"));
}

static void no_line_of_help_is_longer_than_80_columns(void **state)
{
    (void) state;
    AUTO_FREE char *text = print(config_print_help);
    for (const char *line = text; *line; line += strspn(line, "\n")) {
        size_t size = strcspn(line, "\n");
        assert_true(size <= 80);
        line += size;
    }
}

static void the_markdown_table_has_every_name_of_a_row(void **state)
{
    (void) state;
    AUTO_FREE char *text = print(config_print_markdown);
    assert_contains(text, "| `tls.cert_file` | `--tls-cert-file` | `ERRAND_TLS_CERT_FILE` | text, "
                          "not empty | | certificate | no |\n");
    assert_contains(text, "| `log_level` | `--log-level` | `ERRAND_LOG_LEVEL` | low or high | "
                          "`low` | what to log | yes |\n");
    assert_contains(text, "time to finish \\| at most");
    assert_contains(text, "| `token` | | `ERRAND_TOKEN` | ");
}

static void the_manual_page_is_escaped_roff(void **state)
{
    (void) state;
    AUTO_FREE char *text = print(config_print_man);
    assert_contains(text, ".TH \"shop\" \"1\" \"\" \"errand 1.2.3\"");
    assert_contains(text, ".SH NAME\nshop \\- sells what\\-not\n");
    assert_contains(text, "A shop.\n.PP\n\\&.It has a counter.\n");
    assert_contains(text, ".TP\n\\fB\\-\\-tls\\-cert\\-file\\fR \\fITEXT\\fR\ncertificate.\n");
    assert_contains(text, ".TP\n\\fBERRAND_TOKEN\\fR \\fITEXT\\fR\na bearer token.\n");
    assert_contains(text, ".SH SIGNALS\nSIGTERM drains.\n.PP\nSIGHUP reloads.\n");
}

static void an_answer_is_printed_for_everything_but_run(void **state)
{
    (void) state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_false(config_answer(&shop_program, &(config_outcome){.action = CONFIG_RUN}, out));
    assert_true(config_answer(&shop_program, &(config_outcome){.action = CONFIG_VERSION}, out));
    assert_true(config_answer(&shop_program, &(config_outcome){.action = CONFIG_CHECK}, out));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "shop 1.2.3\nthe settings are good\n");
    free(text);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(help_has_a_line_for_every_row_with_its_default),
    cmocka_unit_test(no_line_of_help_is_longer_than_80_columns),
    cmocka_unit_test(the_markdown_table_has_every_name_of_a_row),
    cmocka_unit_test(the_manual_page_is_escaped_roff),
    cmocka_unit_test(an_answer_is_printed_for_everything_but_run),
};

UNIT_TEST_MAIN(tests)
