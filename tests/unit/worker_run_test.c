// worker run - leases, heartbeats, outcomes: a worker before a scripted server.
#include "unit/worker_scene.h"

#include "worker/http_loop.h"

static bool has_pulled(rig *r, size_t n)
{
    return r->pulled >= n;
}

static bool has_heartbeats(rig *r, size_t n)
{
    return r->heartbeats >= n;
}

static bool runs(rig *r, size_t n)
{
    return r->heartbeats > 0 && r->running == n;
}

static bool has_leases(rig *r, size_t n)
{
    return r->leases >= n;
}

static void frequent_heartbeats(rig *r)
{
    r->lease_ms = 1500;
}

static void thousands_of_jobs_each_end_exactly_once(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.concurrency = 64;
    rig_start(r);
    for (size_t i = 0; i < 3000; i++) {
        rig_add(r, "/ok");
    }
    rig_wait_finished(r, 3000);
    rig_stop_worker(r, false);
    for (size_t i = 0; i < 3000; i++) {
        assert_int_equal(r->jobs[i].outcomes, 1);
        (void) rig_result(r->jobs[i].outcome);
    }
    assert_true(r->most_jobs <= 64);
    rig_free(r);
}

static void a_lease_asks_for_as_many_jobs_as_slots_are_free(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_start(r);
    assert_true(rig_wait_until(r, has_leases, 1));
    assert_int_equal(r->parked_max, 8);
    for (size_t i = 0; i < 20; i++) {
        rig_add(r, "/hang");
    }
    origin_wait_hanging(r->origin, 8);
    assert_int_equal(r->handed, 8);
    rig_free(r);
}

static void a_busy_worker_still_waits_for_cancellations(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.concurrency = 1;
    rig_add(r, "/hang");
    rig_start(r);
    assert_true(rig_wait_until(r, has_leases, 2));
    assert_int_equal(r->parked_max, 0);
    rig_free(r);
}

static void a_cancelled_job_is_stopped_and_its_slot_used_again(void **state)
{
    (void) state;
    rig *r = rig_new();
    frequent_heartbeats(r);
    r->options.worker.concurrency = 1;
    rig_job *hanging = rig_add(r, "/hang");
    rig_start(r);
    origin_wait_hanging(r->origin, 1);
    pthread_mutex_lock(&r->lock);
    hanging->cancelled = true;
    pthread_mutex_unlock(&r->lock);
    rig_job *next = rig_add(r, "/ok");
    rig_wait_finished(r, 1);
    (void) rig_result(next->outcome);
    assert_int_equal(hanging->outcomes, 0);
    origin_wait_hanging(r->origin, 0);
    rig_free(r);
}

static void heartbeats_name_what_runs_and_what_is_not_acknowledged(void **state)
{
    (void) state;
    rig *r = rig_new();
    frequent_heartbeats(r);
    r->deaf = true;
    rig_add(r, "/hang");
    rig_add(r, "/ok");
    rig_start(r);
    assert_true(rig_wait_until(r, has_pulled, 1));
    size_t before = r->heartbeats;
    assert_true(rig_wait_until(r, has_heartbeats, before + 2));
    assert_true(rig_wait_until(r, runs, 2));
    rig_free(r);
}

static void outcomes_lost_on_the_way_are_pushed_again_after_a_break(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->deaf = true;
    r->mute = true;  // so that only the break can be the reason
    rig_start(r);
    for (size_t i = 0; i < 5; i++) {
        rig_add(r, "/ok");
        assert_true(rig_wait_until(r, has_pulled, i + 1));
    }
    rig_close_results(r);
    r->deaf = false;
    rig_listen_results(r, r->results_url);
    rig_wait_finished(r, 5);
    assert_int_equal(r->early, 0);
    rig_stop_worker(r, false);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(r->jobs[i].outcomes, 1);
    }
    rig_free(r);
}

