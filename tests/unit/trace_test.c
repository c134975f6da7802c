// trace - traceparent: judged, and handed on.
#include "unit/unit_test.h"

#include "base/trace.h"

#include <string.h>

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static void a_child_is_of_the_same_trace_with_an_id_of_its_own(void **state)
{
    (void) state;
    char child[TRACE_PARENT_SIZE], other[TRACE_PARENT_SIZE];
    trace_parent_child(GOOD, child);
    trace_parent_child(GOOD, other);
    assert_true(trace_parent_is_valid(child));
    assert_memory_equal(child, GOOD, 36);
    assert_string_equal(child + 52, "-01");
    assert_memory_not_equal(child + 36, GOOD + 36, 16);
    assert_memory_not_equal(child + 36, other + 36, 16);
}

static void unknown_flags_are_not_handed_on(void **state)
{
    (void) state;
    char child[TRACE_PARENT_SIZE];
    trace_parent_child("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", child);
    assert_string_equal(child + 52, "-03");
}

static void a_later_version_is_handed_on_as_the_first(void **state)
{
    (void) state;
    char child[TRACE_PARENT_SIZE];
    const char later[] = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more";
    assert_true(trace_parent_is_valid(later));
    trace_parent_child(later, child);
    assert_memory_equal(child, GOOD, 36);
}

static void what_is_no_traceparent_is_told(void **state)
{
    (void) state;
    assert_false(trace_parent_is_valid(NULL));
    assert_false(trace_parent_is_valid(""));
    assert_false(trace_parent_is_valid(GOOD "-more"));
    assert_false(trace_parent_is_valid("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_false(trace_parent_is_valid("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    assert_false(trace_parent_is_valid("00-00000000000000000000000000000000-b7ad6b7169203331-01"));
    assert_false(trace_parent_is_valid("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_child_is_of_the_same_trace_with_an_id_of_its_own),
    cmocka_unit_test(unknown_flags_are_not_handed_on),
    cmocka_unit_test(a_later_version_is_handed_on_as_the_first),
    cmocka_unit_test(what_is_no_traceparent_is_told),
};

UNIT_TEST_MAIN(tests)
