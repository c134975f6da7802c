// hot_paths - the code that every job passes, one path so many times, for valgrind to count its
// instructions. In ROUNDS of submit, life and purge a job is one; they come in hundreds.
//
//   valgrind --tool=callgrind hot_paths call|json|exchange|submit|life|purge ROUNDS FOLDER
#include "base/uuid.h"
#include "engine/engine.h"
#include "gateway/framing.h"
#include "gateway/headers.h"
#include "gateway/routes.h"
#include "job/spec.h"
#include "rpc/envelope.h"
#include "rpc/wire.h"
#include "store/sqlite.h"
#include "json/codec.h"

#include "errand/v1/job_service.pb-c.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH        100                          // jobs in one command
#define DAYS_US      (172800 * INT64_C(1000000))  // longer than a finished job is kept
#define RESULT_BYTES 16

static void must(status *failure, const char *what)
{
    if (!failure)
        return;
    (void) fprintf(stderr, "%s: %s\n", what, failure->message);
    exit(1);
}

// ---- a job ----

static char noop_kind[] = "noop";
static char payload[] = "https://images.example.com/2024/05/17/original-0001.png 320,640,1280 "
                        "and some more of it to the hundredth byte";

typedef struct sample {
    Errand__V1__Job job;
    Errand__V1__Data data;
} sample;

static void sample_init(sample *s)
{
    errand__v1__data__init(&s->data);
    s->data.body.data = (uint8_t *) payload;
    s->data.body.len = sizeof payload - 1;
    errand__v1__job__init(&s->job);
    s->job.kind = noop_kind;
    s->job.input_case = ERRAND__V1__JOB__INPUT_DATA;
    s->job.data = &s->data;
}

// ---- messages and JSON ----

static void pass_call(const Errand__V1__SubmitRequest *request, arena *memory)
{
    nng_msg *message, *reply;
    size_t stable;
    envelope_request head;
    ProtobufCMessage *decoded;
    slice answer;
    status *remote = NULL;
    const envelope_call call = {.service = "errand.v1.JobService",
                                .method = "Submit",
                                .payload = &request->base,
                                .request_id = "01234567-89ab-7def-8123-456789abcdef"};
    must(envelope_write_request(&call, 30000, 1 << 20, &message, &stable), "request");
    const slice encoded = {nng_msg_body(message), nng_msg_len(message)};
    must(envelope_read_request(encoded, memory, &head), "request");
    must(wire_decode(&errand__v1__submit_request__descriptor, head.payload.bytes, head.payload.size,
                     memory, &decoded),
         "payload");
    const Errand__V1__SubmitRequest *submit = (const void *) decoded;
    must(envelope_write_reply(&submit->job->base, call.request_id, 1 << 20, &reply), "reply");
    must(envelope_read_reply((slice){nng_msg_body(reply), nng_msg_len(reply)}, memory, &answer,
                             &remote),
         "reply");
    nng_msg_free(message);
    nng_msg_free(reply);
}

static void run_call(size_t rounds)
{
    sample s;
    arena *memory = arena_new(0);
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    sample_init(&s);
    request.job = &s.job;
    for (size_t i = 0; i < rounds; i++) {
        pass_call(&request, memory);
        arena_reset(memory);
    }
    arena_free(memory);
}

static void run_json(size_t rounds)
{
    sample s;
    buf text = {0};
    arena *memory = arena_new(0);
    sample_init(&s);
    for (size_t i = 0; i < rounds; i++) {
        ProtobufCMessage *decoded;
        buf_clear(&text);
        must(json_encode(&s.job.base, &text), "encode");
        must(
            json_decode(&errand__v1__job__descriptor, buf_text(&text), text.size, memory, &decoded),
            "decode");
        arena_reset(memory);
    }
    buf_fini(&text);
    arena_free(memory);
}

// ---- a request of the gateway ----