// As behind a firewall.
static void outcomes_go_with_report_while_only_their_pipeline_is_out_of_reach(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_close_results(r);
    rig_start(r);
    for (size_t i = 0; i < 2; i++) {
        rig_add(r, "/ok");
        rig_wait_finished(r, i + 1);
    }
    rig_listen_results(r, r->results_url);
    rig_add(r, "/ok");
    rig_wait_finished(r, 3);
    rig_stop_worker(r, false);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(r->jobs[i].outcomes, 1);
    }
    assert_int_equal(r->early, 0);
    rig_free(r);
}

static void a_drain_lets_jobs_end_and_reports_what_was_lost(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->deaf = true;
    rig_start(r);
    rig_add(r, "/ok");
    rig_add(r, "/status/404");
    assert_true(rig_wait_until(r, has_pulled, 1));
    rig_stop_worker(r, false);
    assert_int_equal(r->finished, 2);
    assert_true(r->reports > 0);
    rig_free(r);
}

static void a_stop_at_once_gives_running_jobs_back(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_add(r, "/hang");
    rig_add(r, "/hang");
    rig_start(r);
    origin_wait_hanging(r->origin, 2);
    rig_stop_worker(r, true);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(r->jobs[i].outcomes, 1);
        assert_int_equal(r->jobs[i].outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    }
    rig_free(r);
}

