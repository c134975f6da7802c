// client_stage - a public worker of liberrand before a scripted server, with functions of the test.
#ifndef ERRAND_TESTS_UNIT_CLIENT_STAGE_H
#define ERRAND_TESTS_UNIT_CLIENT_STAGE_H

#include "unit/worker_scene.h"

#include "errand.h"

#include <stdatomic.h>

typedef struct stage {
    rig *rig;
    errand_server server;
    errand_worker_options options;
    errand_worker *worker;
    atomic_int started, running, most, told;
    pthread_mutex_t gate;  // functions that wait for it to be opened
    pthread_cond_t met;    // under the gate: one more has started
} stage;

static inline stage *stage_new(void)
{
    stage *s = calloc(1, sizeof *s);
    s->rig = rig_new();
    pthread_mutex_init(&s->gate, NULL);
    pthread_cond_init(&s->met, NULL);
    s->server = (errand_server){s->rig->rpc_url, s->rig->results_url};
    s->options.servers = &s->server;
    s->options.server_count = 1;
    s->options.concurrency = 4;
    return s;
}

static inline void stage_start(stage *s, const char *kind, errand_handler *run)
{
    if (s->worker == NULL) {
        assert_null(errand_worker_new(&s->options, &s->worker));
    }
    assert_null(errand_worker_handle(s->worker, kind, run, s));
    assert_null(errand_worker_start(s->worker));
    assert_true(errand_log_level("error"));
}

static inline void stage_free(stage *s)
{
    errand_worker_free(s->worker);
    rig_free(s->rig);
    pthread_cond_destroy(&s->met);
    pthread_mutex_destroy(&s->gate);
    free(s);
}

static inline rig_job *make_job(stage *s, const char *kind)
{
    rig_job *job = rig_make(s->rig, "/none");
    job->job.input_case = ERRAND__V1__JOB__INPUT__NOT_SET;
    job->job.http = NULL;
    job->job.kind = (char *) (uintptr_t) kind;
    job->job.attempt = 3;
    return job;
}

static inline rig_job *add_job(stage *s, const char *kind)
{
    rig_job *job = make_job(s, kind);
    rig_offer(s->rig);
    return job;
}

static inline const Errand__V1__Outcome *run_one(stage *s, errand_handler *run)
{
    rig_job *job = add_job(s, "task");
    stage_start(s, "task", run);
    rig_wait_finished(s->rig, 1);
    return job->outcome;
}

static inline const Errand__V1__Result *result_of(const Errand__V1__Outcome *outcome)
{
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_SUCCESS);
    return outcome->success;
}

#endif
