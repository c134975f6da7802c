// engine_wait - callers that wait for the end of a job.
#include "unit/engine_calls.h"

#define LONG (60 * SECOND)

static void the_end_of_the_job_wakes_a_waiter(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiting = wait_post(&job.id, LONG);
    assert_waits(waiting);
    job = lease_one(1, 1);
    assert_waits(waiting);
    report(1, 1, success(&job));
    erig_fine(waiting);
    assert_int_equal(waiting->wait.row.state, JOB_SUCCEEDED);
    assert_int_equal(waiting->wait.row.finish_us, T0);
}

static void a_retry_is_not_the_end(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiting = wait_post(&job.id, LONG);
    job = lease_one(1, 1);
    report(1, 1, failure(&job, true));
    assert_waits(waiting);
    erig_later(2 * SECOND);
    job = lease_one(1, 2);
    report(1, 2, failure(&job, false));
    erig_fine(waiting);
    assert_int_equal(waiting->wait.row.state, JOB_FAILED);
}

static void a_finished_job_is_not_waited_for(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    lease_one(1, 1);
    job.attempt = 1;
    report(1, 1, success(&job));
    call *c = erig_fine(wait_post(&job.id, LONG));
    assert_int_equal(c->wait.row.state, JOB_SUCCEEDED);
}

static void the_deadline_answers_with_the_present_state(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiting = wait_post(&job.id, 5 * SECOND);
    assert_int_equal(lease_one(1, 1).seq, job.seq);
    erig_later(5 * SECOND - 1);
    assert_false(erig_is_done(waiting));
    erig_later(1);
    erig_fine(waiting);
    assert_int_equal(waiting->wait.row.state, JOB_RUNNING);
}

static void a_deadline_that_has_passed_answers_at_once(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *c = erig_fine(wait_post(&job.id, 0));
    assert_int_equal(c->wait.row.state, JOB_READY);
}

static void an_unknown_job_is_not_found(void **state)
{
    (void) state;
    uuid id = worker_id(9);
    erig_failed(wait_post(&id, LONG), STATUS_NOT_FOUND);
}

static void a_caller_that_went_away_is_cancelled(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *gone = wait_post(&job.id, LONG), *stays = wait_post(&job.id, LONG);
    assert_waits(gone);
    engine_gone(erig.engine, gone->wait.ticket, false);
    erig_failed(gone, STATUS_CANCELLED);
    assert_waits(stays);
    job = lease_one(1, 1);
    report(1, 1, success(&job));
    erig_fine(stays);
}

static void a_wait_that_is_replaced_is_answered_with_the_state_so_far(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *replaced = wait_post(&job.id, LONG), *stays = wait_post(&job.id, LONG);
    assert_waits(replaced);
    engine_gone(erig.engine, replaced->wait.ticket, true);
    erig_fine(replaced);
    assert_int_equal(replaced->wait.row.state, JOB_READY);
    assert_waits(stays);
}

static void gone_after_the_answer_changes_nothing(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *c = erig_fine(wait_post(&job.id, 0));
    engine_gone(erig.engine, c->wait.ticket, false);
    engine_gone(erig.engine, UINT64_MAX, false);
    erig_round();
    assert_null(c->command.failure);
}

static void tickets_are_never_the_same(void **state)
{
    (void) state;
    uint64_t first = engine_ticket(erig.engine);
    assert_true(engine_ticket(erig.engine) > first);
    assert_true(first > 0);
}

static void stopping_the_engine_ends_all_waits(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiting = wait_post(&job.id, LONG), *worker = lease_post(1, 1, 0, LONG);
    assert_waits(waiting);
    erig_halt();
    erig_failed(waiting, STATUS_UNAVAILABLE);
    erig_failed(worker, STATUS_UNAVAILABLE);
}

