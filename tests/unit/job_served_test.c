// A queue as a worker names it: its parts, and what is none.
#include "unit/unit_test.h"

#include "job/served.h"

static void the_name_is_what_stands_before_the_weight(void **state)
{
    (void) state;
    assert_int_equal(served_name_size("mail=3"), 4);
    assert_int_equal(served_name_size("mail"), 4);
    assert_int_equal(served_name_size("=3"), 0);
    assert_true(served_has_weight("mail=3"));
    assert_true(served_has_weight("mail="));
    assert_false(served_has_weight("mail"));
}

static void a_weight_is_one_to_a_thousand_in_digits(void **state)
{
    (void) state;
    static const struct {
        const char *served;
        int weight;
    } cases[] = {{"a", 1},     {"a=1", 1},    {"a=1000", 1000}, {"a=007", 7},
                 {"a=", 0},    {"a=0", 0},    {"a=1001", 0},    {"a=+5", 0},
                 {"a=-5", 0},  {"a= 5", 0},   {"a=5 ", 0},      {"a=5x", 0},
                 {"a=1=2", 0}, {"a=0x10", 0}, {"a=00001", 0},   {"a=99999999999999999999", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(served_weight(cases[i].served), cases[i].weight);
    }
}

static void both_parts_have_to_be_good(void **state)
{
    (void) state;
    char name[68];
    memset(name, 'n', sizeof name - 1);
    strcpy(name + 64, "=3");
    assert_true(served_is_good(name));
    strcpy(name + 64, "n");
    assert_false(served_is_good(name));
    static const char *const bad[] = {"", "=", "=3", "a b", "a=0", "a=1=2", "a b=3", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(served_is_good(bad[i]));
    }
    assert_true(served_is_good("mail"));
    assert_true(served_is_good("mail.fast-1_x=12"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_name_is_what_stands_before_the_weight),
    cmocka_unit_test(a_weight_is_one_to_a_thousand_in_digits),
    cmocka_unit_test(both_parts_have_to_be_good),
};

UNIT_TEST_MAIN(tests)
