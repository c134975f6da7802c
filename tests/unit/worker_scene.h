// worker_scene - puts a worker between the scripted server and the origin.
#ifndef ERRAND_TESTS_UNIT_WORKER_SCENE_H
#define ERRAND_TESTS_UNIT_WORKER_SCENE_H

#include "unit/worker_rig.h"

static inline void rig_listen_results(rig *r, const char *url)
{
    nng_listener listener;
    int port = 0;
    assert_int_equal(nng_pull0_open(&r->pull), 0);
    assert_int_equal(nng_listener_create(&listener, r->pull, url), 0);
    assert_int_equal(nng_listener_start(listener, 0), 0);
    if (r->results_url == NULL) {
        assert_int_equal(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), 0);
        assert_true(asprintf(&r->results_url, "tcp://127.0.0.1:%d", port) > 0);
    }
    r->pulling = true;
    pthread_create(&r->puller, NULL, rig_pull, r);
}

static inline void rig_close_results(rig *r)
{
    if (r->pulling) {
        nng_close(r->pull);
        pthread_join(r->puller, NULL);
        r->pulling = false;
    }
}

static inline void rig_serve(rig *r, const char *url)
{
    rpc_server_options options;
    rpc_server_options_init(&options);
    assert_null(rpc_server_new(&options, &r->server));
    rpc_server_add(r->server, &r->service);
    free(r->rpc_url);
    assert_null(rpc_server_listen(r->server, url, &r->rpc_url));
}

static inline rig *rig_new(void)
{
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    rig *r = calloc(1, sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->service.descriptor = &errand__v1__worker_service__descriptor;
    r->service.invoke = rig_invoke;
    r->lease_ms = 30000;
    r->origin = origin_new();
    rig_serve(r, "tcp://127.0.0.1:0");
    rig_listen_results(r, "tcp://127.0.0.1:0");
    pool_options_init(&r->options);
    r->options.worker.servers = &r->address;
    r->options.worker.server_count = 1;
    r->options.worker.concurrency = 8;
    r->options.http.allow_private_addresses = true;
    return r;
}

static inline void rig_start(rig *r)
{
    r->address.rpc_url = r->rpc_url;
    r->address.results_url = r->results_url;
    assert_null(pool_start(&r->options, &r->worker));
}

static inline void rig_stop_worker(rig *r, bool now)
{
    pool_stop(r->worker, now);
    r->worker = NULL;
    pthread_mutex_lock(&r->lock);  // what the server's threads did before is seen after
    pthread_mutex_unlock(&r->lock);
}

static inline void rig_stop_server(rig *r)
{
    pthread_mutex_lock(&r->lock);
    rig_unpark(r, 0);
    pthread_mutex_unlock(&r->lock);
    rpc_server_stop(r->server, 1000);
    rpc_server_free(r->server);
    r->server = NULL;
}

static inline void rig_free(rig *r)
{
    rig_stop_worker(r, true);
    rig_stop_server(r);
    rig_close_results(r);
    origin_free(r->origin);
    for (size_t i = 0; i < r->batch_count; i++) {
        errand__v1__outcome_batch__free_unpacked(r->batches[i], NULL);
    }
    for (size_t i = 0; i < r->job_count; i++) {
        free(r->jobs[i].http.url);
    }
    free(r->batches);
    free(r->rpc_url);
    free(r->results_url);
    free(r);
}

// rig_make puts an http job for a path of the origin behind the others, unseen until rig_add.
static inline rig_job *rig_make(rig *r, const char *path)
{
    rig_job *job = &r->jobs[r->job_count];
    snprintf(job->id, sizeof job->id, "00000000-0000-7000-8000-%012zu", r->job_count + 1);
    snprintf(job->token, sizeof job->token, "%c%011zu", 'a' + r->series, r->job_count + 1);
    errand__v1__job__init(&job->job);
    errand__v1__http_request__init(&job->http);
    google__protobuf__bool_value__init(&job->follow);
    google__protobuf__duration__init(&job->timeout);
    job->timeout.seconds = 20;
    job->job.id = job->id;
    job->job.kind = (char *) (uintptr_t) "http";
    job->job.input_case = ERRAND__V1__JOB__INPUT_HTTP;
    job->job.http = &job->http;
    job->job.attempt_timeout = &job->timeout;
    if (strstr(path, "://") != NULL) {
        job->http.url = strdup(path);
    } else {
        assert_true(asprintf(&job->http.url, "http://127.0.0.1:%d%s", r->origin->port, path) > 0);
    }
    return job;
}

static inline void rig_offer(rig *r)
{
    pthread_mutex_lock(&r->lock);
    r->job_count++;
    if (r->parked != NULL && r->parked_max > 0) {
        rig_unpark(r, (size_t) r->parked_max);
    }
    pthread_mutex_unlock(&r->lock);
}

static inline rig_job *rig_add(rig *r, const char *path)
{
    rig_job *job = rig_make(r, path);
    rig_offer(r);
    return job;
}

static inline bool rig_has_finished(rig *r, size_t n)
{
    return r->finished >= n;
}

static inline void rig_wait_finished(rig *r, size_t n)
{
    assert_true(rig_wait_until(r, rig_has_finished, n));
}

// rig_run runs one job to its end, with a worker of its own.
static inline const Errand__V1__Outcome *rig_run(rig *r, rig_job *job)
{
    rig_offer(r);
    rig_start(r);
    rig_wait_finished(r, 1);
    return job->outcome;
}

static inline const Errand__V1__HttpResult *rig_result(const Errand__V1__Outcome *outcome)
{
    if (outcome->outcome_case == ERRAND__V1__OUTCOME__OUTCOME_FAILURE) {
        print_message("failure: %s\n", outcome->failure->status->message);
    }
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_SUCCESS);
    assert_int_equal(outcome->success->output_case, ERRAND__V1__RESULT__OUTPUT_HTTP);
    return outcome->success->http;
}

static inline const char *rig_header(const Errand__V1__HttpResult *http, const char *name)
{
    for (size_t i = 0; i < http->n_headers; i++) {
        if (strcmp(http->headers[i]->key, name) == 0) {
            return http->headers[i]->value;
        }
    }
    return NULL;
}

#endif
