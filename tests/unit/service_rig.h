// service_rig - the whole server but for its workers: store, engine, RPC services, and a client of
// them in the same process.
#ifndef ERRAND_TESTS_UNIT_SERVICE_RIG_H
#define ERRAND_TESTS_UNIT_SERVICE_RIG_H

#include "unit/store_rig.h"

#include "base/clock.h"
#include "rpc/client.h"
#include "service/service.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#define JOBS        (&errand__v1__job_service__descriptor)
#define WORKERS     (&errand__v1__worker_service__descriptor)
#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define MAX_RESULT  20000

typedef struct reply {
    ProtobufCMessage *message;
    struct reply *next;
} reply;

static const service_secret srig_secrets[] = {
    {"main", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="},
    {"useless", "not a secret at all"},
};

static struct {
    char place[64];
    store *store;
    engine *engine;
    service *service;
    rpc_server *server;
    rpc_client *client;
    char *url;
    arena *memory;
    reply *replies;
    size_t secret_count;
} srig;

static inline char *text(const char *constant)
{
    return (char *) (uintptr_t) constant;
}

// Of pushed outcomes; 0: the default.
static size_t srig_max_held_bytes;

static inline void srig_serve(void)
{
    service_options options = {
        .engine = srig.engine,
        .store = srig.store,
        .limits = {.max_input_bytes = 8 << 20, .max_result_bytes = MAX_RESULT},
        .max_message_bytes = 32 << 20,
        .max_held_bytes = srig_max_held_bytes,
        .lease_us = 30000000,
        .secrets = srig_secrets,
        .secret_count = srig.secret_count,
    };
    rpc_server_options server;
    rpc_server_options_init(&server);
    rig_ok(service_new(&options, &srig.service));
    rig_ok(rpc_server_new(&server, &srig.server));
    service_register(srig.service, srig.server);
    rig_ok(rpc_server_listen(srig.server, "inproc://service-test", &srig.url));
}

static inline void srig_dial(void)
{
    rpc_client_options client;
    rpc_client_options_init(&client);
    client.url = srig.url;
    rig_ok(rpc_client_open(&client, &srig.client));
}

// What a test does to the store before anybody uses it.
static void (*srig_opened)(store *s);

static inline int srig_start(void **state)
{
    (void) state;
    engine_options options;
    engine_options_init(&options);
    memset(&srig, 0, sizeof srig);
    srig.memory = arena_new(0);
    srig.secret_count = COUNT(srig_secrets);
    rig_make_place(srig.place);
    rig_ok(store_sqlite_open(srig.place, &srig.store));
    if (srig_opened != NULL)
        srig_opened(srig.store);
    options.store = srig.store;
    rig_ok(engine_start(&options, &srig.engine));
    srig_serve();
    srig_dial();
    return 0;
}

// The service starts anew over the same engine, without any signing secret.
static inline void srig_forget_secrets(void)
{
    rpc_client_close(srig.client);
    rpc_server_stop(srig.server, 10000);
    rpc_server_free(srig.server);
    service_free(srig.service);
    free(srig.url);
    srig.secret_count = 0;
    srig_serve();
    srig_dial();
}

static inline int srig_stop(void **state)
{
    (void) state;
    rpc_client_close(srig.client);
    rpc_server_stop(srig.server, 10000);
    engine_stop(srig.engine);
    rpc_server_free(srig.server);
    service_free(srig.service);
    engine_free(srig.engine);
    srig.store->ops->close(srig.store);
    while (srig.replies) {
        reply *r = srig.replies;
        srig.replies = r->next;
        protobuf_c_message_free_unpacked(r->message, NULL);
        free(r);
    }
    free(srig.url);
    arena_free(srig.memory);
    rig_remove_place(srig.place);
    return 0;
}

// ---- calls ----

// The reply lives until the rig stops.
static inline status *try_call(const ProtobufCServiceDescriptor *methods, const char *method,
                               const ProtobufCMessage *request, const char *request_id, void *ret)
{
    rpc_call_options options = {.request_id = request_id};
    ProtobufCMessage *message = NULL;
    status *failure = rpc_client_call(srig.client, methods, method, request, &options, &message);
    if (failure != NULL)
        return failure;
    reply *r = calloc(1, sizeof *r);
    assert_non_null(r);
    *r = (reply){.message = message, .next = srig.replies};
    srig.replies = r;
    memcpy(ret, &message, sizeof message);
    return NULL;
}

static inline void assert_violation(status *failure, status_code code, const char *field)
{
    assert_int_equal(status_code_of(failure), code);
    assert_int_equal(failure->violation_count, 1);
    assert_string_equal(failure->violations[0].field, field);
    status_free(failure);
}

// ---- jobs ----

static inline Errand__V1__Job job_with(Errand__V1__Data *data)
{
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    errand__v1__data__init(data);
    job.kind = text("k");
    job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    job.data = data;
    return job;
}

static inline status *try_submit(Errand__V1__Job *job, const char *request_id,
                                 Errand__V1__Job **ret)
{
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    request.job = job;
    return try_call(JOBS, "Submit", &request.base, request_id, ret);
}

static inline const Errand__V1__Job *submit(Errand__V1__Job *job)
{
    Errand__V1__Job *ret = NULL;
    rig_ok(try_submit(job, NULL, &ret));
    return ret;
}

static inline const Errand__V1__Job *submit_any(void)
{
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    return submit(&job);
}

static inline const Errand__V1__Job *get(const char *id, Errand__V1__JobView view)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    Errand__V1__Job *ret = NULL;
    request.id = text(id);
    request.view = view;
    rig_ok(try_call(JOBS, "Get", &request.base, NULL, &ret));
    return ret;
}