static void what_was_posted_before_the_stop_is_still_done(void **state)
{
    (void) state;
    enum { MANY = 200 };
    engine_new_job *jobs = arena_alloc(erig.memory, MANY * sizeof *jobs);
    call *calls[MANY];
    Errand__V1__Job job = job_for("q", "k");
    for (int i = 0; i < MANY; i++)
        jobs[i] = new_job(&job);
    for (int i = 0; i < MANY; i++)
        calls[i] = submit_post(&jobs[i], 1);
    erig_halt();
    for (int i = 0; i < MANY; i++) {
        assert_true(erig_is_done(calls[i]));
        assert_null(calls[i]->command.failure);
    }
    assert_int_equal(erig.store->ops->count(erig.store, jobs[0].row.route, JOB_READY), MANY);
}

// A submit that also waits posts its wait when the submit is done, on the engine's thread.
#define CHAIN 3000

static int chain_left;

static void post_next(call *c)
{
    if (chain_left-- > 0) {
        call *next = erig_call(ENGINE_WAIT);
        next->then = post_next;
        next->wait.id = c->wait.id;
        next->wait.ticket = engine_ticket(erig.engine);
        erig_post(next);
    }
}

static void what_an_answer_posts_is_done_although_the_engine_stops(void **state)
{
    (void) state;
    chain_left = CHAIN;
    call *c = erig_call(ENGINE_WAIT);
    c->then = post_next;
    erig_post(c);
    erig_halt();
    for (c = erig.calls; c != NULL; c = c->next)
        assert_true(c->done);
}

static void a_thousand_may_wait_for_one_job(void **state)
{
    (void) state;
    enum { MANY = 1000 };
    call *calls[MANY];
    job_row job = submit("q", "k");
    for (int i = 0; i < MANY; i++)
        calls[i] = wait_post(&job.id, LONG);
    for (int i = 0; i < MANY; i += 10)
        engine_gone(erig.engine, calls[i]->wait.ticket, false);
    job = lease_one(1, 1);
    report(1, 1, success(&job));
    for (int i = 0; i < MANY; i++) {
        erig_await(calls[i]);
        assert_int_equal(status_code_of(calls[i]->command.failure),
                         i % 10 == 0 ? STATUS_CANCELLED : STATUS_OK);
        assert_int_equal(calls[i]->wait.row.state, i % 10 == 0 ? JOB_READY : JOB_SUCCEEDED);
    }
}

static void waits_for_many_jobs_do_not_mix(void **state)
{
    (void) state;
    enum { MANY = 50 };
    job_row jobs[MANY];
    call *calls[MANY];
    for (int i = 0; i < MANY; i++)
        jobs[i] = submit("q", "k");
    for (int i = 0; i < MANY; i++)
        calls[i] = wait_post(&jobs[i].id, LONG);
    const engine_lease *got = lease_now(1, 1, MANY);
    assert_int_equal(got->assignment_count, MANY);
    for (int i = MANY - 1; i >= 0; i--) {
        assert_waits(calls[i]);
        report(1, MANY - i, success(&got->assignments[i].row));
        erig_fine(calls[i]);
        assert_true(uuid_equal(&calls[i]->wait.row.id, &jobs[i].id));
    }
}

// ---- the result ----

static slice seen;

static void look_at_result(call *c)
{
    assert_true(c->wait.has_result);
    seen = (slice){arena_copy(c->memory, c->wait.result.bytes, c->wait.result.size),
                   c->wait.result.size};
}

static void free_result(call *c)
{
    free((void *) (uintptr_t) c->outcomes.outcomes[0].result.bytes);
}

// Its bytes belong to who reports it, and go when that is done.
static void a_waiter_is_given_the_result_before_its_reporter_is_done(void **state)
{
    (void) state;
    enum { MANY = 3, SIZE = 5000 };
    call *waiting[MANY];
    job_row job = submit("q", "k");
    for (int i = 0; i < MANY; i++) {
        waiting[i] = wait_call(&job.id, LONG);
        waiting[i]->then = look_at_result;
        assert_waits(erig_post(waiting[i]));
    }
    job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    uint8_t *bytes = malloc(SIZE);
    assert_non_null(bytes);
    outcome.result = (slice){memset(bytes, 'r', SIZE), SIZE};
    call *reported = outcomes_call(1, 1, &outcome, 1);
    reported->then = free_result;
    erig_fine(erig_post(reported));
    for (int i = 0; i < MANY; i++) {
        erig_fine(waiting[i]);
        assert_true(waiting[i]->order < reported->order);
    }
    assert_int_equal(seen.size, SIZE);
    assert_true(seen.bytes[0] == 'r' && seen.bytes[SIZE - 1] == 'r');
}

