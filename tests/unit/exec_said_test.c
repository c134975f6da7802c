// exec_said - what commands print: lines of progress, and output with a cap.
#include "unit/unit_test.h"

#include "worker/exec_output.h"
#include "worker/exec_progress.h"

#include <string.h>

// ---- progress ----

static void assert_said(const char *lines, int64_t done, int64_t total, const char *message)
{
    exec_progress p = {0};
    exec_progress_said said = {0};
    AUTO(arena) memory = arena_new(0);
    assert_true(exec_progress_take(&p, lines, strlen(lines), memory, &said));
    assert_int_equal(said.done, done);
    assert_int_equal(said.total, total);
    assert_string_equal(said.message, message);
}

static void progress_is_read_from_words_and_from_json(void **state)
{
    (void) state;
    assert_said("3\n", 3, 0, "");
    assert_said("3 10\n", 3, 10, "");
    assert_said("3 10 third page\r\n", 3, 10, "third page");
    assert_said("3 third page\n", 3, 0, "third page");
    assert_said("1 2 a\nnonsense\n2 2 b\n-1 2 c\n4", 2, 2, "b");
    assert_said("{\"done\": 3, \"total\": \"10\", \"message\": \"x\"}\n", 3, 10, "x");
    assert_said(" {\"message\": \"warming up\"}\n", 0, 0, "warming up");
}

static void lines_that_are_no_progress_are_passed_over(void **state)
{
    (void) state;
    static const char *const lines[] = {"\n",
                                        "half\n",
                                        "-1\n",
                                        "1e3\n",
                                        "{\"done\":-1}\n",
                                        "{\n",
                                        "{\"colour\": 1}\n",
                                        "7",
                                        "99999999999999999999\n"};
    AUTO(arena) memory = arena_new(0);
    exec_progress_said said;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        exec_progress p = {0};
        assert_false(exec_progress_take(&p, lines[i], strlen(lines[i]), memory, &said));
    }
}

static void a_line_may_come_in_pieces_and_a_long_one_is_passed_over(void **state)
{
    (void) state;
    exec_progress p = {0};
    exec_progress_said said = {0};
    AUTO(arena) memory = arena_new(0);
    char longer[3000];
    memset(longer, '1', sizeof longer);
    assert_false(exec_progress_take(&p, longer, sizeof longer, memory, &said));
    assert_false(exec_progress_take(&p, " 2\n4", 4, memory, &said));
    assert_true(exec_progress_take(&p, "2 50\n", 5, memory, &said));
    assert_int_equal(said.done, 42);
    assert_int_equal(said.total, 50);
}

// ---- caps ----

static void assert_kept(bool keep_end, const char *expected, int64_t omitted)
{
    exec_output o;
    exec_output_init(&o, 5, keep_end);
    for (const char *at = "abcdefghijklmnopq"; *at != '\0'; at++) {
        assert_true(exec_output_take(&o, at, 1));
    }
    slice text = exec_output_text(&o);
    assert_int_equal(text.size, 5);
    assert_memory_equal(text.bytes, expected, 5);
    assert_int_equal(o.omitted_bytes, omitted);
    exec_output_fini(&o);
}

static void output_beyond_its_cap_is_counted(void **state)
{
    (void) state;
    assert_kept(false, "abcde", 12);
    assert_kept(true, "mnopq", 12);
    exec_output o;
    exec_output_init(&o, 3, true);
    assert_true(exec_output_take(&o, "1234567", 7));
    assert_int_equal(o.omitted_bytes, 4);
    assert_memory_equal(exec_output_text(&o).bytes, "567", 3);
    exec_output_fini(&o);
    exec_output_init(&o, 0, true);
    assert_true(exec_output_take(&o, "1234567", 7));
    assert_int_equal(exec_output_text(&o).size, 0);
    exec_output_fini(&o);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(progress_is_read_from_words_and_from_json),
    cmocka_unit_test(lines_that_are_no_progress_are_passed_over),
    cmocka_unit_test(a_line_may_come_in_pieces_and_a_long_one_is_passed_over),
    cmocka_unit_test(output_beyond_its_cap_is_counted),
};

UNIT_TEST_MAIN(tests)
