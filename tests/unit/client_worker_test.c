// client worker - functions of liberrand's public worker, before a scripted server.
#include "unit/worker_scene.h"

#include "errand.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

typedef struct stage {
    rig *rig;
    errand_server server;
    errand_worker_options options;
    errand_worker *worker;
    atomic_int started, running, most, told;
    pthread_mutex_t gate;  // functions that wait for it to be opened
} stage;

static stage *stage_new(void)
{
    stage *s = calloc(1, sizeof *s);
    s->rig = rig_new();
    pthread_mutex_init(&s->gate, NULL);
    s->server = (errand_server){s->rig->rpc_url, s->rig->results_url};
    s->options.servers = &s->server;
    s->options.server_count = 1;
    s->options.concurrency = 4;
    return s;
}

static void stage_start(stage *s, const char *kind, errand_handler *run)
{
    if (s->worker == NULL) {
        assert_null(errand_worker_new(&s->options, &s->worker));
    }
    assert_null(errand_worker_handle(s->worker, kind, run, s));
    assert_null(errand_worker_start(s->worker));
    assert_true(errand_log_level("error"));
}

static void stage_free(stage *s)
{
    errand_worker_free(s->worker);
    rig_free(s->rig);
    pthread_mutex_destroy(&s->gate);
    free(s);
}

static rig_job *make_job(stage *s, const char *kind)
{
    rig_job *job = rig_make(s->rig, "/none");
    job->job.input_case = ERRAND__V1__JOB__INPUT__NOT_SET;
    job->job.http = NULL;
    job->job.kind = (char *) (uintptr_t) kind;
    job->job.attempt = 3;
    return job;
}

static rig_job *add_job(stage *s, const char *kind)
{
    rig_job *job = make_job(s, kind);
    rig_offer(s->rig);
    return job;
}

static const Errand__V1__Outcome *run_one(stage *s, errand_handler *run)
{
    rig_job *job = add_job(s, "task");
    stage_start(s, "task", run);
    rig_wait_finished(s->rig, 1);
    return job->outcome;
}

static const Errand__V1__Result *result_of(const Errand__V1__Outcome *outcome)
{
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_SUCCESS);
    return outcome->success;
}

static bool is_cancelled(rig *r, size_t n)
{
    (void) n;
    return r->jobs[0].cancelled;
}

// ---- what a function gets, and says ----

static void add_up(errand_context *context, void *data)
{
    (void) data;
    const Errand__V1__Job *job = errand_context_job(context);
    double sum = 0;
    for (size_t i = 0; i < job->args->list_value->n_values; i++) {
        sum += job->args->list_value->values[i]->number_value;
    }
    assert_int_equal(errand_context_attempt(context), 3);
    assert_true(errand_context_time_left_ms(context) > 0);
    assert_true(errand_context_time_left_ms(context) <= 20000);
    assert_false(errand_context_cancelled(context));
    char json[64];
    snprintf(json, sizeof json, "{\"sum\": %g}", sum);
    assert_null(errand_context_succeed_json(context, json));
}

static void a_function_gets_the_job_and_its_value_is_the_result(void **state)
{
    (void) state;
    stage *s = stage_new();
    rig_job *job = make_job(s, "add");
    job->job.input_case = ERRAND__V1__JOB__INPUT_ARGS;
    assert_null(errand_value_from_json("[1, 2, 39]", &job->job.args));
    rig_offer(s->rig);
    stage_start(s, "add", add_up);
    rig_wait_finished(s->rig, 1);
    char *shown = NULL;
    assert_null(errand_to_json(&result_of(job->outcome)->base, &shown));
    assert_string_equal(shown, "{\"value\":{\"sum\":42}}");
    free(shown);
    google__protobuf__value__free_unpacked(job->job.args, NULL);
    stage_free(s);
}

static void make_bytes(errand_context *context, void *data)
{
    (void) data;
    char bytes[] = {'a', 0, 'b'};
    assert_null(errand_context_succeed_data(context, "image/png", bytes, sizeof bytes));
    memset(bytes, 'x', sizeof bytes);
}

static void bytes_are_a_result_too(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Result *result = result_of(run_one(s, make_bytes));
    assert_string_equal(result->data->content_type, "image/png");
    assert_int_equal(result->data->body.len, 3);
    assert_memory_equal(result->data->body.data, "a\0b", 3);
    stage_free(s);
}

static void say_nothing(errand_context *context, void *data)
{
    (void) context;
    (void) data;
}

static void saying_nothing_is_success_with_null(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Result *result = result_of(run_one(s, say_nothing));
    assert_int_equal(result->output_case, ERRAND__V1__RESULT__OUTPUT_VALUE);
    assert_int_equal(result->value->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE);
    stage_free(s);
}

