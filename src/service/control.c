// control - Cancel, Retry and Delete.
#include "service/internal.h"

#include "base/crypto.h"

#include <string.h>

// Of a job as BASIC shows it.
#define VIEW_PARTS (STORE_PART_SPEC | STORE_PART_ATTEMPTS | STORE_PART_PROGRESS)

typedef struct control_state {
    engine_control control;
    service *service;
    rpc_call *call;
    store_job stored;  // of a job that will be gone: as it was
} control_state;

// The job as the engine left it, whatever has become of it since. What the engine does not touch is
// read beside it.
static void answer(control_state *state)
{
    Errand__V1__Job *job = NULL;
    state->stored.row = state->control.row;
    status *failure = view_job(&state->stored, false, rpc_call_arena(state->call), &job);
    if (failure != NULL) {
        rpc_call_fail(state->call, failure);
    } else {
        rpc_call_answer(state->call, &job->base);
    }
}

static void answer_kept(control_state *state)
{
    status *failure = reader_get(&state->service->done_readers, &state->control.id, VIEW_PARTS,
                                 rpc_call_arena(state->call), &state->stored);
    if (failure != NULL) {
        rpc_call_fail(state->call, failure);
    } else {
        answer(state);
    }
}

static void control_done(engine_command *command)
{
    control_state *state = command->owner;
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
    } else if (state->control.type == ENGINE_DELETE) {
        answer(state);
    } else {
        answer_kept(state);
    }
}

// A number for caller and request-id; never 0.
static int64_t request_number(const rpc_call *call)
{
    const char *caller = rpc_call_caller(call), *id = rpc_call_request_id(call);
    uint8_t hash[SHA256_BYTES];
    int64_t number = 0;
    if (id == NULL || id[0] == '\0') {
        return 0;
    }
    uuid derived = uuid_derive(caller, id, UINT64_MAX);
    crypto_sha256(derived.bytes, sizeof derived.bytes, hash);
    memcpy(&number, hash, sizeof number);
    return number != 0 ? number : 1;
}

static void control_call(service *s, const char *id, engine_control_type type, rpc_call *call)
{
    control_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    engine_control *control = &state->control;
    status *failure = job_find(s, call, id, &control->id);
    if (failure == NULL && type == ENGINE_DELETE) {
        failure =
            reader_get(&s->readers, &control->id, VIEW_PARTS, rpc_call_arena(call), &state->stored);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    state->service = s;
    state->call = call;
    control->command =
        (engine_command){.verb = ENGINE_CONTROL, .done = control_done, .owner = state};
    control->type = type;
    control->request = type == ENGINE_RETRY ? request_number(call) : 0;
    engine_post(s->options.engine, &control->command);
}

void cancel_call(service *s, const Errand__V1__CancelJobRequest *request, rpc_call *call)
{
    control_call(s, request->id, ENGINE_CANCEL, call);
}

void retry_call(service *s, const Errand__V1__RetryJobRequest *request, rpc_call *call)
{
    control_call(s, request->id, ENGINE_RETRY, call);
}

void delete_call(service *s, const Errand__V1__DeleteJobRequest *request, rpc_call *call)
{
    control_call(s, request->id, ENGINE_DELETE, call);
}