static pthread_t done_by;

static void note_thread(call *c)
{
    (void) c;
    done_by = pthread_self();
}

// Others that have come meanwhile, such as the worker's next Lease, do not put it off.
static void a_waiter_is_answered_by_the_thread_that_stored_the_end(void **state)
{
    (void) state;
    static const uuid nobody = {{0}};
    job_row job = submit("q", "k");
    call *waiting = wait_call(&job.id, LONG);
    waiting->then = note_thread;
    assert_waits(erig_post(waiting));
    job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    erig_hold_with(outcomes_call(1, 1, &outcome, 1));
    call *other = wait_post(&nobody, 0);
    erig_release();
    erig_fine(waiting);
    erig_await(other);
    assert_true(pthread_equal(done_by, erig.engine->thread));
}

// The job starts the sooner.
static void a_worker_is_answered_before_the_submitter(void **state)
{
    (void) state;
    Errand__V1__Job job = job_for("q", "k");
    engine_new_job jobs[] = {new_job(&job), new_job(&job)};
    call *workers[] = {lease_post(1, 1, 1, LONG), lease_post(2, 1, 1, LONG)};
    assert_waits(workers[1]);
    call *submitter = erig_fine(submit_post(jobs, 2));
    for (int i = 0; i < 2; i++)
        assert_true(erig_fine(workers[i])->order < submitter->order);
}

static void a_result_may_be_empty(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    call *waiting = wait_post(&job.id, LONG);
    job = lease_one(1, 1);
    engine_outcome outcome = success(&job);
    outcome.result = (slice){NULL, 0};
    report(1, 1, outcome);
    assert_true(erig_fine(waiting)->wait.has_result);
    assert_int_equal(waiting->wait.result.size, 0);
}

static void other_ends_have_no_result(void **state)
{
    (void) state;
    job_row failing = submit("q", "k");
    call *failed = wait_post(&failing.id, LONG);
    failing = lease_one(1, 1);
    job_row late = submit("q", "k");
    call *over = wait_post(&late.id, LONG / 2);
    report(1, 1, failure(&failing, false));
    assert_false(erig_fine(failed)->wait.has_result);
    erig_later(LONG / 2);
    assert_false(erig_fine(over)->wait.has_result);
}

static void who_comes_after_the_end_reads_the_result(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    job = lease_one(1, 1);
    report(1, 1, success(&job));
    assert_false(erig_fine(wait_post(&job.id, LONG))->wait.has_result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_end_of_the_job_wakes_a_waiter, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_retry_is_not_the_end, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_finished_job_is_not_waited_for, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(the_deadline_answers_with_the_present_state, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_deadline_that_has_passed_answers_at_once, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(an_unknown_job_is_not_found, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_caller_that_went_away_is_cancelled, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_wait_that_is_replaced_is_answered_with_the_state_so_far,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(gone_after_the_answer_changes_nothing, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(tickets_are_never_the_same, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(stopping_the_engine_ends_all_waits, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(what_was_posted_before_the_stop_is_still_done, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(what_an_answer_posts_is_done_although_the_engine_stops,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_thousand_may_wait_for_one_job, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(waits_for_many_jobs_do_not_mix, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_waiter_is_given_the_result_before_its_reporter_is_done,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_waiter_is_answered_by_the_thread_that_stored_the_end,
                                    erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_worker_is_answered_before_the_submitter, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_result_may_be_empty, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(other_ends_have_no_result, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(who_comes_after_the_end_reads_the_result, erig_start,
                                    erig_stop),
};

UNIT_TEST_MAIN(tests)
