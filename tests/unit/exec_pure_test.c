// exec pure - templates, settings and endings of commands.
#include "unit/unit_test.h"

#include "base/config_record.h"
#include "worker/exec_command.h"
#include "worker/exec_outcome.h"
#include "worker/exec_template.h"

#include <errno.h>
#include <string.h>

// Texts as the two parameters `char *const *` and their count; nobody writes to them.
#define TEXTS(...)                                                                                 \
    (char *const *) (uintptr_t) (const char *const[]){__VA_ARGS__},                                \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

// ---- templates ----

static char *fill(const exec_template *t, char *const *args, size_t count)
{
    static char shown[512];
    AUTO(arena) memory = arena_new(0);
    char **argv = NULL;
    size_t size = 0, arg_count = 0;
    AUTO(status) failure = exec_template_fill(t, args, count, memory, &argv, &arg_count);
    if (failure != NULL) {
        (void) snprintf(shown, sizeof shown, "%s", failure->message);
        return shown;
    }
    shown[0] = '\0';
    for (size_t i = 0; i < arg_count; i++) {
        size += (size_t) snprintf(shown + size, sizeof shown - size, "<%s>", argv[i]);
    }
    assert_null(argv[arg_count]);
    return shown;
}

static exec_template template_of(char *const *elements, size_t count)
{
    exec_template t;
    assert_null(exec_template_read(elements, count, &t));
    return t;
}

static void arguments_go_where_the_template_says(void **state)
{
    (void) state;
    exec_template t = template_of(TEXTS("convert", "{0}", "--size={1}x{1}", "{args}", "end"));
    assert_string_equal(fill(&t, TEXTS("a", "5")), "<convert><a><--size=5x5><end>");
    assert_string_equal(fill(&t, TEXTS("a", "5", "b c", "")),
                        "<convert><a><--size=5x5><b c><><end>");
    exec_template none = template_of(TEXTS("true"));
    assert_string_equal(fill(&none, NULL, 0), "<true>");
}

static void an_argument_is_never_read_as_a_template(void **state)
{
    (void) state;
    exec_template t = template_of(TEXTS("echo", "{0}", "{args}"));
    assert_string_equal(fill(&t, TEXTS("{1}", "{args}", "{{")), "<echo><{1}><{args}><{{>");
}

static void doubled_braces_are_braces(void **state)
{
    (void) state;
    exec_template t = template_of(TEXTS("awk", "{{print ${0}}}"));
    assert_string_equal(fill(&t, TEXTS("2")), "<awk><{print $2}>");
}

static void arguments_are_counted(void **state)
{
    (void) state;
    exec_template two = template_of(TEXTS("x", "{0}", "{1}"));
    exec_template more = template_of(TEXTS("x", "{0}", "{args}"));
    assert_string_equal(fill(&two, TEXTS("a")), "exec.args: found 1, expected exactly 2");
    assert_string_equal(fill(&two, TEXTS("a", "b", "c")), "exec.args: found 3, expected exactly 2");
    assert_string_equal(fill(&more, NULL, 0), "exec.args: found 0, expected at least 1");
    assert_string_equal(fill(&more, TEXTS("a")), "<x><a>");
}

static void options_can_be_refused(void **state)
{
    (void) state;
    exec_template t = template_of(TEXTS("tar", "{0}", "to={1}", "--", "{args}"));
    t.allow_options = false;
    assert_string_equal(fill(&t, TEXTS("a", "-b", "-c")), "<tar><a><to=-b><--><-c>");
    assert_non_null(strstr(fill(&t, TEXTS("-a", "b")), "found a dash in front of argument 0"));
    exec_template rest = template_of(TEXTS("tar", "{args}"));
    rest.allow_options = false;
    assert_non_null(strstr(fill(&rest, TEXTS("a", "--x")), "found a dash in front of argument 1"));
}

static void an_element_takes_an_argument_or_not(void **state)
{
    (void) state;
    assert_true(exec_template_takes("{args}"));
    assert_true(exec_template_takes("echo {0}"));
    assert_false(exec_template_takes("echo {{0}}"));
    assert_false(exec_template_takes(""));
}

