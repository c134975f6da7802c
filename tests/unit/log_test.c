// log - the lines that arrive on standard error.
#include "unit/unit_test.h"

#include "base/log.h"

#include <unistd.h>

// What one test logged: standard error is a pipe in the meantime.
typedef struct capture {
    int saved;
    int pipe[2];
    char text[16384];
} capture;

static capture *capture_start(void)
{
    static capture c;
    assert_int_equal(pipe(c.pipe), 0);
    c.saved = dup(STDERR_FILENO);
    assert_true(c.saved >= 0);
    assert_true(dup2(c.pipe[1], STDERR_FILENO) >= 0);
    return &c;
}

// capture_end returns what was written in one piece.
static const char *capture_end(capture *c)
{
    dup2(c->saved, STDERR_FILENO);
    close(c->saved);
    close(c->pipe[1]);
    ssize_t size = read(c->pipe[0], c->text, sizeof c->text - 1);
    close(c->pipe[0]);
    assert_true(size >= 0);
    c->text[size] = '\0';
    return c->text;
}

// after_time skips the time, after a look at its shape.
static const char *after_time(const char *line)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    for (size_t i = 0; shape[i]; i++) {
        bool digit = line[i] >= '0' && line[i] <= '9';
        assert_true(shape[i] == 'd' ? digit : line[i] == shape[i]);
    }
    return line + strlen(shape);
}

static void a_text_line_has_time_level_event_and_fields(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    capture *c = capture_start();
    log_info("listening", LOG_STR("url", "tcp://127.0.0.1:1"), LOG_INT("port", -5));
    assert_string_equal(after_time(capture_end(c)),
                        " info listening url=tcp://127.0.0.1:1 port=-5\n");
}

static void an_event_needs_no_fields(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    capture *c = capture_start();
    log_warn("draining");
    assert_string_equal(after_time(capture_end(c)), " warn draining\n");
}

static void text_values_are_quoted_and_escaped_when_they_must(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    capture *c = capture_start();
    log_error("odd", LOG_STR("a", ""), LOG_STR("b", "x y"), LOG_STR("c", "q\"\\\n\x01\xff="),
              LOG_STR("d", "\xc3\xa4"), LOG_STR("e", NULL));
    assert_string_equal(after_time(capture_end(c)),
                        " error odd a=\"\" b=\"x y\" c=\"q\\\"\\\\\\n\\x01\\xff=\" d=\xc3\xa4"
                        " e=null\n");
}

static void a_json_line_is_one_object(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    capture *c = capture_start();
    log_info("listening", LOG_STR("url", "a\"b\n\x01\xff\xc3\xa4"), LOG_INT("port", 7),
             LOG_STR("none", NULL));
    const char *line = capture_end(c);
    assert_memory_equal(line, "{\"time\":\"", 9);
    assert_string_equal(after_time(line + 9),
                        "\",\"level\":\"info\",\"event\":\"listening\","
                        "\"url\":\"a\\\"b\\n\\u0001\\ufffd\xc3\xa4\",\"port\":7,\"none\":null}\n");
}

static void a_status_shows_code_and_message(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    AUTO(status) failure = status_new(STATUS_NOT_FOUND, "no such job");
    capture *c = capture_start();
    log_error("lookup", LOG_STATUS(failure), LOG_STATUS(NULL));
    assert_string_equal(after_time(capture_end(c)), " error lookup error=\"NOT_FOUND: no such job\""
                                                    " error=\"OK: success\"\n");
}

static void a_level_below_the_one_set_is_silent(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    capture *c = capture_start();
    log_info("quiet");
    assert_string_equal(capture_end(c), "");
    assert_false(log_enabled(LOG_LEVEL_INFO));
    assert_true(log_enabled(LOG_LEVEL_WARN));
}

static void long_values_are_cut_and_the_line_stays_whole_json(void **state)
{
    (void) state;
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    static char control[3000];
    memset(control, 1, sizeof control - 1);
    capture *c = capture_start();
    log_info("long", LOG_STR("a", control), LOG_STR("b", control), LOG_INT("z", 1));
    const char *line = capture_end(c);
    size_t size = strlen(line);
    assert_true(size < 8300);
    assert_non_null(strstr(line, "\\u0001...\","));
    assert_null(strstr(line, "\"b\""));
    assert_string_equal(line + size - 8, ",\"z\":1}\n");
}

static void level_names_are_read(void **state)
{
    (void) state;
    log_level level = LOG_LEVEL_INFO;
    assert_true(log_level_parse("error", &level));
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_true(log_level_parse("debug", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_false(log_level_parse("INFO", &level));
    assert_false(log_level_parse("", &level));
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_text_line_has_time_level_event_and_fields),
    cmocka_unit_test(an_event_needs_no_fields),
    cmocka_unit_test(text_values_are_quoted_and_escaped_when_they_must),
    cmocka_unit_test(a_json_line_is_one_object),
    cmocka_unit_test(a_status_shows_code_and_message),
    cmocka_unit_test(a_level_below_the_one_set_is_silent),
    cmocka_unit_test(long_values_are_cut_and_the_line_stays_whole_json),
    cmocka_unit_test(level_names_are_read),
};

UNIT_TEST_MAIN(tests)
