// function - runs jobs by C functions, on a bounded pool of threads.
//
// A thread is made when there is work and none is idle. A function that was given up goes on until
// it returns; its context, which keeps the job then, takes room meanwhile.
#include "worker/context.h"

#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

struct function_pool {
    handover handover;  // to the loop's thread
    int32_t users;      // kinds that are open
    bool stopped;
    pthread_t *threads;
    int32_t max_threads;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int32_t thread_count;
    int32_t idle;
    errand_context *queue;
    int32_t queued;
    bool ending;
};

function_pool *function_pool_new(int32_t max_threads)
{
    function_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL || (pool->threads = calloc((size_t) max_threads, sizeof(pthread_t))) == NULL) {
        free(pool);
        return NULL;
    }
    pool->max_threads = max_threads;
    (void) pthread_mutex_init(&pool->lock, NULL);
    (void) pthread_cond_init(&pool->changed, NULL);
    return pool;
}

void function_pool_free(function_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    (void) pthread_cond_destroy(&pool->changed);
    (void) pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

void context_post(errand_context *c, handover_item *item)
{
    handover_post(&c->settings->pool->handover, item);
}

// ---- the threads ----

// NULL: the pool ends.
static errand_context *next_context(function_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->idle++;
    while (pool->queue == NULL && !pool->ending) {
        (void) pthread_cond_wait(&pool->changed, &pool->lock);
    }
    pool->idle--;
    errand_context *c = pool->queue;
    if (c != NULL) {
        DL_DELETE(pool->queue, c);
        c->queued = false;
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return c;
}

static void *work(void *data)
{
    function_pool *pool = (function_pool *) data;
    errand_context *c;
    while ((c = next_context(pool)) != NULL) {
        c->settings->run(c, c->settings->data);
        context_post(c, &c->over);  // the context is the loop's from here
    }
    return NULL;
}

// With the lock held. False: nobody would ever come for one more.
static bool find_thread(function_pool *pool)
{
    if (pool->idle > pool->queued || pool->thread_count == pool->max_threads) {
        return true;
    }
    if (pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0) {
        pool->thread_count++;
    }
    return pool->thread_count > 0;
}

static bool enqueue(function_pool *pool, errand_context *c)
{
    pthread_mutex_lock(&pool->lock);
    bool found = find_thread(pool);
    if (found) {
        DL_APPEND(pool->queue, c);
        c->queued = true;
        pool->queued++;
        (void) pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

// True: the function has not begun, and will not.
static bool dequeue(function_pool *pool, errand_context *c)
{
    pthread_mutex_lock(&pool->lock);
    bool queued = c->queued;
    if (queued) {
        DL_DELETE(pool->queue, c);
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return queued;
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
        if (enqueue(settings->pool, c)) {
            return;
        }
        context_free(c);
    }
    attempt_failure failure = {.code = STATUS_RESOURCE_EXHAUSTED,
                               .retryable = true,
                               .message = "the worker has no memory or threads"};
    attempt_fail(a, &failure);
}

// The job stays until the function has returned.
static void give_up(void *handler, attempt *a)
{
    const function_settings *settings = (const function_settings *) handler;
    errand_context *c = (errand_context *) a->work;
    if (dequeue(settings->pool, c)) {
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
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    (void) pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (int32_t i = 0; i < pool->thread_count; i++) {
        (void) pthread_join(pool->threads[i], NULL);
    }
    handover_run(&pool->handover);
}

static void close_kind(void *handler)
{
    function_pool *pool = ((const function_settings *) handler)->pool;
    if (--pool->users == 0) {
        handover_fini(&pool->handover);
    }
}

const handler_ops function_handler = {
    .open = open_kind,
    .start = start,
    .abort = give_up,
    .stop = stop_pool,
    .close = close_kind,
};