static const http_field fields[] = {
    {"Host", "127.0.0.1:6780"},
    {"User-Agent", "curl/7.88.1"},
    {"Accept", "*/*"},
    {"Content-Type", "application/json"},
    {"Content-Length", "113"},
    {"Authorization", "Bearer 0123456789abcdef0123456789abcdef"},
    {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
};

static void take_request(exchange *x)
{
    uri_span variables[URI_MAX_VARIABLES];
    uri_pair pairs[URI_MAX_PARAMETERS];
    int variable_count;
    size_t pair_count;
    x->method = "POST";
    x->path = "/v1/jobs";
    x->query = "wait=5s";
    memcpy(x->fields, fields, sizeof fields);
    x->field_count = sizeof fields / sizeof fields[0];
    if (!framing_check(x) || !routes_find(x, variables, &variable_count) ||
        !headers_is_json(exchange_field(x, "content-type")) ||
        !headers_traceparent(exchange_field(x, "traceparent")) ||
        !*headers_bearer(exchange_field(x, "authorization")) ||
        uri_parse_query(x->query, x->memory, pairs, &pair_count))
        must(status_new(STATUS_INTERNAL, "it was refused"), "request");
}

static void run_exchange(size_t rounds)
{
    exchange *x = calloc(1, sizeof *x);
    if (!x)
        exit(1);
    exchange_init(x, 1 << 20);
    for (size_t i = 0; i < rounds; i++) {
        if (!exchange_reset(x))
            exit(1);
        take_request(x);
    }
    exchange_fini(x);
    free(x);
}

// ---- the engine, one command after the other ----

typedef struct rig {
    clock_source clock;
    int64_t ahead_us;  // of the system's clock
    store *store;
    engine *engine;
    arena *memory;
    Errand__V1__Worker worker;
    uuid worker_id;
    int64_t lease_sequence, outcome_sequence;
    engine_assignment *assignments;
    size_t assignment_count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
} rig;

static void on_done(engine_command *command)
{
    rig *r = command->owner;
    pthread_mutex_lock(&r->lock);
    r->done = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void carry_out(rig *r, engine_command *command, const char *what)
{
    command->done = on_done;
    command->owner = r;
    r->done = false;
    engine_post(r->engine, command);
    pthread_mutex_lock(&r->lock);
    while (!r->done)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
    must(command->failure, what);
}

static void make_new_job(const sample *s, arena *memory, engine_new_job *ret)
{
    const job_limits limits = {.max_input_bytes = 1 << 20, .max_result_bytes = 1 << 20};
    int64_t now_us = clock_wall_us(clock_system());
    uint8_t *hash = arena_alloc(memory, JOB_HASH_BYTES);
    *ret = (engine_new_job){.queue = job_spec_queue(&s->job), .kind = job_spec_kind(&s->job)};
    must(job_spec_encode_within(&s->job, &limits, memory, &ret->spec, hash), "job");
    must(job_spec_check_fields(&s->job, &limits), "job");
    job_spec_row(&s->job, now_us, &ret->row);
    ret->row.id = uuid_new_v7(now_us);
    ret->hash = hash;
}

static void submit(rig *r)
{
    sample s;
    engine_new_job jobs[BATCH];
    engine_submit command = {.command.verb = ENGINE_SUBMIT, .jobs = jobs, .count = BATCH};
    sample_init(&s);
    for (size_t i = 0; i < BATCH; i++)
        make_new_job(&s, r->memory, &jobs[i]);
    carry_out(r, &command.command, "submit");
    for (size_t i = 0; i < BATCH; i++)
        must(jobs[i].failure, "submit");
}

static void lease(rig *r)
{
    engine_lease command = {.command.verb = ENGINE_LEASE,
                            .ticket = engine_ticket(r->engine),
                            .worker = &r->worker,
                            .worker_id = r->worker_id,
                            .max_jobs = BATCH,
                            .lease_sequence = ++r->lease_sequence,
                            .memory = r->memory};
    carry_out(r, &command.command, "lease");
    if (command.assignment_count != BATCH)
        must(status_new(STATUS_INTERNAL, "%zu jobs", command.assignment_count), "lease");
    r->assignments = command.assignments;
    r->assignment_count = command.assignment_count;
}

static void finish(rig *r)
{
    static const uint8_t result[RESULT_BYTES];
    engine_outcome outcomes[BATCH];
    engine_outcomes command = {.command.verb = ENGINE_OUTCOMES,
                               .worker_id = r->worker_id,
                               .sequence = ++r->outcome_sequence,
                               .outcomes = outcomes,
                               .count = BATCH,
                               .memory = r->memory};
    for (size_t i = 0; i < BATCH; i++)
        outcomes[i] = (engine_outcome){
            .ref = {.id = r->assignments[i].row.id, .token = r->assignments[i].token},
            .type = ENGINE_SUCCESS,
            .result = {result, sizeof result}};
    carry_out(r, &command.command, "finish");
    if (command.accepted != BATCH)
        must(status_new(STATUS_INTERNAL, "%d accepted", (int) command.accepted), "finish");
}

static int64_t wall_us(void *data)
{
    const rig *r = data;
    return clock_wall_us(clock_system()) + r->ahead_us;
}

static int64_t mono_us(void *data)
{
    (void) data;
    return clock_mono_us(clock_system());
}

static void start(rig *r, const char *folder)
{
    static char id[UUID_TEXT_SIZE], *kinds[] = {noop_kind};
    engine_options options;
    *r = (rig){.worker_id = uuid_new_v7(clock_wall_us(clock_system())), .memory = arena_new(0)};
    r->clock = (clock_source){.wall_us = wall_us, .mono_us = mono_us, .data = r};
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    uuid_format(&r->worker_id, id);
    errand__v1__worker__init(&r->worker);
    r->worker.id = id;
    r->worker.concurrency = BATCH;
    r->worker.n_kinds = 1;
    r->worker.kinds = kinds;
    must(store_sqlite_open(folder, &r->store), "store");
    engine_options_init(&options);
    options.store = r->store;
    options.seed = 7;
    options.clock = &r->clock;
    must(engine_start(&options, &r->engine), "engine");
}

static void stop(rig *r)
{
    engine_stop(r->engine);
    engine_free(r->engine);
    r->store->ops->close(r->store);
    arena_free(r->memory);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

// Jobs are finished as soon as they are leased, so that no more than a batch runs at a time.
static void work_off(rig *r, size_t jobs)
{
    for (size_t i = 0; i < jobs; i += BATCH) {
        lease(r);
        finish(r);
        arena_reset(r->memory);
    }
}

static void submit_all(rig *r, size_t jobs)
{
    for (size_t i = 0; i < jobs; i += BATCH) {
        submit(r);
        arena_reset(r->memory);
    }
}

static void run_engine(const char *folder, size_t jobs, bool worked_off, bool purged)
{
    rig r;
    start(&r, folder);
    submit_all(&r, jobs);
    if (worked_off)
        work_off(&r, jobs);
    if (purged) {  // the next command finds that what has ended is kept no longer
        r.ahead_us = DAYS_US;
        submit(&r);
    }
    stop(&r);
}

// ---- paths by name ----

int main(int argc, char **argv)
{
    const char *path = argc == 4 ? argv[1] : "";
    size_t rounds = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    if (strcmp(path, "call") == 0)
        run_call(rounds);
    else if (strcmp(path, "json") == 0)
        run_json(rounds);
    else if (strcmp(path, "exchange") == 0)
        run_exchange(rounds);
    else if (strcmp(path, "submit") == 0)
        run_engine(argv[3], rounds, false, false);
    else if (strcmp(path, "life") == 0)
        run_engine(argv[3], rounds, true, false);
    else if (strcmp(path, "purge") == 0)
        run_engine(argv[3], rounds, true, true);
    else {
        (void) fprintf(stderr,
                       "usage: hot_paths call|json|exchange|submit|life|purge ROUNDS FOLDER\n");
        return 2;
    }
    return 0;
}
