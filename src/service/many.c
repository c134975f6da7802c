// many - CancelMany, RetryMany, DeleteMany and Purge: jobs that match a filter, a page at a time.
//
// A page is read beside the engine and changed in one round of it, so that nobody waits for the
// whole. A caller that has gone does not stop it.
#include "service/internal.h"

#include <string.h>

// As many as the engine deletes with one write.
#define STEP 200

typedef struct many_state {
    engine_control_many control;
    service *service;
    rpc_call *call;
    many_answer_fn *answer;
    store_filter filter;
    unsigned states;  // bits of those that are changed; 0: all
    bool done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t count;
} many_state;

static void step_done(engine_command *command)
{
    many_state *m = command->owner;
    (void) pthread_mutex_lock(&m->lock);
    m->done = true;
    (void) pthread_cond_signal(&m->changed);
    (void) pthread_mutex_unlock(&m->lock);
}

static status *change(many_state *m, const job_row *rows, size_t count)
{
    engine_control_many *control = &m->control;
    control->command = (engine_command){.verb = ENGINE_CONTROL_MANY, .done = step_done, .owner = m};
    control->rows = rows;
    control->count = count;
    control->done = 0;
    m->done = false;
    engine_post(m->service->options.engine, &control->command);
    (void) pthread_mutex_lock(&m->lock);
    while (!m->done) {
        (void) pthread_cond_wait(&m->changed, &m->lock);
    }
    (void) pthread_mutex_unlock(&m->lock);
    if (control->command.failure == NULL) {
        m->count += control->done;
    }
    return control->command.failure;
}

static status *one_page(many_state *m, int64_t *before)
{
    job_row rows[STEP];
    store_job *stored = NULL;
    size_t count = 0, wanted = 0;
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    store_reader *reader = reader_take(&m->service->readers);
    status *failure =
        reader->ops->list(reader, &m->filter, *before, STEP, 0, memory, &stored, &count, before);
    reader_return(&m->service->readers, reader);
    for (size_t i = 0; failure == NULL && i < count; i++) {
        if (m->states == 0 || (m->states & 1u << stored[i].row.state) != 0) {
            rows[wanted++] = stored[i].row;
        }
    }
    return failure == NULL && wanted > 0 ? change(m, rows, wanted) : failure;
}

static void run(void *data)
{
    many_state *m = data;
    int64_t before = 0;
    status *failure = NULL;
    (void) pthread_mutex_init(&m->lock, NULL);
    (void) pthread_cond_init(&m->changed, NULL);
    do {
        failure = atomic_load(background_stopping(m->service->changes))
                      ? status_new(STATUS_UNAVAILABLE, "the server is stopping")
                      : one_page(m, &before);
    } while (failure == NULL && before != 0);
    (void) pthread_mutex_destroy(&m->lock);
    (void) pthread_cond_destroy(&m->changed);
    if (failure != NULL) {
        rpc_call_fail(m->call, failure);
    } else {
        m->answer(m->call, m->count);
    }
}

void many_start(service *s, rpc_call *call, engine_control_type type, const store_filter *filter,
                unsigned states, many_answer_fn *answer)
{
    many_state *m = arena_zalloc(rpc_call_arena(call), sizeof *m);
    if (m == NULL) {
        answer_no_memory(call);
        return;
    }
    m->service = s;
    m->call = call;
    m->control.type = type;
    m->control.states = filter->state != 0 ? 1u << filter->state : states;
    m->filter = *filter;
    m->filter.queues = call_queues(call);
    m->states = states;
    m->answer = answer;
    status *failure = background_add(s->changes, run, m);
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    }
}

// ---- the calls ----

static status *filter_read(const Errand__V1__JobFilter *filter, arena *memory, store_filter *ret)
{
    if (filter == NULL || (*filter->queue == '\0' && *filter->kind == '\0' &&
                           *filter->label == '\0' && filter->state == 0)) {
        return status_bad_field("filter", "found no field, expected at least one of queue, state, "
                                          "kind and label");
    }
    status *failure =
        list_filter(filter->queue, filter->kind, filter->state, filter->label, memory, ret);
    if (failure != NULL) {
        status_prefix_fields(failure, "filter.");
    }
    return failure;
}

static void start_filtered(service *s, const Errand__V1__JobFilter *wanted, rpc_call *call,
                           engine_control_type type, many_answer_fn *answer)
{
    store_filter filter = {0};
    status *failure = filter_read(wanted, rpc_call_arena(call), &filter);
    if (failure == NULL && filter.queue != NULL) {
        failure = queue_check(call, filter.queue);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        many_start(s, call, type, &filter, 0, answer);
    }
}

static void answer_cancelled(rpc_call *call, int64_t count)
{
    Errand__V1__CancelManyResponse reply = ERRAND__V1__CANCEL_MANY_RESPONSE__INIT;
    reply.count = count;
    rpc_call_answer(call, &reply.base);
}

static void answer_retried(rpc_call *call, int64_t count)
{
    Errand__V1__RetryManyResponse reply = ERRAND__V1__RETRY_MANY_RESPONSE__INIT;
    reply.count = count;
    rpc_call_answer(call, &reply.base);
}

static void answer_deleted(rpc_call *call, int64_t count)
{
    Errand__V1__DeleteManyResponse reply = ERRAND__V1__DELETE_MANY_RESPONSE__INIT;
    reply.count = count;
    rpc_call_answer(call, &reply.base);
}

void cancel_many_call(service *s, const Errand__V1__CancelManyRequest *request, rpc_call *call)
{
    start_filtered(s, request->filter, call, ENGINE_CANCEL, answer_cancelled);
}

void retry_many_call(service *s, const Errand__V1__RetryManyRequest *request, rpc_call *call)
{
    start_filtered(s, request->filter, call, ENGINE_RETRY, answer_retried);
}

void delete_many_call(service *s, const Errand__V1__DeleteManyRequest *request, rpc_call *call)
{
    start_filtered(s, request->filter, call, ENGINE_DELETE, answer_deleted);
}
