// engine_submit - new jobs, and the same ones again.
#include "unit/engine_calls.h"

static engine_new_job job_named(const char *queue, uint8_t name)
{
    Errand__V1__Job job = job_for(queue, "k");
    engine_new_job ret = new_job(&job);
    memset(&ret.row.id, name, sizeof ret.row.id);
    return ret;
}

static void a_new_job_is_stored_as_it_was_answered(void **state)
{
    (void) state;
    engine_new_job job = job_named("q", 1);
    slice spec = job.spec;
    erig_fine(submit_post(&job, 1));
    assert_null(job.failure);
    assert_false(job.duplicate);
    assert_int_equal(job.row.seq, 1);
    assert_int_equal(job.row.state, JOB_READY);
    assert_int_equal(job.row.create_us, T0);
    assert_int_equal(job.row.revision, 1);
    store_job stored = read_job(&job.row.id);
    rig_assert_same_row(&stored.row, &job.row);
    assert_int_equal(stored.spec.size, spec.size);
    assert_memory_equal(stored.spec.bytes, spec.bytes, spec.size);
}

static void a_job_for_later_is_scheduled(void **state)
{
    (void) state;
    engine_new_job job = job_named("q", 1);
    job.row.due_us = T0 + 5;
    erig_fine(submit_post(&job, 1));
    assert_int_equal(job.row.state, JOB_SCHEDULED);
    assert_int_equal(job.row.due_us, T0 + 5);
}

static void the_same_content_again_is_a_duplicate(void **state)
{
    (void) state;
    engine_new_job first = job_named("q", 1), again = job_named("q", 1);
    erig_fine(submit_post(&first, 1));
    erig_pass(SECOND);
    erig_fine(submit_post(&again, 1));
    assert_null(again.failure);
    assert_true(again.duplicate);
    rig_assert_same_row(&again.row, &first.row);
}

static void a_duplicate_shows_the_job_as_it_is_now(void **state)
{
    (void) state;
    engine_new_job again = job_named("q", 1);
    submit_new(job_named("q", 1));
    job_row leased = lease_one(1, 1);
    erig_fine(submit_post(&again, 1));
    assert_true(again.duplicate);
    rig_assert_same_row(&again.row, &leased);
}

static void other_content_under_the_same_id_is_refused_alone(void **state)
{
    (void) state;
    submit_new(job_named("q", 2));
    engine_new_job jobs[] = {job_named("q", 1), job_named("other", 2), job_named("q", 3)};
    erig_fine(submit_post(jobs, COUNT(jobs)));
    rig_fails(STATUS_ALREADY_EXISTS, jobs[1].failure);
    assert_null(jobs[0].failure);
    assert_null(jobs[2].failure);
    assert_state(&jobs[0].row.id, JOB_READY);
    assert_state(&jobs[2].row.id, JOB_READY);
    store_job *all;
    assert_int_equal(read_all(&all), 3);
}

static void one_id_twice_in_a_batch_is_one_job(void **state)
{
    (void) state;
    engine_new_job jobs[] = {job_named("q", 1), job_named("q", 2), job_named("q", 1)};
    erig_fine(submit_post(jobs, COUNT(jobs)));
    assert_false(jobs[0].duplicate);
    assert_false(jobs[1].duplicate);
    assert_true(jobs[2].duplicate);
    rig_assert_same_row(&jobs[0].row, &jobs[2].row);
    store_job *all;
    assert_int_equal(read_all(&all), 2);
}

static void one_id_with_two_contents_in_a_batch_keeps_the_first(void **state)
{
    (void) state;
    engine_new_job jobs[] = {job_named("q", 1), job_named("other", 1), job_named("q", 1)};
    erig_fine(submit_post(jobs, COUNT(jobs)));
    assert_null(jobs[0].failure);
    rig_fails(STATUS_ALREADY_EXISTS, jobs[1].failure);
    assert_true(jobs[2].duplicate);
    store_job *all;
    assert_int_equal(read_all(&all), 1);
}

static void two_commands_of_one_round_see_each_other(void **state)
{
    (void) state;
    engine_new_job jobs[] = {job_named("q", 1), job_named("q", 1), job_named("other", 1)};
    call *calls[COUNT(jobs)];
    for (size_t i = 0; i < COUNT(jobs); i++)
        calls[i] = submit_post(&jobs[i], 1);
    for (size_t i = 0; i < COUNT(jobs); i++)
        erig_fine(calls[i]);
    assert_false(jobs[0].duplicate);
    assert_true(jobs[1].duplicate);
    rig_fails(STATUS_ALREADY_EXISTS, jobs[2].failure);
}

static void a_thousand_jobs_in_one_batch_get_rising_numbers(void **state)
{
    (void) state;
    enum { MANY = 1000 };
    engine_new_job *jobs = arena_alloc(erig.memory, MANY * sizeof *jobs);
    Errand__V1__Job job = job_for("q", "k");
    for (size_t i = 0; i < MANY; i++)
        jobs[i] = new_job(&job);
    erig_fine(submit_post(jobs, MANY));
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(jobs[i].row.seq, i + 1);
    assert_int_equal(atomic_load(&edisk.committed), 1);
}

static void an_answer_comes_only_after_the_commit(void **state)
{
    (void) state;
    engine_new_job job = job_named("q", 1);
    assert_int_equal(atomic_load(&edisk.committed), 0);
    erig_fine(submit_post(&job, 1));
    assert_int_equal(atomic_load(&edisk.committed), 1);
}

// ---- a cap on pairs of queue and kind ----

static int start_with_two_routes(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_routes = 2;
    erig_run();
    return 0;
}

static void a_pair_of_queue_and_kind_too_many_is_refused_alone(void **state)
{
    (void) state;
    engine_new_job jobs[] = {job_named("a", 1), job_named("b", 2), job_named("c", 3),
                             job_named("a", 4)};
    erig_fine(submit_post(jobs, COUNT(jobs)));
    assert_null(jobs[0].failure);
    assert_null(jobs[1].failure);
    rig_fails(STATUS_RESOURCE_EXHAUSTED, jobs[2].failure);
    assert_null(jobs[3].failure);
    store_job *all;
    assert_int_equal(read_all(&all), 3);
}

static void a_refused_job_is_no_duplicate_of_itself(void **state)
{
    (void) state;
    submit("a", "k");
    submit("b", "k");
    engine_new_job jobs[] = {job_named("c", 1), job_named("c", 1)};
    erig_fine(submit_post(jobs, COUNT(jobs)));
    rig_fails(STATUS_RESOURCE_EXHAUSTED, jobs[0].failure);
    rig_fails(STATUS_RESOURCE_EXHAUSTED, jobs[1].failure);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_new_job_is_stored_as_it_was_answered, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_for_later_is_scheduled, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_same_content_again_is_a_duplicate, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_duplicate_shows_the_job_as_it_is_now, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(other_content_under_the_same_id_is_refused_alone, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(one_id_twice_in_a_batch_is_one_job, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(one_id_with_two_contents_in_a_batch_keeps_the_first, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(two_commands_of_one_round_see_each_other, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_thousand_jobs_in_one_batch_get_rising_numbers, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_answer_comes_only_after_the_commit, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_pair_of_queue_and_kind_too_many_is_refused_alone,
                                    start_with_two_routes, erig_stop),
    cmocka_unit_test_setup_teardown(a_refused_job_is_no_duplicate_of_itself, start_with_two_routes,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