static void a_drain_gives_jobs_back_when_its_time_is_over(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.drain_timeout_us = 50000;
    rig_add(r, "/hang");
    rig_start(r);
    origin_wait_hanging(r->origin, 1);
    rig_stop_worker(r, false);
    assert_int_equal(r->jobs[0].outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    rig_free(r);
}

static bool has_parked(rig *r, size_t n)
{
    return r->parked != NULL && r->heartbeats >= n;
}

// As if they had been on their way when the worker began to leave.
static void jobs_that_come_while_a_worker_leaves_go_back(void **state)
{
    (void) state;
    rig *r = rig_new();
    frequent_heartbeats(r);
    rig_start(r);
    assert_true(rig_wait_until(r, has_parked, 2));  // the first one is answered
    pthread_mutex_lock(&r->lock);
    rig_job *job = rig_make(r, "/ok");
    r->job_count++;
    r->late = true;
    pthread_mutex_unlock(&r->lock);
    rig_stop_worker(r, false);
    assert_int_equal(job->outcomes, 1);
    assert_int_equal(job->outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    rig_free(r);
}

static void a_job_of_another_kind_is_given_back(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_job *job = rig_make(r, "/ok");
    job->job.kind = (char *) (uintptr_t) "resize";
    assert_int_equal(rig_run(r, job)->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    rig_free(r);
}

static void jobs_run_on_through_a_restart_of_the_server(void **state)
{
    (void) state;
    rig *r = rig_new();
    rig_start(r);
    rig_add(r, "/ok");
    rig_wait_finished(r, 1);
    char *url = strdup(r->rpc_url);
    rig_stop_server(r);
    rig_serve(r, url);
    rig_add(r, "/ok");
    rig_wait_finished(r, 2);
    free(url);
    rig_free(r);
}

static void attempts_end_when_their_lease_runs_out(void **state)
{
    (void) state;
    rig *r = rig_new();
    frequent_heartbeats(r);
    rig_add(r, "/hang");
    rig_start(r);
    origin_wait_hanging(r->origin, 1);
    rig_stop_server(r);
    origin_wait_hanging(r->origin, 0);
    assert_int_equal(r->jobs[0].outcomes, 0);
    rig_serve(r, "tcp://127.0.0.1:0");
    rig_free(r);
}

static void a_worker_that_can_not_reach_its_server_stops_all_the_same(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->address.rpc_url = "tcp://127.0.0.1:1";
    r->address.results_url = "tcp://127.0.0.1:1";
    assert_null(pool_start(&r->options, &r->worker));
    rig_stop_worker(r, false);
    rig_free(r);
}

static void long_responses_arrive_one_by_one_when_memory_is_scarce(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.max_held_bytes = 1 << 20;
    for (size_t i = 0; i < 6; i++) {
        rig_add(r, "/big");
    }
    rig_start(r);
    rig_wait_finished(r, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(rig_result(r->jobs[i].outcome)->body.len, 3 << 20);
    }
    rig_free(r);
}

static void cancelled_jobs_leave_the_line_of_their_host(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.http.max_per_host = 1;
    r->lease_ms = 300;
    rig_job *hanging = rig_add(r, "/hang");
    rig_job *waiting = rig_add(r, "/ok");
    rig_start(r);
    origin_wait_hanging(r->origin, 1);
    pthread_mutex_lock(&r->lock);
    waiting->cancelled = hanging->cancelled = true;
    pthread_mutex_unlock(&r->lock);
    origin_wait_hanging(r->origin, 0);
    rig_add(r, "/ok");
    rig_wait_finished(r, 1);
    assert_int_equal(r->jobs[2].outcomes, 1);
    rig_free(r);
}

static void many_transfers_to_one_host_run_at_once_and_can_all_be_cancelled(void **state)
{
    (void) state;
    enum { MANY = 2 * HTTP_GROUP_TRANSFERS + 2 };  // in three groups
    rig *r = rig_new();
    r->options.worker.concurrency = MANY;
    r->options.http.max_per_host = MANY;
    r->lease_ms = 300;
    for (size_t i = 0; i < MANY; i++) {
        rig_add(r, "/hang");
    }
    rig_start(r);
    origin_wait_hanging(r->origin, MANY);
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < MANY; i++) {
        r->jobs[i].cancelled = true;
    }
    pthread_mutex_unlock(&r->lock);
    origin_wait_hanging(r->origin, 0);
    for (size_t i = 0; i < MANY; i++) {
        rig_add(r, "/ok");
    }
    rig_wait_finished(r, MANY);
    rig_free(r);
}

static void a_bad_url_is_told_at_the_start(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->address.rpc_url = r->rpc_url;
    r->address.results_url = "nonsense";
    AUTO(status) failure = pool_start(&r->options, &r->worker);
    assert_non_null(failure);
    assert_non_null(strstr(failure->message, "nonsense"));
    rig_free(r);
}

static void a_worker_without_slots_does_not_start(void **state)
{
    (void) state;
    rig *r = rig_new();
    r->options.worker.concurrency = 0;
    r->address.rpc_url = r->rpc_url;
    r->address.results_url = r->results_url;
    AUTO(status) failure = pool_start(&r->options, &r->worker);
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(thousands_of_jobs_each_end_exactly_once),
    cmocka_unit_test(a_lease_asks_for_as_many_jobs_as_slots_are_free),
    cmocka_unit_test(a_busy_worker_still_waits_for_cancellations),
    cmocka_unit_test(a_cancelled_job_is_stopped_and_its_slot_used_again),
    cmocka_unit_test(heartbeats_name_what_runs_and_what_is_not_acknowledged),
    cmocka_unit_test(outcomes_lost_on_the_way_are_pushed_again_after_a_break),
    cmocka_unit_test(outcomes_go_with_report_while_only_their_pipeline_is_out_of_reach),
    cmocka_unit_test(a_drain_lets_jobs_end_and_reports_what_was_lost),
    cmocka_unit_test(a_stop_at_once_gives_running_jobs_back),
    cmocka_unit_test(a_drain_gives_jobs_back_when_its_time_is_over),
    cmocka_unit_test(jobs_that_come_while_a_worker_leaves_go_back),
    cmocka_unit_test(a_job_of_another_kind_is_given_back),
    cmocka_unit_test(jobs_run_on_through_a_restart_of_the_server),
    cmocka_unit_test(attempts_end_when_their_lease_runs_out),
    cmocka_unit_test(a_worker_that_can_not_reach_its_server_stops_all_the_same),
    cmocka_unit_test(long_responses_arrive_one_by_one_when_memory_is_scarce),
    cmocka_unit_test(cancelled_jobs_leave_the_line_of_their_host),
    cmocka_unit_test(many_transfers_to_one_host_run_at_once_and_can_all_be_cancelled),
    cmocka_unit_test(a_bad_url_is_told_at_the_start),
    cmocka_unit_test(a_worker_without_slots_does_not_start),
};

UNIT_TEST_MAIN(tests)
