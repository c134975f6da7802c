// client threads - functions of liberrand's public worker: cancelled, drained, side by side.
#include "unit/client_stage.h"

#include <poll.h>
#include <signal.h>

static bool is_cancelled(rig *r, size_t n)
{
    (void) n;
    return r->jobs[0].cancelled;
}

// ---- progress and cancellation ----

static bool has_progress(rig *r, size_t n)
{
    return r->progress_done == (int64_t) n;
}

static void tell_progress(errand_context *context, void *data)
{
    stage *s = data;
    for (int i = 1; i <= 7; i++) {
        errand_context_progress(context, i, 9, "pages");
    }
    atomic_fetch_add(&s->told, 1);
    (void) errand_context_wait(context, -1);
}

static void progress_is_told_in_heartbeats(void **state)
{
    (void) state;
    stage *s = stage_new();
    add_job(s, "task");
    stage_start(s, "task", tell_progress);
    assert_true(rig_wait_until(s->rig, has_progress, 7));
    stage_free(s);
}

static void tell_impossible_progress(errand_context *context, void *data)
{
    (void) data;
    errand_context_progress(context, 7, -9, "pages");
    (void) errand_context_wait(context, -1);
}

// The server would refuse it, and with it the heartbeat that keeps all leases.
static void progress_below_nothing_is_told_as_nothing(void **state)
{
    (void) state;
    stage *s = stage_new();
    add_job(s, "task");
    stage_start(s, "task", tell_impossible_progress);
    assert_true(rig_wait_until(s->rig, has_progress, 7));
    assert_int_equal(s->rig->progress_total, 0);
    stage_free(s);
}

static void tell_long_progress(errand_context *context, void *data)
{
    (void) data;
    char message[401] = "";
    for (size_t i = 0; i < 200; i++) {
        snprintf(message + 2 * i, 3, "é");
    }
    errand_context_progress(context, 7, 9, message);
    (void) errand_context_wait(context, -1);
}

static void a_long_progress_message_is_cut_between_characters(void **state)
{
    (void) state;
    stage *s = stage_new();
    add_job(s, "task");
    stage_start(s, "task", tell_long_progress);
    assert_true(rig_wait_until(s->rig, has_progress, 7));
    const char *told = s->rig->progress_message;
    assert_int_equal(strlen(told), 254);
    assert_string_equal(told + 252, "é");
    stage_free(s);
}

static void wait_to_be_cancelled(errand_context *context, void *data)
{
    stage *s = data;
    struct pollfd waited = {.fd = errand_context_fd(context), .events = POLLIN};
    pthread_mutex_lock(&s->rig->lock);
    s->rig->jobs[0].cancelled = true;
    pthread_cond_broadcast(&s->rig->changed);
    pthread_mutex_unlock(&s->rig->lock);
    assert_int_equal(poll(&waited, 1, RIG_TIMEOUT_S * 1000), 1);
    assert_true(errand_context_wait(context, -1));
    assert_true(errand_context_cancelled(context));
    assert_string_equal(errand_context_job(context)->id, s->rig->jobs[0].id);
    atomic_fetch_add(&s->told, 1);
}

static void a_cancelled_function_is_told_and_says_nothing_any_more(void **state)
{
    (void) state;
    stage *s = stage_new();
    s->rig->lease_ms = 300;
    s->options.concurrency = 1;
    rig_job *job = add_job(s, "task");
    stage_start(s, "task", wait_to_be_cancelled);
    assert_true(rig_wait_until(s->rig, is_cancelled, 0));
    errand_worker_stop(s->worker, false);
    assert_int_equal(atomic_load(&s->told), 1);
    assert_int_equal(job->outcomes, 0);
    stage_free(s);
}

static bool asks_for_none(rig *r, size_t n)
{
    (void) n;
    return r->parked != NULL && r->parked_max == 0;
}

static void outlast(errand_context *context, void *data)
{
    stage *s = data;
    atomic_fetch_add(&s->started, 1);
    assert_true(errand_context_wait(context, -1));
    assert_true(errand_context_cancelled(context));
    pthread_mutex_lock(&s->gate);
    pthread_mutex_unlock(&s->gate);
    assert_null(errand_context_succeed_json(context, "\"too late\""));
}

static void a_function_that_outlasts_its_time_takes_room_until_it_returns(void **state)
{
    (void) state;
    stage *s = stage_new();
    s->options.concurrency = 1;
    rig_job *job = make_job(s, "task");
    job->timeout.seconds = 0;
    job->timeout.nanos = 50000000;
    pthread_mutex_lock(&s->gate);
    rig_offer(s->rig);
    stage_start(s, "task", outlast);
    rig_wait_finished(s->rig, 1);
    assert_int_equal(job->outcome->failure->status->code, STATUS_DEADLINE_EXCEEDED);
    assert_true(rig_wait_until(s->rig, asks_for_none, 0));
    rig_job *next = make_job(s, "task");
    next->timeout.nanos = 50000000;
    next->timeout.seconds = 0;
    rig_offer(s->rig);
    assert_int_equal(s->rig->handed, 1);
    pthread_mutex_unlock(&s->gate);
    rig_wait_finished(s->rig, 2);
    assert_int_equal(atomic_load(&s->started), 2);
    errand_worker_stop(s->worker, false);
    assert_int_equal(job->outcomes, 1);
    stage_free(s);
}

// ---- threads ----

