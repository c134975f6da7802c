// engine_damage - one job whose bytes are lost: it ends, and all others go on.
#include "unit/engine_callbacks.h"

static int64_t damaged_seq;
static status_code damage;

static status *load_spec(store *s, int64_t seq, arena *memory, slice *ret_spec, uint8_t *ret_hash)
{
    if (seq == damaged_seq)
        return status_new(damage, "the page is torn");
    return edisk.real->load_spec(s, seq, memory, ret_spec, ret_hash);
}

static int start(void **state)
{
    (void) state;
    damaged_seq = 0;
    damage = STATUS_DATA_LOSS;
    erig_prepare();
    edisk.faulty.load_spec = load_spec;
    erig_run();
    return 0;
}

static void assert_ended(const job_row *job)
{
    store_job stored = read_job(&job->id);
    assert_string_equal(job_state_name(stored.row.state), "FAILED");
    assert_int_equal(stored.attempt_count, 1);
    assert_int_equal(attempt_of(&stored, 0)->error->code, ERRAND__RPC__V1__CODE__DATA_LOSS);
    assert_string_equal(attempt_of(&stored, 0)->error->message, "the page is torn");
}

static void a_damaged_job_ends_and_the_others_are_handed_out(void **state)
{
    (void) state;
    static const status_code codes[] = {STATUS_DATA_LOSS, STATUS_NOT_FOUND};
    for (size_t i = 0; i < COUNT(codes); i++) {
        damage = codes[i];
        job_row bad = submit("q", "k"), good = submit("q", "k");
        damaged_seq = bad.seq;
        const engine_lease *got = lease_now(1, (int64_t) i + 1, 2);
        assert_int_equal(got->assignment_count, 1);
        assert_int_equal(got->assignments[0].row.seq, good.seq);
        assert_ended(&bad);
    }
}

static void a_parked_worker_gets_the_job_behind_a_damaged_one(void **state)
{
    (void) state;
    job_row bad = submit("q", "k"), good = submit("q", "k");
    damaged_seq = bad.seq;
    call *waiting = lease_post(1, 1, 1, 60 * SECOND);
    assert_int_equal(erig_fine(waiting)->lease.assignments[0].row.seq, good.seq);
    assert_ended(&bad);
}

static void a_failure_of_the_store_is_no_damage(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    damage = STATUS_UNAVAILABLE;
    damaged_seq = job.seq;
    erig_failed(lease_post(1, 1, 1, 0), STATUS_UNAVAILABLE);
    damaged_seq = 0;
    assert_int_equal(lease_one(1, 1).seq, job.seq);
}

static void a_job_whose_callback_is_lost_ends_all_the_same(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row job = lease_one(1, 1);
    damaged_seq = job.seq;
    assert_int_equal(report(1, 1, success(&job))->accepted, 1);
    assert_state(&job.id, JOB_SUCCEEDED);
    store_job *all;
    assert_int_equal(read_all(&all), 1);
}

static void a_callback_whose_parent_is_damaged_ends(void **state)
{
    (void) state;
    submit_wanting_callback();
    job_row job = lease_one(1, 1);
    report(1, 1, success(&job));
    damaged_seq = job.seq;
    assert_int_equal(lease_now(1, 2, 1)->assignment_count, 0);
    assert_int_equal(row_of(&job.id).callbacks_open, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_damaged_job_ends_and_the_others_are_handed_out, start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_parked_worker_gets_the_job_behind_a_damaged_one, start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_failure_of_the_store_is_no_damage, start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_whose_callback_is_lost_ends_all_the_same, start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_callback_whose_parent_is_damaged_ends, start, erig_stop),
};

UNIT_TEST_MAIN(tests)
