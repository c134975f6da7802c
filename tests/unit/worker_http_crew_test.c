// worker http crew - transfers beyond the first group, which run on threads of their own.
#include "unit/worker_scene.h"

#include "worker/http_loop.h"

enum { HERE = HTTP_GROUP_TRANSFERS, MANY = 4 * HERE, VERY_MANY = 4 * MANY };

static atomic_bool no_more_threads;

int __real_pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *data),
                          void *data);
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *data),
                          void *data);

// The origin has its threads always.
int __wrap_pthread_create(pthread_t *id, const pthread_attr_t *how, void *(*run)(void *data),
                          void *data)
{
    bool refused = atomic_load(&no_more_threads) && run != origin_visit_run;
    return refused ? EAGAIN : __real_pthread_create(id, how, run, data);
}

// All of the first group hangs: what comes behind it runs on the threads.
static rig *new_rig_with_threads(size_t jobs)
{
    rig *r = rig_new();
    r->options.worker.concurrency = (int) (HERE + jobs);
    r->options.http.max_per_host = 0;
    for (size_t i = 0; i < HERE; i++) {
        rig_add(r, "/hang");
    }
    return r;
}

static void add_many(rig *r, const char *path, size_t count, int64_t timeout_us)
{
    for (size_t i = 0; i < count; i++) {
        rig_job *job = rig_make(r, path);
        if (timeout_us > 0) {
            job->timeout.seconds = timeout_us / 1000000;
            job->timeout.nanos = (int32_t) (timeout_us % 1000000) * 1000;
        }
        rig_offer(r);
    }
}

static void assert_all_fail(rig *r, size_t from, int code, const char *in_message)
{
    for (size_t i = from; i < r->job_count; i++) {
        const Errand__V1__Outcome *outcome = r->jobs[i].outcome;
        assert_int_equal(r->jobs[i].outcomes, 1);
        assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
        assert_non_null(strstr(outcome->failure->status->message, in_message));
        assert_int_equal(outcome->failure->status->code, code);
    }
}

static void many_results_arrive_whole(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY + 2);
    add_many(r, "/headers", MANY, 0);
    rig_job *first_big = rig_add(r, "/big");
    rig_job *second_big = rig_add(r, "/big");
    rig_start(r);
    rig_wait_finished(r, MANY + 2);
    for (size_t i = HERE; i < HERE + MANY; i++) {
        const Errand__V1__HttpResult *http = rig_result(r->jobs[i].outcome);
        assert_int_equal(r->jobs[i].outcomes, 1);
        assert_string_equal(rig_header(http, "set-thing"), "a, b");
        assert_string_equal(http->url, r->jobs[i].http.url);
        assert_non_null(http->total_time);
    }
    assert_int_equal(rig_result(first_big->outcome)->body.len, 3 << 20);
    assert_int_equal(rig_result(second_big->outcome)->body.len, 3 << 20);
    rig_free(r);
}

static void failures_are_told_as_ever(void **state)
{
    (void) state;
    static const struct {
        const char *path;
        int code;
        const char *message;
    } cases[] = {
        {"/status/404", STATUS_NOT_FOUND, "the answer was 404: because"},
        {"/retry/7", STATUS_UNAVAILABLE, "the answer was 503: later ?"},
        {"/loop", STATUS_FAILED_PRECONDITION, "more than 10 redirects"},
        {"/to-metadata", STATUS_PERMISSION_DENIED, "169.254.169.254"},
        {"/half", STATUS_UNAVAILABLE, ""},
        {"/a b", STATUS_INVALID_ARGUMENT, ""},
        {"/endless", STATUS_RESOURCE_EXHAUSTED, "max_body_bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig *r = new_rig_with_threads(8);
        add_many(r, cases[i].path, 2, 0);
        rig_start(r);
        rig_wait_finished(r, 2);
        assert_all_fail(r, HERE, cases[i].code, cases[i].message);
        rig_free(r);
    }
}

static void deadlines_end_transfers_under_way_and_their_slots_are_used_again(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY);
    add_many(r, "/hang", MANY, 300000);
    rig_start(r);
    rig_wait_finished(r, MANY);
    assert_all_fail(r, HERE, STATUS_DEADLINE_EXCEEDED, "attempt_timeout, 0.3 s");
    origin_wait_hanging(r->origin, HERE);
    add_many(r, "/ok", MANY, 0);
    rig_wait_finished(r, MANY + MANY);
    for (size_t i = HERE + MANY; i < r->job_count; i++) {
        (void) rig_result(r->jobs[i].outcome);
    }
    rig_free(r);
}

// The threads are not even there when the first of them are over.
static void deadlines_end_transfers_that_have_not_begun(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY);
    add_many(r, "/hang", MANY, 1000);
    rig_start(r);
    rig_wait_finished(r, MANY);
    assert_all_fail(r, HERE, STATUS_DEADLINE_EXCEEDED, "attempt_timeout, 0.001 s");
    add_many(r, "/ok", MANY, 0);
    rig_wait_finished(r, MANY + MANY);
    for (size_t i = HERE + MANY; i < r->job_count; i++) {
        (void) rig_result(r->jobs[i].outcome);
    }
    rig_free(r);
}

