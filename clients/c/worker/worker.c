// worker - a worker is put together, runs on its thread, and is taken down.
#include "worker/internal.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "worker/answer.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define NAMES 5  // in list_names

void worker_options_init(worker_options *options)
{
    *options = (worker_options){
        .concurrency = 256,
        .max_message_bytes = 32 << 20,
        .max_result_bytes = 16 << 20,
        .max_unacked_bytes = 64 << 20,
        .max_held_bytes = (size_t) 512 << 20,
        .drain_timeout_us = 30000000,
    };
}

const char *worker_id(const worker *w)
{
    return w->links[0].id;
}

// xorshift: only spreads retries.
double worker_random(worker *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return (double) w->random / 4294967296.0;
}

// ---- building up ----

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *copy_list(char **ret, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((ret[i] = strdup(texts[i])) == NULL) {
            return no_memory();
        }
    }
    return NULL;
}

static void free_list(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        free(texts[i]);
    }
    free(texts);
}

static status *copy_kinds(worker *w, const worker_options *options)
{
    for (size_t i = 0; i < options->handler_count; i++) {
        if ((w->kinds[i] = strdup(options->handlers[i].kind)) == NULL) {
            return no_memory();
        }
    }
    return NULL;
}

// The texts that may be there or not.
static void list_names(worker_options *options, const char **ret[NAMES])
{
    tls_files *tls = &options->tls;
    const char **names[NAMES] = {&options->token, &tls->ca, &tls->cert, &tls->key,
                                 &tls->server_name};
    memcpy(ret, names, sizeof names);
}

// Each of w's own texts is a copy, or NULL.
static status *copy_names(worker *w, const worker_options *options)
{
    const char **own[NAMES];
    list_names(&w->options, own);
    bool short_of_memory = false;
    for (size_t i = 0; i < NAMES; i++) {
        const char *given = *own[i];
        *own[i] = given == NULL ? NULL : strdup(given);
        short_of_memory |= given != NULL && *own[i] == NULL;
    }
    if (!short_of_memory && options->token != NULL &&
        asprintf(&w->authorization, "Bearer %s", options->token) < 0) {
        w->authorization = NULL;
        short_of_memory = true;
    }
    return short_of_memory ? no_memory() : NULL;
}

static void free_names(worker *w)
{
    const char **own[NAMES];
    list_names(&w->options, own);
    for (size_t i = 0; i < NAMES; i++) {
        free((char *) (uintptr_t) *own[i]);
    }
}

static status *copy_texts(worker *w, const worker_options *options)
{
    w->options = *options;
    status *failure = copy_names(w, options);
    if (failure != NULL) {
        return failure;
    }
    w->options.servers = NULL;
    w->options.queues = NULL;
    w->options.handlers = NULL;
    w->queues = calloc(options->queue_count + 1, sizeof *w->queues);
    w->kinds = calloc(options->handler_count + 1, sizeof *w->kinds);
    if (w->queues == NULL || w->kinds == NULL) {
        return no_memory();
    }
    failure = copy_list(w->queues, options->queues, options->queue_count);
    if (failure != NULL || (failure = copy_kinds(w, options)) != NULL) {
        return failure;
    }
    return NULL;
}

static void describe(worker *w)
{
    uuid fresh = uuid_new_v7(clock_wall_us(w->clock));
    memcpy(&w->random, fresh.bytes + 12, sizeof w->random);
    w->random |= 1;
    if (gethostname(w->host, sizeof w->host - 1) != 0) {
        w->host[0] = '\0';
    }
}

static status *make_links(worker *w, size_t count)
{
    w->links = calloc(count, sizeof *w->links);
    w->sources = calloc(count, sizeof *w->sources);
    if (w->links == NULL || w->sources == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        w->sources[i] = &w->links[i].source;
    }
    w->link_count = count;
    return NULL;
}