// ---- a worker ----

static inline Errand__V1__Worker *worker(void)
{
    static Errand__V1__Worker w;
    errand__v1__worker__init(&w);
    w.id = text("01890000-0000-7000-8000-000000000001");
    return &w;
}

static inline const Errand__V1__LeaseResponse *lease_from(char *queue, int64_t sequence,
                                                          int32_t max_jobs)
{
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    Errand__V1__LeaseResponse *ret = NULL;
    request.worker = worker();
    request.worker->queues = &queue;
    request.worker->n_queues = queue != NULL;
    request.max_jobs = max_jobs;
    request.lease_sequence = sequence;
    rig_ok(try_call(WORKERS, "Lease", &request.base, NULL, &ret));
    return ret;
}

static inline Errand__V1__BatchSubmitResponse *submit_batch(Errand__V1__Job **jobs, size_t count)
{
    Errand__V1__BatchSubmitRequest request = ERRAND__V1__BATCH_SUBMIT_REQUEST__INIT;
    Errand__V1__BatchSubmitResponse *ret = NULL;
    request.jobs = jobs;
    request.n_jobs = count;
    rig_ok(try_call(JOBS, "BatchSubmit", &request.base, NULL, &ret));
    assert_int_equal(ret->n_results, count);
    return ret;
}

static inline const Errand__V1__Assignment *lease_one(int64_t sequence)
{
    const Errand__V1__LeaseResponse *got = lease_from(NULL, sequence, 1);
    assert_int_equal(got->n_assignments, 1);
    return got->assignments[0];
}

static inline Errand__V1__Outcome outcome_of(const Errand__V1__Assignment *a)
{
    Errand__V1__Outcome outcome = ERRAND__V1__OUTCOME__INIT;
    outcome.job_id = a->job->id;
    outcome.token = a->token;
    return outcome;
}

static inline status *try_report(Errand__V1__Outcome *outcome, int64_t sequence,
                                 Errand__V1__ReportResponse **ret)
{
    Errand__V1__OutcomeBatch batch = ERRAND__V1__OUTCOME_BATCH__INIT;
    batch.worker = worker();
    batch.outcome_sequence = sequence;
    batch.outcomes = &outcome;
    batch.n_outcomes = 1;
    return try_call(WORKERS, "Report", &batch.base, NULL, ret);
}

// Without a sequence, so that each is applied.
static inline void succeed(const Errand__V1__Assignment *a, Errand__V1__Result *result)
{
    Errand__V1__Outcome outcome = outcome_of(a);
    Errand__V1__ReportResponse *ret = NULL;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = result;
    rig_ok(try_report(&outcome, 0, &ret));
    assert_int_equal(ret->accepted, 1);
}

// A result of type data.
static inline Errand__V1__Result *data_result(const char *type, const char *body)
{
    static Errand__V1__Result result;
    static Errand__V1__Data data;
    errand__v1__result__init(&result);
    errand__v1__data__init(&data);
    result.output_case = ERRAND__V1__RESULT__OUTPUT_DATA;
    result.data = &data;
    data.content_type = text(type);
    data.body = (ProtobufCBinaryData){strlen(body), (uint8_t *) text(body)};
    return &result;
}

static inline void fail_for_good(const Errand__V1__Assignment *a, const char *message)
{
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    Errand__V1__Failure failure = ERRAND__V1__FAILURE__INIT;
    Errand__V1__Outcome outcome = outcome_of(a);
    Errand__V1__ReportResponse *ret = NULL;
    error.code = ERRAND__RPC__V1__CODE__ABORTED;
    error.message = text(message);
    failure.status = &error;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_FAILURE;
    outcome.failure = &failure;
    rig_ok(try_report(&outcome, 0, &ret));
}

#endif
