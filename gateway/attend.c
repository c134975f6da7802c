// attend - calls that wait while somebody looks whether their client is still there.
//
// A Lease is not simply left: its answer may be under way, with jobs that nobody would run until
// their leases end. A second Lease of the same worker that wants no jobs makes the server answer
// the first one, and what that answer holds goes back.
#include "gateway/attend.h"

#include "base/clock.h"
#include "base/log.h"
#include "errand/v1/worker_service.pb-c.h"
#include "gateway/gateway_internal.h"
#include "rpc/wire.h"

#include <string.h>

#define RETURN_TIMEOUT_MS 5000
#define END_TIMEOUT_MS    1000  // others that leave wait for it
#define MOMENT_US         500   // a client that did not wait longer is taken to be there

// ---- calls that can be left ----

static void leave(void *data)
{
    upstream_cancel_fire(data);
}

static status *run_left(api_call *call, upstream_reply_fn *on_reply, void *data)
{
    exchange *x = call->x;
    upstream_cancel cancel;
    upstream_cancel_init(&cancel);
    call->rpc.cancel = &cancel;
    x->wait_begin(x, leave, &cancel);
    status *failure = upstream_run(call->gateway->up, &call->rpc, on_reply, data);
    x->close |= x->wait_end(x);
    call->rpc.cancel = NULL;
    upstream_cancel_fini(&cancel);
    return failure;
}

// ---- Lease ----

typedef struct leasing {
    api_call *call;
    upstream_reply_fn *on_reply;
    void *data;
    Errand__V1__OutcomeBatch taken;  // the jobs of the answer, to be given back
    bool lost;                       // there was no memory to remember them
} leasing;

static const Errand__V1__LeaseRequest *request_of(const leasing *l)
{
    return (const Errand__V1__LeaseRequest *) l->call->request;
}

static Errand__V1__Outcome *released(const Errand__V1__Assignment *a, arena *memory)
{
    static Errand__V1__Released nothing = {
        .base = PROTOBUF_C_MESSAGE_INIT(&errand__v1__released__descriptor)};
    Errand__V1__Outcome *outcome = arena_alloc(memory, sizeof *outcome);
    if (outcome == NULL) {
        return NULL;
    }
    errand__v1__outcome__init(outcome);
    outcome->job_id = arena_strdup(memory, a->job->id);
    outcome->token.data = arena_copy(memory, a->token.data, a->token.len);
    outcome->token.len = a->token.len;
    outcome->outcome_case = ERRAND__V1__OUTCOME__OUTCOME_RELEASED;
    outcome->released = &nothing;
    return outcome->job_id != NULL && outcome->token.data != NULL ? outcome : NULL;
}

static void take_answer(void *data, const ProtobufCMessage *reply)
{
    leasing *l = data;
    arena *memory = l->call->x->memory;
    const Errand__V1__LeaseResponse *answer = (const Errand__V1__LeaseResponse *) reply;
    size_t count = answer->n_assignments;
    l->taken.outcomes = arena_alloc(memory, (count + 1) * sizeof *l->taken.outcomes);
    l->lost = l->taken.outcomes == NULL;
    for (size_t i = 0; i < count && !l->lost; i++) {
        l->taken.outcomes[i] = released(answer->assignments[i], memory);
        l->lost = l->taken.outcomes[i] == NULL;
        l->taken.n_outcomes += !l->lost;
    }
    l->on_reply(l->data, reply);
}

static void ignore(void *data, const ProtobufCMessage *reply)
{
    (void) data;
    (void) reply;
}

// A copy that lives as long as the call, whoever waits for it.
static Errand__V1__LeaseRequest *copy_request(const leasing *l, arena *memory)
{
    const ProtobufCMessage *message = &request_of(l)->base;
    ProtobufCAllocator allocator = wire_allocator(memory);
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = arena_alloc(memory, size + 1);
    if (bytes == NULL) {
        return NULL;
    }
    (void) protobuf_c_message_pack(message, bytes);
    return errand__v1__lease_request__unpack(&allocator, size, bytes);
}

// A call to the same service in the name of the same client; only whether it failed is of interest.
static status *call_aside(const leasing *l, const char *method, ProtobufCMessage *request,
                          arena *memory, int64_t timeout_ms)
{
    const upstream_call call = {
        .service = l->call->rpc.service,
        .method = method,
        .request = request,
        .memory = memory,
        .timeout_ms = timeout_ms,
        .token = l->call->rpc.token,
    };
    return upstream_run(l->call->gateway->up, &call, ignore, NULL);
}

// On the thread that watches: the call that waits is answered, with jobs or without.
static void end_lease(void *data)
{
    const leasing *l = data;
    AUTO(arena) memory = arena_new(0);
    Errand__V1__LeaseRequest *request = memory != NULL ? copy_request(l, memory) : NULL;
    if (request == NULL) {
        return;  // it waits to its end
    }
    request->max_jobs = 0;
    request->wait = NULL;
    status_free(call_aside(l, l->call->rpc.method, &request->base, memory, END_TIMEOUT_MS));
}

static void give_back(leasing *l)
{
    l->taken.worker = request_of(l)->worker;
    AUTO(status) failure =
        call_aside(l, "Report", &l->taken.base, l->call->x->memory, RETURN_TIMEOUT_MS);
    if (failure != NULL) {
        log_warn("jobs_not_given_back", LOG_INT("jobs", (int64_t) l->taken.n_outcomes),
                 LOG_STATUS(failure));
    }
}

static status *run_lease(api_call *call, upstream_reply_fn *on_reply, void *data)
{
    exchange *x = call->x;
    leasing l = {.call = call, .on_reply = on_reply, .data = data};
    errand__v1__outcome_batch__init(&l.taken);
    int64_t start_us = clock_mono_us(clock_system());
    x->wait_begin(x, end_lease, &l);
    status *failure = upstream_run(call->gateway->up, &call->rpc, take_answer, &l);
    bool gone = x->wait_end(x);
    bool waited = clock_mono_us(clock_system()) - start_us > MOMENT_US;
    if (l.taken.n_outcomes > 0 && (gone || (waited && !x->is_alive(x)))) {
        gone = true;
        give_back(&l);
    }
    x->close |= gone;
    return failure;
}

status *attend_run(api_call *call, upstream_reply_fn *on_reply, void *data)
{
    if (call->x->wait_begin == NULL) {
        return upstream_run(call->gateway->up, &call->rpc, on_reply, data);
    }
    bool leases = call->request->descriptor == &errand__v1__lease_request__descriptor;
    return leases ? run_lease(call, on_reply, data) : run_left(call, on_reply, data);
}