static void count_running(errand_context *context, void *data)
{
    stage *s = data;
    int running = atomic_fetch_add(&s->running, 1) + 1;
    int most = atomic_load(&s->most);
    while (running > most && !atomic_compare_exchange_weak(&s->most, &most, running)) {
    }
    (void) errand_context_wait(context, 1);
    atomic_fetch_sub(&s->running, 1);
}

static void no_more_functions_run_at_once_than_the_concurrency_says(void **state)
{
    (void) state;
    stage *s = stage_new();
    for (int i = 0; i < 100; i++) {
        add_job(s, "task");
    }
    stage_start(s, "task", count_running);
    rig_wait_finished(s->rig, 100);
    errand_worker_stop(s->worker, false);
    assert_int_equal(atomic_load(&s->most), 4);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(s->rig->jobs[i].outcomes, 1);
    }
    stage_free(s);
}

// Each waits until all have begun.
static void meet(errand_context *context, void *data)
{
    (void) context;
    stage *s = data;
    atomic_fetch_add(&s->started, 1);
    pthread_mutex_lock(&s->gate);
    pthread_cond_broadcast(&s->met);
    while (atomic_load(&s->started) < s->options.concurrency) {
        pthread_cond_wait(&s->met, &s->gate);
    }
    pthread_mutex_unlock(&s->gate);
}

static void functions_of_two_kinds_share_the_threads_and_all_run_at_once(void **state)
{
    (void) state;
    stage *s = stage_new();
    s->options.concurrency = 32;
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_null(errand_worker_handle(s->worker, "other", meet, s));
    for (int i = 0; i < 32; i++) {
        add_job(s, i % 2 == 0 ? "task" : "other");
    }
    stage_start(s, "task", meet);
    rig_wait_finished(s->rig, 32);
    assert_int_equal(atomic_load(&s->started), 32);
    stage_free(s);
}

static void wait_at_the_gate(errand_context *context, void *data)
{
    stage *s = data;
    atomic_fetch_add(&s->started, 1);
    pthread_mutex_lock(&s->rig->lock);
    pthread_cond_broadcast(&s->rig->changed);
    pthread_mutex_unlock(&s->rig->lock);
    pthread_mutex_lock(&s->gate);
    pthread_mutex_unlock(&s->gate);
    assert_null(errand_context_succeed_json(context, "true"));
}

static void *open_gate(void *data)
{
    pthread_mutex_unlock(&((stage *) data)->gate);
    return NULL;
}

static stage *all;

static bool have_started(rig *r, size_t n)
{
    (void) r;
    return (size_t) atomic_load(&all->started) >= n;
}

static void a_drain_waits_for_what_runs_and_reports_it(void **state)
{
    (void) state;
    stage *s = all = stage_new();
    rig_job *job = add_job(s, "task");
    pthread_mutex_lock(&s->gate);
    stage_start(s, "task", wait_at_the_gate);
    assert_true(rig_wait_until(s->rig, have_started, 1));
    (void) open_gate(s);
    errand_worker_stop(s->worker, false);
    assert_true(result_of(job->outcome)->value->bool_value);
    stage_free(s);
}

static void wait_for_the_end(errand_context *context, void *data)
{
    stage *s = data;
    atomic_fetch_add(&s->started, 1);
    pthread_mutex_lock(&s->rig->lock);
    pthread_cond_broadcast(&s->rig->changed);
    pthread_mutex_unlock(&s->rig->lock);
    assert_true(errand_context_wait(context, -1));
}

static void a_worker_that_stops_at_once_gives_its_jobs_back(void **state)
{
    (void) state;
    stage *s = all = stage_new();
    rig_job *one = add_job(s, "task"), *other = add_job(s, "task");
    stage_start(s, "task", wait_for_the_end);
    assert_true(rig_wait_until(s->rig, have_started, 2));
    errand_worker_stop(s->worker, true);
    assert_int_equal(one->outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    assert_int_equal(other->outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    stage_free(s);
}

static errand_worker *interrupted;

static void on_signal(int number)
{
    (void) number;
    errand_worker_quit(interrupted);
}

static void raise_signal(errand_context *context, void *data)
{
    (void) context;
    (void) data;
    assert_int_equal(kill(getpid(), SIGUSR1), 0);
}

static void a_run_ends_when_a_signal_says_so(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_null(errand_worker_handle(s->worker, "task", raise_signal, s));
    interrupted = s->worker;
    struct sigaction action = {.sa_handler = on_signal};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    rig_job *job = add_job(s, "task");
    assert_null(errand_worker_run(s->worker));
    assert_int_equal(job->outcomes, 1);
    stage_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(progress_is_told_in_heartbeats),
    cmocka_unit_test(progress_below_nothing_is_told_as_nothing),
    cmocka_unit_test(a_long_progress_message_is_cut_between_characters),
    cmocka_unit_test(a_cancelled_function_is_told_and_says_nothing_any_more),
    cmocka_unit_test(a_function_that_outlasts_its_time_takes_room_until_it_returns),
    cmocka_unit_test(no_more_functions_run_at_once_than_the_concurrency_says),
    cmocka_unit_test(functions_of_two_kinds_share_the_threads_and_all_run_at_once),
    cmocka_unit_test(a_drain_waits_for_what_runs_and_reports_it),
    cmocka_unit_test(a_worker_that_stops_at_once_gives_its_jobs_back),
    cmocka_unit_test(a_run_ends_when_a_signal_says_so),
};

UNIT_TEST_MAIN(tests)