static status *open_attempts(worker *w, const worker_options *options)
{
    AUTO_FREE worker_handler *handlers = calloc(options->handler_count, sizeof *handlers);
    if (handlers == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < options->handler_count; i++) {
        handlers[i] = options->handlers[i];
        handlers[i].kind = w->kinds[i];
    }
    worker_options own = *options;
    own.handlers = handlers;
    return attempts_open(&w->attempts, &own, &w->loop, w->sources, w->link_count);
}

static status *build(worker *w, const worker_options *options)
{
    w->clock = clock_system();
    status *failure = copy_texts(w, options);
    if (failure != NULL) {
        return failure;
    }
    describe(w);
    failure = turn_open(w);
    if (failure == NULL) {
        failure = make_links(w, options->server_count);
    }
    if (failure == NULL) {
        failure = open_attempts(w, options);
    }
    for (size_t i = 0; failure == NULL && i < w->link_count; i++) {
        failure = link_open(w, &w->links[i], &options->servers[i]);
    }
    return failure;
}

// ---- taking down ----

static void close_handle(uv_handle_t *handle, void *data)
{
    (void) data;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

// Callbacks of the library's threads end first, then what they left is taken, then the loop goes.
static void close_loop(worker *w)
{
    for (size_t i = 0; i < w->link_count; i++) {
        link_close(&w->links[i]);
    }
    if (w->loop.data == NULL) {
        return;
    }
    handover_run(&w->inbox);
    attempts_release_running(&w->attempts);
    attempts_stop(&w->attempts);
    uv_walk(&w->loop, close_handle, NULL);
    (void) uv_run(&w->loop, UV_RUN_DEFAULT);
    attempts_close(&w->attempts);
    (void) uv_loop_close(&w->loop);
}

static void worker_free(worker *w)
{
    close_loop(w);
    for (size_t i = 0; i < w->link_count; i++) {
        link_free(&w->links[i]);
    }
    free(w->links);
    free(w->sources);
    free_list(w->queues);
    free_list(w->kinds);
    free(w->authorization);
    free_names(w);
    free(w);
}

// Signals are the main thread's; SIGPIPE would come from a TLS connection that breaks. The threads
// that resolve names inherit the mask.
static void block_signals(void)
{
    sigset_t all;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void *run(void *data)
{
    worker *w = (worker *) data;
    block_signals();
    (void) uv_run(&w->loop, UV_RUN_DEFAULT);
    return NULL;
}

static status *check(const worker_options *options)
{
    if (options->concurrency < 1) {
        return status_bad_field("concurrency", "found %d, expected 1 or more",
                                options->concurrency);
    }
    if (options->server_count < 1 || options->server_count > WORKER_MAX_SERVERS) {
        return status_bad_field("servers", "found %zu, expected 1 to %d", options->server_count,
                                WORKER_MAX_SERVERS);
    }
    if (options->handler_count == 0) {
        return status_bad_field("kinds", "found none, expected one or more");
    }
    return NULL;
}

status *worker_start(const worker_options *options, worker **ret)
{
    status *wrong = check(options);
    if (wrong != NULL) {
        return wrong;
    }
    worker *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return no_memory();
    }
    status *failure = build(w, options);
    if (failure == NULL) {
        int failed = pthread_create(&w->thread, NULL, run, w);
        failure = failed == 0 ? NULL : status_errno(failed, "worker thread");
    }
    if (failure != NULL) {
        worker_free(w);
        return failure;
    }
    log_info("worker_started", LOG_STR("worker", worker_id(w)),
             LOG_INT("concurrency", options->concurrency));
    *ret = w;
    return NULL;
}

void worker_drain(worker *w)
{
    atomic_store(&w->drain_wanted, true);
    handover_post(&w->inbox, &w->poke);
}

void worker_stop(worker *w, bool now)
{
    if (w == NULL) {
        return;
    }
    if (now) {
        atomic_store(&w->stop_wanted, true);
    }
    worker_drain(w);
    (void) pthread_join(w->thread, NULL);
    worker_free(w);
}
