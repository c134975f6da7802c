// worker lease plan - the numbers of Lease calls, and when they are sent.
#include "unit/unit_test.h"

#include "worker/lease_plan.h"

#define MS INT64_C(1000)

typedef struct desk {
    lease_plan plan;
    lease_wish wish;
    int64_t now_us;
    int64_t sequence;  // of the latest Lease sent
    int32_t max_jobs;
    int64_t wake_us;
} desk;

static desk fresh(void)
{
    return (desk){.wish = {.concurrency = 80, .free = 80, .accepting = true}, .now_us = 1000000};
}

static bool sends(desk *d)
{
    return lease_plan_next(&d->plan, &d->wish, d->now_us, &d->sequence, &d->max_jobs, &d->wake_us);
}

static void answer(desk *d, int32_t jobs)
{
    lease_plan_answered(&d->plan, d->sequence, jobs > 0, d->now_us);
    d->wish.free -= jobs;
}

static void the_first_lease_is_number_1_for_all_slots(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 1);
    assert_int_equal(d.max_jobs, 80);
    assert_false(sends(&d));
    assert_int_equal(d.wake_us, INT64_MAX);
}

static void the_next_number_confirms_an_answer(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    answer(&d, 30);
    assert_int_equal(d.plan.answered, 1);
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 2);
    assert_int_equal(d.max_jobs, 50);
}

static void a_failure_asks_with_the_same_number_after_a_pause(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    lease_plan_failed(&d.plan, 1, 0.5, d.now_us);
    assert_false(sends(&d));
    assert_true(d.wake_us > d.now_us);
    d.now_us = d.wake_us;
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 1);
    answer(&d, 1);
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 2);
}

static void pauses_grow_up_to_a_limit(void **state)
{
    (void) state;
    desk d = fresh();
    int64_t before = 0;
    for (int i = 0; i < 30; i++) {
        assert_true(sends(&d));
        lease_plan_failed(&d.plan, d.sequence, 1.0, d.now_us);
        assert_false(sends(&d));
        int64_t pause = d.wake_us - d.now_us;
        assert_true(pause >= before && pause <= 5000 * MS);
        before = pause;
        d.now_us = d.wake_us;
    }
    assert_int_equal(before, 5000 * MS);
}

static void a_parked_lease_stays_when_more_slots_become_free(void **state)
{
    (void) state;
    desk d = fresh();
    d.wish.free = 40;
    assert_true(sends(&d));
    d.wish.free = 80;
    d.now_us += 10000 * MS;
    assert_false(sends(&d));
    d.wish.free = 0;
    d.now_us += 10000 * MS;
    assert_false(sends(&d));
}

static void few_free_slots_wait_a_moment_for_more(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    answer(&d, 79);
    assert_false(sends(&d));
    assert_int_equal(d.wake_us, d.now_us + 2 * MS);
    d.wish.free = 5;
    d.now_us += MS;
    assert_false(sends(&d));
    d.now_us += MS;
    assert_true(sends(&d));
    assert_int_equal(d.max_jobs, 5);
}

static void many_free_slots_do_not_wait(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    answer(&d, 70);
    assert_true(sends(&d));
    assert_int_equal(d.max_jobs, 10);
}

static void free_slots_of_a_large_worker_are_many_sooner(void **state)
{
    (void) state;
    desk d = fresh();
    d.wish.concurrency = d.wish.free = 2000;
    assert_true(sends(&d));
    answer(&d, 1937);
    assert_false(sends(&d));
    d.wish.free++;
    assert_true(sends(&d));
    assert_int_equal(d.max_jobs, 64);
}

static void a_full_worker_waits_for_cancellations_only(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    answer(&d, 80);
    assert_false(sends(&d));
    d.now_us = d.wake_us;
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 2);
    assert_int_equal(d.max_jobs, 0);
}

static void waiting_for_cancellations_gives_way_to_jobs(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    answer(&d, 80);
    (void) sends(&d);
    d.now_us = d.wake_us;
    assert_true(sends(&d));
    d.wish.free = 20;
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 3);
    assert_int_equal(d.max_jobs, 20);
    lease_plan_answered(&d.plan, 2, false, d.now_us);  // the one that gave way
    assert_false(sends(&d));
    lease_plan_failed(&d.plan, 2, 0, d.now_us);
    assert_false(sends(&d));
    answer(&d, 20);
    assert_int_equal(d.plan.answered, 3);
}

static void a_worker_that_stops_accepting_takes_its_wish_back(void **state)
{
    (void) state;
    desk d = fresh();
    assert_true(sends(&d));
    d.wish.accepting = false;
    assert_false(sends(&d));
    d.now_us = d.wake_us;
    assert_true(sends(&d));
    assert_int_equal(d.sequence, 2);
    assert_int_equal(d.max_jobs, 0);
}

static void hasty_empty_answers_are_not_stormed(void **state)
{
    (void) state;
    desk d = fresh();
    int sent = 0;
    for (int64_t end_us = d.now_us + 10000 * MS; d.now_us < end_us; d.now_us += MS) {
        if (sends(&d)) {
            answer(&d, 0);
            sent++;
        }
    }
    assert_in_range(sent, 5, 15);
    d.now_us += 10000 * MS;
    assert_true(sends(&d));
    d.now_us += 55000 * MS;
    answer(&d, 0);  // it waited as it should
    assert_true(sends(&d));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_lease_is_number_1_for_all_slots),
    cmocka_unit_test(the_next_number_confirms_an_answer),
    cmocka_unit_test(a_failure_asks_with_the_same_number_after_a_pause),
    cmocka_unit_test(pauses_grow_up_to_a_limit),
    cmocka_unit_test(a_parked_lease_stays_when_more_slots_become_free),
    cmocka_unit_test(few_free_slots_wait_a_moment_for_more),
    cmocka_unit_test(many_free_slots_do_not_wait),
    cmocka_unit_test(free_slots_of_a_large_worker_are_many_sooner),
    cmocka_unit_test(a_full_worker_waits_for_cancellations_only),
    cmocka_unit_test(waiting_for_cancellations_gives_way_to_jobs),
    cmocka_unit_test(a_worker_that_stops_accepting_takes_its_wish_back),
    cmocka_unit_test(hasty_empty_answers_are_not_stormed),
};

UNIT_TEST_MAIN(tests)
