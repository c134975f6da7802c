// function - runs jobs by C functions, on a bounded crew of threads.
//
// A function that was given up goes on until it returns; its context, which keeps the job then,
// takes room meanwhile.
#include "worker/context.h"

#include <stddef.h>
#include <stdlib.h>

struct function_pool {
    handover handover;  // to the loop's thread
    int32_t users;      // kinds that are open
    bool stopped;
    crew *crew;
};

static errand_context *of_task(crew_task *task)
{
    return (errand_context *) (void *) ((char *) task - offsetof(errand_context, task));
}

// On a thread of the crew.
static void run(crew_task *task)
{
    errand_context *c = of_task(task);
    c->settings->run(c, c->settings->data);
    context_post(c, &c->over);  // the context is the loop's from here
}

function_pool *function_pool_new(int32_t max_threads)
{
    function_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || (pool->crew = crew_new(max_threads, run)) == NULL) {
        free(pool);
        return NULL;
    }
    return pool;
}

void function_pool_free(function_pool *pool)
{
    if (pool != NULL) {
        crew_free(pool->crew);
        free(pool);
    }
}

void context_post(errand_context *c, handover_item *item)
{
    handover_post(&c->settings->pool->handover, item);
}

// ---- on the loop's thread ----

static void on_progressed(handover_item *item)
{
    errand_context *c = (errand_context *) (void *) item;  // its first member
    if (c->attempt != NULL) {
        context_tell(c);
    }
}

static void on_over(handover_item *item)
{
    errand_context *c =
        (errand_context *) (void *) ((char *) item - offsetof(errand_context, over));
    if (c->attempt != NULL) {
        context_settle(c);
    } else {
        c->owner->lingering--;
    }
    context_free(c);
}

static void start(void *handler, attempt *a)
{
    const function_settings *settings = (const function_settings *) handler;
    errand_context *c = context_new(settings, a);
    if (c != NULL) {
        a->work = c;
        c->progressed.run = on_progressed;
        c->over.run = on_over;
        if (crew_add(settings->pool->crew, &c->task)) {
            return;
        }
        context_free(c);
    }
    attempt_failure failure = {.code = STATUS_RESOURCE_EXHAUSTED,
                               .retryable = true,
                               .message = "the worker has no memory or threads"};
    attempt_fail(a, &failure);
}

// Those that came since the last turn are begun.
static void turn(void *handler)
{
    crew_call(((const function_settings *) handler)->pool->crew);
}

// The job stays until the function has returned.
static void give_up(void *handler, attempt *a)
{
    const function_settings *settings = (const function_settings *) handler;
    errand_context *c = (errand_context *) a->work;
    if (crew_take_back(settings->pool->crew, &c->task)) {
        context_free(c);
        return;
    }
    c->attempt = NULL;
    c->memory = a->memory;
    a->memory = NULL;
    a->owner->lingering++;
    context_cancel(c);
}

static status *open_kind(const void *settings, const worker_options *options, uv_loop_t *loop,
                         void **ret)
{
    (void) options;
    const function_settings *wanted = (const function_settings *) settings;
    if (wanted->pool->users == 0) {
        int failed = handover_init(&wanted->pool->handover, loop);
        if (failed != 0) {
            return status_new(STATUS_INTERNAL, "event loop: %s", uv_strerror(failed));
        }
    }
    wanted->pool->users++;
    *ret = (void *) (uintptr_t) settings;
    return NULL;
}

static void stop_pool(void *handler)
{
    function_pool *pool = ((const function_settings *) handler)->pool;
    if (pool->stopped) {
        return;
    }
    pool->stopped = true;
    crew_stop(pool->crew);
    handover_run(&pool->handover);
}

static void close_kind(void *handler)
{
    ((const function_settings *) handler)->pool->users--;
}

const handler_ops function_handler = {
    .open = open_kind,
    .start = start,
    .abort = give_up,
    .turn = turn,
    .stop = stop_pool,
    .close = close_kind,
};
