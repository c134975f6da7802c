// cli_options - command lines read by tables.
#include "unit/unit_test.h"

#include "options.h"

#include "errand/v1/job.pb-c.h"

// clang-format off
static const cli_option rows[] = {
    {"queue",    CLI_TEXT,              'q', false, "NAME",   "queue",                 NULL,    ""},
    {"priority", CLI_TEXT,              'p', false, "NUMBER", "priority",              NULL,    ""},
    {"delay",    CLI_DURATION,          0,   false, "TIME",   "delay",                 NULL,    ""},
    {"plain",    CLI_FLAG,              0,   false, NULL,     "http.follow_redirects", "false", ""},
    {"on",       CLI_NAME,              0,   true,  "STATE",  "callback.on",           NULL,    ""},
    {"wait",     CLI_OPTIONAL_DURATION, 'w', false, "TIME",   NULL,                    NULL,    ""},
    {"limit",    CLI_NUMBER,            'n', false, "NUMBER", NULL,                    NULL,    ""},
    {NULL, CLI_FLAG, 0, false, NULL, NULL, NULL, NULL},
};
// clang-format on
static const cli_option_group group = {"Options", rows};
static const cli_option_group *const groups[] = {&group, NULL};

#define COMMAND_LINE_MAX 8

// parse reads a command line that ends with NULL.
static status *parse(const char *const *words, bool stop_at_word, int *index, cli_args *ret)
{
    char *argv[COMMAND_LINE_MAX] = {0};
    int argc = 0;
    for (; words[argc] != NULL; argc++) {
        argv[argc] = (char *) (uintptr_t) words[argc];
    }
    return cli_parse(argc, argv, groups, stop_at_word, index, ret);
}

#define PARSE(args, ...) (parse((const char *const[]){__VA_ARGS__, NULL}, false, &(int){0}, (args)))

static void assert_refused(status *s, const char *part)
{
    assert_non_null(s);
    assert_int_equal(s->code, STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(s->message, part));
    status_free(s);
}

static void long_and_short_options_take_values_in_each_form(void **state)
{
    (void) state;
    static const char *const forms[][3] = {
        {"--queue", "mine", NULL}, {"--queue=mine", NULL}, {"-q", "mine", NULL}, {"-qmine", NULL}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        cli_args args = {0};
        assert_null(parse(forms[i], false, &(int){0}, &args));
        assert_string_equal(cli_text(&args, "queue"), "mine");
        assert_int_equal(args.word_count, 0);
        cli_args_fini(&args);
    }
}

static void a_value_may_look_like_an_option(void **state)
{
    (void) state;
    cli_args args = {0};
    assert_null(PARSE(&args, "-p", "-5", "word"));
    assert_string_equal(cli_text(&args, "priority"), "-5");
    assert_int_equal(args.word_count, 1);
    cli_args_fini(&args);
}

static void an_optional_value_is_never_the_next_word(void **state)
{
    (void) state;
    cli_args args = {0};
    int64_t ms = 0;
    assert_null(PARSE(&args, "--wait", "word"));
    assert_true(cli_has(&args, "wait"));
    assert_null(cli_text(&args, "wait"));
    assert_null(cli_duration_ms(&args, "wait", 77, &ms));
    assert_int_equal(ms, 77);
    assert_string_equal(args.words[0], "word");
    cli_args_fini(&args);
}

static void words_after_two_dashes_are_no_options(void **state)
{
    (void) state;
    cli_args args = {0};
    assert_null(PARSE(&args, "-", "--", "--queue", "-x"));
    assert_int_equal(args.word_count, 3);
    assert_int_equal(args.given_count, 0);
    assert_string_equal(args.words[0], "-");
    assert_string_equal(args.words[1], "--queue");
    cli_args_fini(&args);
}

static void parsing_stops_at_the_first_word_if_asked(void **state)
{
    (void) state;
    cli_args args = {0};
    int index = 0;
    assert_null(parse((const char *const[]){"-q", "a", "fetch", "-x", NULL}, true, &index, &args));
    assert_int_equal(index, 2);
    assert_int_equal(args.word_count, 0);
    cli_args_fini(&args);
}

static void what_the_tables_do_not_allow_is_refused(void **state)
{
    (void) state;
    cli_args args = {0};
    assert_refused(PARSE(&args, "--colour"), "--colour");
    assert_refused(PARSE(&args, "-x"), "-x");
    assert_refused(PARSE(&args, "--que", "a"), "--que");
    assert_refused(PARSE(&args, "--queue"), "needs a value");
    assert_refused(PARSE(&args, "--plain=yes"), "takes no value");
    assert_refused(PARSE(&args, "-q", "a", "-q", "b"), "twice");
    cli_args_fini(&args);
}

static void durations_are_rounded_up_to_milliseconds(void **state)
{
    (void) state;
    cli_args args = {0};
    int64_t ms = 0;
    assert_null(PARSE(&args, "--delay", "1us"));
    assert_null(cli_duration_ms(&args, "delay", 0, &ms));
    assert_int_equal(ms, 1);
    cli_args_fini(&args);
}

static void wrong_numbers_and_durations_name_the_option(void **state)
{
    (void) state;
    static const char *const wrong[] = {"", "-1", "1x", "99999999999999999999", "0x10", " 1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cli_args args = {0};
        int64_t number = 5;
        assert_null(PARSE(&args, "--limit", wrong[i], "--delay", wrong[i]));
        assert_refused(cli_number(&args, "limit", 0, &number), "--limit");
        assert_refused(cli_duration_ms(&args, "delay", 0, &number), "--delay");
        assert_int_equal(number, 5);
        cli_args_fini(&args);
    }
}

static void values_become_fields_of_the_message(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    cli_args args = {0};
    assert_null(
        PARSE(&args, "-qmine", "-p-7", "--delay=1.5s", "--plain", "--on=failed", "--on=Expired"));
    assert_null(cli_fill(&args, &job.base, memory));
    assert_string_equal(job.queue, "mine");
    assert_int_equal(job.priority, -7);
    assert_int_equal(job.delay->seconds, 1);
    assert_int_equal(job.delay->nanos, 500000000);
    assert_int_equal(job.input_case, ERRAND__V1__JOB__INPUT_HTTP);
    assert_false(job.http->follow_redirects->value);
    assert_int_equal(job.callback->n_on, 2);
    assert_int_equal(job.callback->on[0], ERRAND__V1__JOB__STATE__FAILED);
    assert_int_equal(job.callback->on[1], ERRAND__V1__JOB__STATE__EXPIRED);
    cli_args_fini(&args);
}

static void a_value_that_does_not_fit_its_field_names_the_option(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    cli_args args = {0};
    assert_null(PARSE(&args, "--priority", "high"));
    assert_refused(cli_fill(&args, &job.base, memory), "--priority");
    cli_args_fini(&args);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(long_and_short_options_take_values_in_each_form),
    cmocka_unit_test(a_value_may_look_like_an_option),
    cmocka_unit_test(an_optional_value_is_never_the_next_word),
    cmocka_unit_test(words_after_two_dashes_are_no_options),
    cmocka_unit_test(parsing_stops_at_the_first_word_if_asked),
    cmocka_unit_test(what_the_tables_do_not_allow_is_refused),
    cmocka_unit_test(durations_are_rounded_up_to_milliseconds),
    cmocka_unit_test(wrong_numbers_and_durations_name_the_option),
    cmocka_unit_test(values_become_fields_of_the_message),
    cmocka_unit_test(a_value_that_does_not_fit_its_field_names_the_option),
};

UNIT_TEST_MAIN(tests)