static void templates_that_mean_nothing_are_refused(void **state)
{
    (void) state;
    static const struct {
        const char *elements[3];
        const char *words;
    } cases[] = {
        {{NULL}, "found nothing"},
        {{"{0}"}, "found the program \"{0}\""},
        {{"echo {args}"}, "expected its name or path, with arguments as further elements"},
        {{""}, "found the program \"\""},
        {{"x", "{args}", "{args}"}, "found {args} twice"},
        {{"x", "a{args}"}, "found a brace"},
        {{"x", "{"}, "found a brace"},
        {{"x", "}"}, "found a brace"},
        {{"x", "{100}"}, "found a brace"},
        {{"x", "{-1}"}, "found a brace"},
        {{"x", "{name}"}, "found a brace"},
        {{"x", "{1}"}, "found {1} without {0}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        exec_template t;
        size_t count = 0;
        while (count < 3 && cases[i].elements[count] != NULL) {
            count++;
        }
        AUTO(status) failure =
            exec_template_read((char *const *) (uintptr_t) cases[i].elements, count, &t);
        assert_non_null(failure);
        assert_string_equal(failure->violations[0].field, "argv");
        assert_non_null(strstr(failure->message, cases[i].words));
    }
}

// ---- settings ----

static void refuses_settings(const char *words, const char *field, const char *message)
{
    exec_settings settings;
    assert_null(config_record_read(&exec_settings_record, words, &settings));
    AUTO(status) failure = exec_settings_check("name", &settings);
    assert_non_null(failure);
    assert_string_equal(failure->violations[0].field, field);
    if (strstr(failure->message, message) == NULL) {
        fail_msg("%s\nis not in\n%s", message, failure->message);
    }
    config_free(&exec_settings_record, &settings);
}

static void settings_are_judged_by_what_is_there(void **state)
{
    (void) state;
    refuses_settings("argv=/no/such/program", "argv", "expected one that can be executed");
    refuses_settings("argv=no-such-program-anywhere", "argv", "can be executed in PATH");
    refuses_settings("argv=/etc/passwd", "argv", "can be executed");
    refuses_settings("argv=./x", "argv", "expected a path from / or a name");
    refuses_settings("argv=true directory=/no/such", "directory", "expected the path of a folder");
    refuses_settings("argv=true directory=tmp", "directory", "from /");
    refuses_settings("argv=true user=nobody-of-that-name", "user", "expected the name of a user");
    refuses_settings("argv=true env=A-B=c", "env", "found \"A-B\"");
    refuses_settings("argv=true env=ERRAND_X=c", "env", "found \"ERRAND_X\"");
    refuses_settings("timeout=1s", "argv", "found nothing");
}

static void jobs_can_not_be_allowed_to_choose_code(void **state)
{
    (void) state;
    refuses_settings("argv=true allow_env=PATH", "allow_env", "choose no code");
    refuses_settings("argv=true allow_env=OK,LD_PRELOAD", "allow_env", "found \"LD_PRELOAD\"");
    refuses_settings("argv=true allow_env=BASH_ENV", "allow_env", "found \"BASH_ENV\"");
    refuses_settings("argv=true allow_env=PYTHONPATH", "allow_env", "found \"PYTHONPATH\"");
    refuses_settings("argv=true allow_env=NODE_OPTIONS", "allow_env", "found \"NODE_OPTIONS\"");
}

static void a_program_is_found_in_the_path_of_its_environment(void **state)
{
    (void) state;
    exec_settings settings;
    char *path = NULL;
    assert_null(
        config_record_read(&exec_settings_record, "argv=sh env=PATH=/nowhere:/bin", &settings));
    assert_null(exec_program_find(&settings, &path));
    assert_string_equal(path, "/bin/sh");
    free(path);
    config_free(&exec_settings_record, &settings);
}

// ---- endings ----

#define EXITED(code)     ((code) << 8)
#define SIGNALLED(value) (value)

static exec_verdict judge(exec_ending ending, const char *expected)
{
    char message[EXEC_MESSAGE_BYTES];
    ending.name = "resize";
    exec_verdict verdict = exec_judge(&ending, message);
    assert_string_equal(message, expected);
    return verdict;
}

static void exit_codes_decide(void **state)
{
    (void) state;
    const exec_ending ok = {.wait_status = EXITED(0)};
    const exec_ending failed = {.wait_status = EXITED(3)};
    const exec_ending later = {.wait_status = EXITED(75), .retry_after_us = 9000000};
    assert_int_equal(judge(ok, "").code, STATUS_OK);
    exec_verdict verdict = judge(failed, "resize exited with code 3");
    assert_int_equal(verdict.code, STATUS_UNKNOWN);
    assert_true(verdict.retryable);
    assert_int_equal(verdict.retry_after_us, 0);
    verdict = judge(later, "resize exited with code 75");
    assert_int_equal(verdict.code, STATUS_UNAVAILABLE);
    assert_true(verdict.retryable);
    assert_int_equal(verdict.retry_after_us, 9000000);
}

static void signals_are_named(void **state)
{
    (void) state;
    const exec_ending killed = {.wait_status = SIGNALLED(9)};
    const exec_ending busy = {.wait_status = SIGNALLED(24)};
    assert_true(judge(killed, "resize was ended by signal 9 (SIGKILL)").retryable);
    assert_int_equal(judge(busy, "resize was ended by signal 24 (SIGXCPU), it used more CPU time "
                                 "than it may")
                         .code,
                     STATUS_RESOURCE_EXHAUSTED);
}

static slice slice_of(const char *text)
{
    return (slice){.bytes = (const uint8_t *) text, .size = strlen(text)};
}

static void a_failure_shows_the_end_of_standard_error(void **state)
{
    (void) state;
    const exec_ending one = {.wait_status = EXITED(1), .complaint = slice_of("no such file\n\n")};
    (void) judge(one, "resize exited with code 1: no such file");
    char text[2001];
    memset(text, 'x', sizeof text);
    (void) snprintf(text + sizeof text - 13, 13, "\nlast words\n");
    const exec_ending two = {.wait_status = EXITED(1),
                             .complaint = {(uint8_t *) text, sizeof text - 1}};
    (void) judge(two, "resize exited with code 1: last words");
}

static void a_time_limit_counts_whatever_the_exit_code(void **state)
{
    (void) state;
    const exec_ending late = {.reason = EXEC_TIMED_OUT,
                              .signalled = true,
                              .wait_status = EXITED(0),
                              .timeout_us = 1500000};
    exec_verdict verdict = judge(late, "resize took longer than its timeout, 1.5 s");
    assert_int_equal(verdict.code, STATUS_DEADLINE_EXCEEDED);
    assert_true(verdict.retryable);
}

static void a_command_that_was_over_when_its_time_was_has_ended_by_itself(void **state)
{
    (void) state;
    const exec_ending done = {.reason = EXEC_TIMED_OUT, .wait_status = EXITED(0)};
    const exec_ending failed = {.reason = EXEC_TIMED_OUT, .wait_status = EXITED(3)};
    const exec_ending broken = {.reason = EXEC_NO_MEMORY, .wait_status = EXITED(0)};
    assert_int_equal(judge(done, "").code, STATUS_OK);
    assert_int_equal(judge(failed, "resize exited with code 3").code, STATUS_UNKNOWN);
    assert_int_equal(judge(broken, "no memory for the output of resize").code,
                     STATUS_RESOURCE_EXHAUSTED);
}

static void what_can_not_start_says_why(void **state)
{
    (void) state;
    const exec_ending gone = {.reason = EXEC_NO_START, .step = EXEC_STEP_PROGRAM, .error = ENOENT};
    const exec_ending longer = {.reason = EXEC_NO_START, .step = EXEC_STEP_PROGRAM, .error = E2BIG};
    assert_true(
        judge(gone, "resize can not be started: program: No such file or directory").retryable);
    assert_false(
        judge(longer, "resize can not be started: program: Argument list too long").retryable);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(arguments_go_where_the_template_says),
    cmocka_unit_test(an_argument_is_never_read_as_a_template),
    cmocka_unit_test(doubled_braces_are_braces),
    cmocka_unit_test(arguments_are_counted),
    cmocka_unit_test(options_can_be_refused),
    cmocka_unit_test(an_element_takes_an_argument_or_not),
    cmocka_unit_test(templates_that_mean_nothing_are_refused),
    cmocka_unit_test(settings_are_judged_by_what_is_there),
    cmocka_unit_test(jobs_can_not_be_allowed_to_choose_code),
    cmocka_unit_test(a_program_is_found_in_the_path_of_its_environment),
    cmocka_unit_test(exit_codes_decide),
    cmocka_unit_test(signals_are_named),
    cmocka_unit_test(a_failure_shows_the_end_of_standard_error),
    cmocka_unit_test(a_time_limit_counts_whatever_the_exit_code),
    cmocka_unit_test(a_command_that_was_over_when_its_time_was_has_ended_by_itself),
    cmocka_unit_test(what_can_not_start_says_why),
};

UNIT_TEST_MAIN(tests)
