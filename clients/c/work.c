// work - the public worker: functions for kinds, on the worker of this library.
#include "error.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "worker/function.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct registered {
    char *kind;
    function_settings settings;
    struct registered *next;
} registered;

struct errand_worker {
    worker_options options;  // as given; texts are borrowed until the start
    worker_server *servers;
    function_pool *pool;
    registered *kinds;
    size_t kind_count;
    worker *running;
    bool started;
    sem_t quit;
};

static pthread_once_t log_once = PTHREAD_ONCE_INIT;

static void log_warnings(void)
{
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
}

bool errand_log_level(const char *level)
{
    log_level wanted;
    (void) pthread_once(&log_once, log_warnings);
    if (!log_level_parse(level, &wanted)) {
        return false;
    }
    log_setup(wanted, LOG_FORMAT_TEXT);
    return true;
}

static int32_t count_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (int32_t) count : 1;
}

static size_t or_default(size_t given, size_t otherwise)
{
    return given != 0 ? given : otherwise;
}

static int64_t drain_us(int64_t given_ms, int64_t otherwise_us)
{
    if (given_ms == 0) {
        return otherwise_us;
    }
    return given_ms < 0 ? 0 : (given_ms < INT64_MAX / 2000 ? given_ms : INT64_MAX / 2000) * 1000;
}

static void fill_options(const errand_worker_options *given, worker_options *ret)
{
    worker_options_init(ret);
    ret->token = given->token != NULL && *given->token != '\0' ? given->token : NULL;
    ret->tls = (tls_files){.ca = given->tls_ca,
                           .cert = given->tls_cert,
                           .key = given->tls_key,
                           .server_name = given->tls_server_name};
    ret->concurrency = given->concurrency > 0 ? given->concurrency : count_processors();
    ret->queues = given->queues;
    ret->queue_count = given->queue_count;
    ret->max_message_bytes = or_default(given->max_message_bytes, ret->max_message_bytes);
    ret->max_result_bytes = or_default(given->max_result_bytes, ret->max_result_bytes);
    ret->drain_timeout_us = drain_us(given->drain_timeout_ms, ret->drain_timeout_us);
    ret->connected = given->connected;
    ret->data = given->data;
}

static bool fill_servers(errand_worker *w, const errand_worker_options *given)
{
    size_t count = given->servers == NULL ? 1 : given->server_count;
    w->servers = calloc(count + 1, sizeof *w->servers);
    if (w->servers == NULL) {
        return false;
    }
    w->servers[0] = (worker_server){.rpc_url = ERRAND_DEFAULT_URL};
    for (size_t i = 0; given->servers != NULL && i < count; i++) {
        const errand_server *server = &given->servers[i];
        w->servers[i] = (worker_server){server->url != NULL ? server->url : ERRAND_DEFAULT_URL,
                                        server->results_url};
    }
    w->options.servers = w->servers;
    w->options.server_count = count;
    return true;
}

errand_error *errand_worker_new(const errand_worker_options *options, errand_worker **ret)
{
    static const errand_worker_options none;
    const errand_worker_options *given = options != NULL ? options : &none;
    (void) pthread_once(&log_once, log_warnings);
    errand_worker *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return error_no_memory();
    }
    (void) sem_init(&w->quit, 0, 0);
    fill_options(given, &w->options);
    w->pool = function_pool_new(w->options.concurrency);
    if (w->pool == NULL || !fill_servers(w, given)) {
        errand_worker_free(w);
        return error_no_memory();
    }
    *ret = w;
    return NULL;
}

static errand_error *check_kind(const errand_worker *w, const char *kind)
{
    if (w->started) {
        return error_from(
            status_new(STATUS_FAILED_PRECONDITION, "the worker has been started already"));
    }
    for (const registered *r = w->kinds; r != NULL; r = r->next) {
        if (strcmp(r->kind, kind) == 0) {
            return error_from(
                status_new(STATUS_ALREADY_EXISTS, "kind %s has a function already", kind));
        }
    }
    return NULL;
}

errand_error *errand_worker_handle(errand_worker *w, const char *kind, errand_handler *run,
                                   void *data)
{
    errand_error *error = check_kind(w, kind);
    if (error != NULL) {
        return error;
    }
    AUTO_FREE registered *r = calloc(1, sizeof *r);
    if (r == NULL || (r->kind = strdup(kind)) == NULL) {
        return error_no_memory();
    }
    r->settings = (function_settings){.pool = w->pool, .run = run, .data = data};
    r->next = w->kinds;
    w->kind_count++;
    w->kinds = TAKE(r);
    return NULL;
}

errand_error *errand_worker_start(errand_worker *w)
{
    if (w->started) {
        return error_from(status_new(STATUS_FAILED_PRECONDITION, "a worker starts only once"));
    }
    AUTO_FREE worker_handler *handlers = calloc(w->kind_count + 1, sizeof *handlers);
    if (handlers == NULL) {
        return error_no_memory();
    }
    size_t count = 0;
    for (registered *r = w->kinds; r != NULL; r = r->next) {
        handlers[count++] = (worker_handler){r->kind, &function_handler, &r->settings};
    }
    w->options.handlers = handlers;
    w->options.handler_count = count;
    w->started = true;
    return error_from(worker_start(&w->options, &w->running));
}

void errand_worker_stop(errand_worker *w, bool now)
{
    worker_stop(TAKE(w->running), now);
}

errand_error *errand_worker_run(errand_worker *w)
{
    errand_error *error = errand_worker_start(w);
    if (error != NULL) {
        return error;
    }
    while (sem_wait(&w->quit) != 0 && errno == EINTR) {
        continue;
    }
    errand_worker_stop(w, false);
    return NULL;
}

void errand_worker_quit(errand_worker *w)
{
    (void) sem_post(&w->quit);
}

void errand_worker_free(errand_worker *w)
{
    if (w == NULL) {
        return;
    }
    errand_worker_stop(w, true);
    while (w->kinds != NULL) {
        registered *next = w->kinds->next;
        free(w->kinds->kind);
        free(w->kinds);
        w->kinds = next;
    }
    function_pool_free(w->pool);
    free(w->servers);
    (void) sem_destroy(&w->quit);
    free(w);
}
