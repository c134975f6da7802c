// engine_together - what a thread posts together is one round.
#include "unit/engine_calls.h"

enum { MANY = 50, TRIES = 20 };

static engine_new_job jobs[MANY];
static call *calls[MANY];

static void post_jobs(void)
{
    Errand__V1__Job spec = job_for("q", "k");
    for (int i = 0; i < MANY; i++) {
        jobs[i] = new_job(&spec);
        calls[i] = submit_post(&jobs[i], 1);
    }
}

static void assert_all_fine(void)
{
    for (int i = 0; i < MANY; i++) {
        erig_fine(calls[i]);
        rig_ok(jobs[i].failure);
        assert_true(i == 0 || calls[i]->order == calls[i - 1]->order + 1);
    }
}

static void what_is_posted_together_has_one_commit_and_is_done_in_order(void **state)
{
    (void) state;
    for (int i = 0; i < TRIES; i++) {
        int before = atomic_load(&edisk.committed);
        engine_together(erig.engine, true);
        post_jobs();
        engine_together(erig.engine, false);
        assert_all_fine();
        assert_int_equal(atomic_load(&edisk.committed) - before, 1);
    }
}

static int start_where_callers_lead(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.callers_lead = true;
    erig_run();
    return 0;
}

static void *let_rounds_pass(void *data)
{
    (void) data;
    erig_round();
    return NULL;
}

static void a_leading_caller_commits_once_too(void **state)
{
    what_is_posted_together_has_one_commit_and_is_done_in_order(state);
}

static void nothing_is_done_before_the_end(void **state)
{
    (void) state;
    pthread_t other;
    int before = atomic_load(&edisk.committed);
    engine_together(erig.engine, true);
    post_jobs();
    assert_int_equal(pthread_create(&other, NULL, let_rounds_pass, NULL), 0);
    pthread_join(other, NULL);
    assert_int_equal(atomic_load(&edisk.committed), before);
    for (int i = 0; i < MANY; i++)
        assert_false(erig_is_done(calls[i]));
    engine_together(erig.engine, false);
    assert_all_fine();
}

static void nothing_is_done_before_the_end_where_callers_lead(void **state)
{
    nothing_is_done_before_the_end(state);
}

static void afterwards_each_goes_at_once_again(void **state)
{
    (void) state;
    engine_together(erig.engine, true);
    engine_together(erig.engine, false);
    submit("q", "k");
    engine_together(erig.engine, true);
    post_jobs();
    engine_together(erig.engine, false);
    submit("q", "k");
    assert_all_fine();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_is_posted_together_has_one_commit_and_is_done_in_order,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_leading_caller_commits_once_too, start_where_callers_lead,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(nothing_is_done_before_the_end, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(nothing_is_done_before_the_end_where_callers_lead,
                                    start_where_callers_lead, erig_stop),
    cmocka_unit_test_setup_teardown(afterwards_each_goes_at_once_again, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
