// attempt - the jobs that a worker is running: slots, deadlines, and the handlers that do the work.
#include "worker/attempt.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "worker/text.h"

#include <stdlib.h>
#include <utlist.h>

#define HTTP_TIMEOUT_US  60000000  // defaults of attempt_timeout, as the server has them
#define OTHER_TIMEOUT_US 900000000
#define HOLD_US          1000000  // a job waits that long for a slot before it is given back

// ---- the slots ----

static status *open_handlers(attempts *all, const worker_options *options)
{
    all->handlers = calloc(options->handler_count, sizeof *all->handlers);
    if (all->handlers == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (size_t i = 0; i < options->handler_count; i++) {
        const worker_handler *wanted = &options->handlers[i];
        opened_handler *opened = &all->handlers[i];
        status *failure = wanted->ops->open(wanted->settings, options, all->loop, &opened->state);
        if (failure != NULL) {
            return failure;
        }
        opened->kind = wanted->kind;
        opened->ops = wanted->ops;
        all->handler_count++;
    }
    return NULL;
}

static status *open_slots(attempts *all)
{
    int32_t count = all->slot_count + (int32_t) all->source_count - 1;
    all->slots = calloc((size_t) count, sizeof *all->slots);
    if (all->slots == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    for (int32_t i = 0; i < count; i++) {
        attempt *slot = &all->slots[i];
        slot->owner = all;
        if (uv_timer_init(all->loop, &slot->deadline) != 0) {
            return status_new(STATUS_INTERNAL, "timer");
        }
        slot->deadline.data = slot;
        all->opened++;
        LL_PREPEND(all->vacant, slot);
    }
    return NULL;
}

status *attempts_open(attempts *all, const worker_options *options, uv_loop_t *loop,
                      attempt_source *const *sources, size_t source_count)
{
    *all = (attempts){
        .loop = loop,
        .sources = sources,
        .source_count = source_count,
        .slot_count = options->concurrency,
        .max_result_bytes = options->max_result_bytes,
        .max_message_bytes = options->max_message_bytes,
        .max_held_bytes = options->max_held_bytes,
    };
    if (!arena_pool_init(&all->pool, (size_t) all->slot_count)) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    status *failure = open_slots(all);
    return failure != NULL ? failure : open_handlers(all, options);
}

void attempts_stop(attempts *all)
{
    for (size_t i = 0; i < all->handler_count; i++) {
        if (all->handlers[i].ops->stop != NULL) {
            all->handlers[i].ops->stop(all->handlers[i].state);
        }
    }
}

void attempts_close(attempts *all)
{
    for (size_t i = 0; i < all->handler_count; i++) {
        all->handlers[i].ops->close(all->handlers[i].state);
    }
    for (int32_t i = 0; i < all->opened; i++) {
        arena_free(all->slots[i].memory);
    }
    free(all->handlers);
    free(all->slots);
    arena_pool_fini(&all->pool);
    *all = (attempts){0};
}

size_t attempts_unacked(const attempts *all)
{
    size_t bytes = 0;
    for (size_t i = 0; i < all->source_count; i++) {
        bytes += all->sources[i]->outbox.bytes;
    }
    return bytes;
}

static attempt *occupy(attempts *all, attempt_source *source, const lease_ref *ref)
{
    attempt *a = all->vacant;
    if (a == NULL) {
        return NULL;
    }
    a->ref = *ref;
    a->source = source;
    a->started = false;
    HASH_ADD(hh, all->by_ref, ref, sizeof a->ref, a);
    LL_DELETE(all->vacant, a);
    DL_APPEND(all->running, a);
    all->waiting++;
    source->running++;
    source->waiting++;
    return a;
}

void attempt_vacate(attempt *a)
{
    attempts *all = a->owner;
    (void) uv_timer_stop(&a->deadline);
    HASH_DEL(all->by_ref, a);
    DL_DELETE(all->running, a);
    LL_PREPEND(all->vacant, a);
    all->used -= a->started;
    all->waiting -= !a->started;
    a->source->running--;
    a->source->waiting -= !a->started;
    arena_pool_put(&all->pool, TAKE(a->memory));  // NULL: a handler has kept it
    a->job = NULL;
    a->work = NULL;
}

static attempt *find(attempts *all, const lease_ref *ref)
{
    attempt *a = NULL;
    HASH_FIND(hh, all->by_ref, ref, sizeof *ref, a);
    return a;
}

// ---- starting ----

static const opened_handler *handler_of(const attempts *all, const Errand__V1__Job *job)
{
    for (size_t i = 0; i < all->handler_count; i++) {
        if (strcmp(all->handlers[i].kind, job->kind) == 0) {
            return &all->handlers[i];
        }
    }
    return NULL;
}

static int64_t timeout_us(const Errand__V1__Job *job)
{
    const Google__Protobuf__Duration *timeout = job->attempt_timeout;
    if (timeout == NULL) {
        return job->input_case == ERRAND__V1__JOB__INPUT_HTTP ? HTTP_TIMEOUT_US : OTHER_TIMEOUT_US;
    }
    return timeout->seconds * 1000000 + timeout->nanos / 1000;
}

int64_t attempt_deadline_us(const attempt *a)
{
    return a->received_us + timeout_us(a->job);
}

static void on_deadline(uv_timer_t *timer)
{
    attempt *a = (attempt *) timer->data;
    if (a->started) {
        a->ops->abort(a->handler, a);
    }
    char message[128];
    (void) snprintf(message, sizeof message, "the attempt took longer than attempt_timeout, %.6g s",
                    (double) timeout_us(a->job) / 1e6);
    attempt_failure failure = {
        .code = STATUS_DEADLINE_EXCEEDED, .retryable = true, .message = message};
    attempt_fail(a, &failure);
}

// The time of an attempt is counted from the lease, wherever it is spent.
static void admit(attempt *a, const opened_handler *handler, int64_t now_us)
{
    a->received_us = now_us;
    a->done = a->total = 0;
    a->message[0] = '\0';
    a->ops = handler->ops;
    a->handler = handler->state;
    uint64_t timeout_ms = (uint64_t) ((timeout_us(a->job) + 999) / 1000);
    (void) uv_timer_start(&a->deadline, on_deadline, timeout_ms, 0);
}

static bool has_room(const attempts *all)
{
    return all->used + all->lingering < all->slot_count;
}

static void run(attempt *a)
{
    a->started = true;
    a->owner->waiting--;
    a->source->waiting--;
    a->owner->used++;
    a->ops->start(a->handler, a);
}

void attempts_start(attempts *all, attempt_source *source, const lease_ref *ref,
                    const Errand__V1__Job *job, arena **memory, int64_t now_us)
{
    if (find(all, ref) != NULL) {
        return;  // handed out twice; it runs already
    }
    attempt *a = occupy(all, source, ref);
    if (a == NULL) {
        source->turned_away = true;
        attempts_release(source, ref);
        return;
    }
    a->job = job;
    a->memory = TAKE(*memory);
    const opened_handler *handler = handler_of(all, job);
    if (handler == NULL) {
        log_warn("job_released", LOG_STR("job", ref->job_id), LOG_STR("kind", job->kind));
        attempts_release(source, ref);
        attempt_vacate(a);
        return;
    }
    admit(a, handler, now_us);
    if (has_room(all)) {
        run(a);
    }
}

// ---- those that wait for a slot ----

// The one whose source has the fewest, so that no server has to stand back for another.
static attempt *next_waiting(const attempts *all)
{
    attempt *a, *next = NULL;
    DL_FOREACH(all->running, a)
    {
        if (!a->started && (next == NULL || a->source->running < next->source->running)) {
            next = a;
        }
    }
    return next;
}

static attempt *longest_waiting(const attempts *all)
{
    attempt *a;
    DL_FOREACH(all->running, a)
    {
        if (!a->started) {
            break;
        }
    }
    return a;
}

static int64_t waiting_turn(attempts *all, int64_t now_us)
{
    attempt *a;
    while (all->waiting > 0 && has_room(all) && (a = next_waiting(all)) != NULL) {
        run(a);
    }
    while (all->waiting > 0 && (a = longest_waiting(all)) != NULL) {
        if (now_us < a->received_us + HOLD_US) {
            return a->received_us + HOLD_US;
        }
        a->source->turned_away = true;
        attempts_release(a->source, &a->ref);
        attempt_vacate(a);
    }
    return INT64_MAX;
}

int64_t attempts_turn(attempts *all, int64_t now_us)
{
    int64_t wake_us = waiting_turn(all, now_us);
    for (size_t i = 0; i < all->handler_count; i++) {
        if (all->handlers[i].ops->turn != NULL) {
            all->handlers[i].ops->turn(all->handlers[i].state);
        }
    }
    return wake_us;
}

// ---- ending without the handler ----

static void drop(attempt *a)
{
    if (a->started) {
        a->ops->abort(a->handler, a);
    }
    attempt_vacate(a);
}

// A heartbeat is for all attempts: it must not be refused for what one of them says.
void attempt_progress(attempt *a, int64_t done, int64_t total, const char *message)
{
    a->done = done > 0 ? done : 0;
    a->total = total > 0 ? total : 0;
    const char *said = message != NULL ? message : "";
    text_clean(a->message, sizeof a->message, said, strlen(said));
    a->source->progressed = true;
}

void attempts_drop(attempts *all, const lease_ref *ref)
{
    attempt *a = find(all, ref);
    if (a != NULL) {
        log_info("attempt_dropped", LOG_STR("job", ref->job_id));
        drop(a);
    }
}

int64_t attempts_drop_expired(attempts *all, const attempt_source *source, int64_t renewed_us,
                              int64_t lease_us, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    attempt *a = all->running;
    while (a != NULL) {
        if (a->source != source) {
            a = a->next;
            continue;
        }
        int64_t until_us = (a->received_us > renewed_us ? a->received_us : renewed_us) + lease_us;
        if (until_us <= now_us) {
            log_warn("lease_ran_out", LOG_STR("job", a->ref.job_id));
            drop(a);
            a = all->running;  // the handler may have ended others, too
            continue;
        }
        next_us = until_us < next_us ? until_us : next_us;
        a = a->next;
    }
    return next_us;
}

void attempts_release_running(attempts *all)
{
    while (all->running != NULL) {
        attempt *a = all->running;
        attempts_release(a->source, &a->ref);
        drop(a);
    }
}
