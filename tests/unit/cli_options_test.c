// cli_options - command lines read by tables.
#include "unit/unit_test.h"

#include "cli.h"
#include "queue_set.h"

#include "base/clock.h"
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
    {"expire",   CLI_TIME,              0,   false, "WHEN",   "expire_time",           NULL,    ""},
    {"rate-limit",  CLI_TEXT,           0,   false, "N/TIME", NULL,                    NULL,    ""},
    {"burst",       CLI_NUMBER,         0,   false, "NUMBER", NULL,                    NULL,    ""},
    {"max-running", CLI_TEXT,           0,   false, "NUMBER", NULL,                    NULL,    ""},
    {"aging",       CLI_TEXT,           0,   false, "TIME",   NULL,                    NULL,    ""},
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

static void a_time_is_taken_as_it_is_or_from_now(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    cli_args args = {0};
    assert_null(PARSE(&args, "--expire", "2030-01-31T12:00:00Z"));
    assert_null(cli_fill(&args, &job.base, memory));
    assert_int_equal(job.expire_time->seconds, 1896091200);
    cli_args_fini(&args);
    int64_t before_s = clock_wall_us(clock_system()) / 1000000;
    assert_null(PARSE(&args, "--expire", "2h"));
    assert_null(cli_fill(&args, &job.base, memory));
    int64_t after_s = clock_wall_us(clock_system()) / 1000000;
    assert_in_range(job.expire_time->seconds, before_s + 7200, after_s + 7200);
    cli_args_fini(&args);
    assert_null(PARSE(&args, "--expire", "99999999d"));
    assert_refused(cli_fill(&args, &job.base, memory), "--expire");
    cli_args_fini(&args);
    assert_null(PARSE(&args, "--expire", "soon"));
    assert_refused(cli_fill(&args, &job.base, memory), "--expire");
    cli_args_fini(&args);
}

static const char *command_of(const char *first, const char *second, int *ret_count)
{
    char *const words[] = {(char *) (uintptr_t) first, (char *) (uintptr_t) second};
    const cli_command *command = cli_command_find(second != NULL ? 2 : 1, words, ret_count);
    return command != NULL ? command->name : "(none)";
}

static void commands_of_two_words_are_found(void **state)
{
    (void) state;
    int count = 0;
    assert_string_equal(command_of("queue", "ls", &count), "queue ls");
    assert_int_equal(count, 2);
    assert_string_equal(command_of("ls", "queue", &count), "ls");
    assert_int_equal(count, 1);
    assert_string_equal(command_of("queue", NULL, &count), "(none)");
    assert_string_equal(command_of("queue", "brew", &count), "(none)");
    assert_string_equal(command_of("queue ls", NULL, &count), "(none)");
    assert_true(cli_topic_known("queue") && cli_topic_known("worker"));
    assert_false(cli_topic_known("ls") || cli_topic_known("que") || cli_topic_known(""));
}

static void settings_of_a_queue_become_mask_and_values(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__UpdateQueueRequest *request = NULL;
    cli_args args = {0};
    assert_null(PARSE(&args, "mail", "--rate-limit=10/m", "--burst=3", "--max-running=none"));
    assert_null(queue_set_request(&args, memory, &request));
    assert_string_equal(request->queue->name, "mail");
    assert_int_equal(request->update_mask->n_paths, 2);
    assert_string_equal(request->update_mask->paths[0], "rate_limit");
    assert_string_equal(request->update_mask->paths[1], "max_running");
    assert_int_equal(request->queue->rate_limit->count, 10);
    assert_int_equal(request->queue->rate_limit->per->seconds, 60);
    assert_int_equal(request->queue->rate_limit->burst, 3);
    assert_null(request->queue->max_running);
    cli_args_fini(&args);
}

static void wrong_settings_of_a_queue_are_refused(void **state)
{
    (void) state;
    static const char *const wrong[][2] = {{"--rate-limit=10", "--rate-limit"},
                                           {"--rate-limit=/s", "--rate-limit"},
                                           {"--rate-limit=-1/s", "--rate-limit"},
                                           {"--rate-limit=1/", "--rate-limit"},
                                           {"--burst=3", "--burst"},
                                           {"--max-running=many", "--max-running"},
                                           {"--aging=5", "--aging"},
                                           {"word", "needs a setting"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        AUTO(arena) memory = arena_new(0);
        Errand__V1__UpdateQueueRequest *request = NULL;
        cli_args args = {0};
        assert_null(PARSE(&args, "mail", wrong[i][0]));
        assert_refused(queue_set_request(&args, memory, &request), wrong[i][1]);
        cli_args_fini(&args);
    }
}

static void texts_of_others_are_cut_and_cleaned(void **state)
{
    (void) state;
    char text[6];
    assert_string_equal(cli_plain_text("a\n\033b", text, sizeof text), "a  b");
    assert_string_equal(cli_plain_text("abcdefgh", text, sizeof text), "abcde");
    assert_string_equal(cli_plain_text("abcd\xc3\xa4", text, sizeof text), "abcd");
    assert_string_equal(cli_plain_text("abc\xc3\xa4"
                                       "d",
                                       text, sizeof text),
                        "abc\xc3\xa4");
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
    cmocka_unit_test(a_time_is_taken_as_it_is_or_from_now),
    cmocka_unit_test(commands_of_two_words_are_found),
    cmocka_unit_test(settings_of_a_queue_become_mask_and_values),
    cmocka_unit_test(wrong_settings_of_a_queue_are_refused),
    cmocka_unit_test(texts_of_others_are_cut_and_cleaned),
};

UNIT_TEST_MAIN(tests)