// An answer and a deadline at the same time make one outcome, and hurt nobody.
static void answers_that_meet_deadlines_end_attempts_once(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY);
    for (int64_t i = 0; i < VERY_MANY; i++) {
        add_many(r, "/ok", 1, 1000 * (1 + i % 40));
    }
    rig_start(r);
    rig_wait_finished(r, VERY_MANY);
    rig_stop_worker(r, true);
    for (size_t i = HERE; i < r->job_count; i++) {
        assert_int_equal(r->jobs[i].outcomes, 1);
    }
    rig_free(r);
}

static void a_stop_gives_back_what_is_under_way(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY);
    add_many(r, "/hang", MANY, 0);
    rig_start(r);
    origin_wait_hanging(r->origin, HERE + MANY);
    rig_stop_worker(r, true);
    for (size_t i = 0; i < r->job_count; i++) {
        assert_int_equal(r->jobs[i].outcomes, 1);
        assert_int_equal(r->jobs[i].outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    }
    rig_free(r);
}

static void a_stop_in_the_midst_of_answers_loses_none(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY);
    add_many(r, "/ok", VERY_MANY, 0);
    rig_start(r);
    rig_wait_finished(r, MANY);
    rig_stop_worker(r, true);
    for (size_t i = 0; i < r->job_count; i++) {
        assert_int_equal(r->jobs[i].outcomes, r->jobs[i].lease_sequence > 0);
    }
    rig_free(r);
}

static void one_host_gets_no_more_connections_than_its_cap(void **state)
{
    (void) state;
    enum { CAP = HERE + HERE / 2 };
    rig *r = rig_new();
    r->options.worker.concurrency = MANY;
    r->options.http.max_per_host = CAP;
    add_many(r, "/ok", VERY_MANY, 0);
    rig_start(r);
    rig_wait_finished(r, VERY_MANY);
    assert_in_range(r->origin->connections, 1, CAP);
    rig_free(r);
}

static void long_responses_arrive_one_by_one_when_memory_is_scarce(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(4);
    r->options.worker.max_held_bytes = 1 << 20;
    r->options.worker.max_unacked_bytes = 1 << 20;  // beyond half of it a heartbeat comes at once
    add_many(r, "/big", 4, 0);
    rig_start(r);
    rig_wait_finished(r, 4);
    for (size_t i = HERE; i < r->job_count; i++) {
        assert_int_equal(rig_result(r->jobs[i].outcome)->body.len, 3 << 20);
    }
    rig_free(r);
}

// One of them has all the memory, and does not get on.
static void those_that_wait_for_memory_have_deadlines_too(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(12);
    r->options.worker.max_held_bytes = 1 << 18;
    add_many(r, "/stall", 12, 500000);
    rig_start(r);
    rig_wait_finished(r, 12);
    assert_all_fail(r, HERE, STATUS_DEADLINE_EXCEEDED, "attempt_timeout");
    rig_job *next = rig_add(r, "/big");
    rig_wait_finished(r, 13);
    assert_int_equal(rig_result(next->outcome)->body.len, 3 << 20);
    rig_free(r);
}

static void without_threads_all_run_on_the_workers_own(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(MANY);
    rig_start(r);
    origin_wait_hanging(r->origin, HERE);
    atomic_store(&no_more_threads, true);
    add_many(r, "/headers", MANY, 0);
    rig_wait_finished(r, MANY);
    add_many(r, "/hang", MANY, 100000);
    rig_wait_finished(r, MANY + MANY);
    atomic_store(&no_more_threads, false);
    for (size_t i = HERE; i < HERE + MANY; i++) {
        (void) rig_result(r->jobs[i].outcome);
    }
    assert_all_fail(r, HERE + MANY, STATUS_DEADLINE_EXCEEDED, "attempt_timeout");
    add_many(r, "/headers", MANY, 0);
    rig_wait_finished(r, MANY + MANY + MANY);
    rig_free(r);
}

static bool has_progressed(rig *r, size_t n)
{
    return r->progress_done >= (int64_t) n;
}

static void heartbeats_tell_how_far_a_body_is(void **state)
{
    (void) state;
    rig *r = new_rig_with_threads(8);
    r->lease_ms = 1500;
    rig_add(r, "/stall");
    rig_start(r);
    assert_true(rig_wait_until(r, has_progressed, 900000));
    assert_int_equal(r->progress_total, 3 << 20);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(many_results_arrive_whole),
    cmocka_unit_test(failures_are_told_as_ever),
    cmocka_unit_test(deadlines_end_transfers_under_way_and_their_slots_are_used_again),
    cmocka_unit_test(deadlines_end_transfers_that_have_not_begun),
    cmocka_unit_test(answers_that_meet_deadlines_end_attempts_once),
    cmocka_unit_test(a_stop_gives_back_what_is_under_way),
    cmocka_unit_test(a_stop_in_the_midst_of_answers_loses_none),
    cmocka_unit_test(one_host_gets_no_more_connections_than_its_cap),
    cmocka_unit_test(long_responses_arrive_one_by_one_when_memory_is_scarce),
    cmocka_unit_test(those_that_wait_for_memory_have_deadlines_too),
    cmocka_unit_test(without_threads_all_run_on_the_workers_own),
    cmocka_unit_test(heartbeats_tell_how_far_a_body_is),
};

UNIT_TEST_MAIN(tests)