static void give_in(errand_context *context, void *data)
{
    (void) data;
    char message[] = "no such picture";
    assert_null(errand_context_succeed_json(context, "1"));
    errand_context_fail(
        context,
        &(errand_failure){.code = STATUS_NOT_FOUND, .message = message, .permanent = true});
    memset(message, 'x', sizeof message - 1);
}

static void the_last_word_counts_and_a_failure_may_be_permanent(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, give_in);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_int_equal(outcome->failure->status->code, STATUS_NOT_FOUND);
    assert_string_equal(outcome->failure->status->message, "no such picture");
    assert_false(outcome->failure->retryable);
    assert_null(outcome->failure->retry_after);
    stage_free(s);
}

static void get_over_it(errand_context *context, void *data)
{
    (void) data;
    errand_context_fail(context, &(errand_failure){.permanent = true});
    assert_null(errand_context_succeed_json(context, "7"));
}

static void success_may_be_the_last_word_too(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_true(result_of(run_one(s, get_over_it))->value->number_value == 7);
    stage_free(s);
}

static void ask_for_later(errand_context *context, void *data)
{
    (void) data;
    errand_context_fail(context, &(errand_failure){.retry_after_ms = 90500});
}

static void a_failure_may_say_when_to_try_again(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, ask_for_later);
    assert_int_equal(outcome->failure->status->code, STATUS_UNKNOWN);
    assert_true(outcome->failure->retryable);
    assert_int_equal(outcome->failure->retry_after->seconds, 90);
    assert_int_equal(outcome->failure->retry_after->nanos, 500000000);
    stage_free(s);
}

static void say_nonsense(errand_context *context, void *data)
{
    (void) data;
    errand_error *error = errand_context_succeed_json(context, "{\"open\": ");
    assert_int_equal(error->code, STATUS_INVALID_ARGUMENT);
    errand_context_fail(context, &(errand_failure){.message = error->message});
    errand_error_free(error);
}

static void a_result_that_is_no_json_is_refused_to_the_function(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, say_nonsense);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    stage_free(s);
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
    s->rig->lease_ms = 300;
    add_job(s, "task");
    stage_start(s, "task", tell_progress);
    assert_true(rig_wait_until(s->rig, has_progress, 7));
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

static void
a_function_that_outlasts_its_time_has_failed_and_takes_room_until_it_returns(void **state)
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

// ---- what is refused ----

static void assert_refused(errand_error *error, int code)
{
    assert_non_null(error);
    assert_int_equal(error->code, code);
    errand_error_free(error);
}

static void a_worker_is_put_together_before_it_starts(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_refused(errand_worker_start(s->worker), STATUS_INVALID_ARGUMENT);
    errand_worker_free(s->worker);
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_null(errand_worker_handle(s->worker, "task", say_nothing, NULL));
    assert_refused(errand_worker_handle(s->worker, "task", say_nothing, NULL),
                   STATUS_ALREADY_EXISTS);
    assert_null(errand_worker_start(s->worker));
    assert_refused(errand_worker_handle(s->worker, "other", say_nothing, NULL),
                   STATUS_FAILED_PRECONDITION);
    assert_refused(errand_worker_start(s->worker), STATUS_FAILED_PRECONDITION);
    assert_false(errand_log_level("loud"));
    stage_free(s);
}

static void each_kind_has_its_function(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_null(errand_worker_handle(s->worker, "bytes", make_bytes, NULL));
    rig_job *bytes = add_job(s, "bytes"), *task = add_job(s, "task");
    stage_start(s, "task", say_nothing);
    rig_wait_finished(s->rig, 2);
    assert_non_null(result_of(bytes->outcome)->data);
    assert_non_null(result_of(task->outcome)->value);
    stage_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_function_gets_the_job_and_its_value_is_the_result),
    cmocka_unit_test(bytes_are_a_result_too),
    cmocka_unit_test(saying_nothing_is_success_with_null),
    cmocka_unit_test(the_last_word_counts_and_a_failure_may_be_permanent),
    cmocka_unit_test(success_may_be_the_last_word_too),
    cmocka_unit_test(a_failure_may_say_when_to_try_again),
    cmocka_unit_test(a_result_that_is_no_json_is_refused_to_the_function),
    cmocka_unit_test(progress_is_told_in_heartbeats),
    cmocka_unit_test(a_cancelled_function_is_told_and_says_nothing_any_more),
    cmocka_unit_test(a_function_that_outlasts_its_time_has_failed_and_takes_room_until_it_returns),
    cmocka_unit_test(no_more_functions_run_at_once_than_the_concurrency_says),
    cmocka_unit_test(a_drain_waits_for_what_runs_and_reports_it),
    cmocka_unit_test(a_worker_that_stops_at_once_gives_its_jobs_back),
    cmocka_unit_test(a_run_ends_when_a_signal_says_so),
    cmocka_unit_test(a_worker_is_put_together_before_it_starts),
    cmocka_unit_test(each_kind_has_its_function),
};

UNIT_TEST_MAIN(tests)
