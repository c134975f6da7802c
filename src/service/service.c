// service - the RPC methods and the result collector: from messages to engine commands and back.
#include "service/internal.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "job/time.h"

#include <stdlib.h>
#include <string.h>

void answer_no_memory(rpc_call *call)
{
    rpc_call_fail(call, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
}

store_reader *reader_take(reader_pool *readers)
{
    (void) pthread_mutex_lock(&readers->lock);
    readers->waiting++;
    while (readers->count == 0) {
        (void) pthread_cond_wait(&readers->returned, &readers->lock);
    }
    readers->waiting--;
    store_reader *reader = readers->idle[--readers->count];
    (void) pthread_mutex_unlock(&readers->lock);
    return reader;
}

void reader_return(reader_pool *readers, store_reader *reader)
{
    (void) pthread_mutex_lock(&readers->lock);
    readers->idle[readers->count++] = reader;
    bool awaited = readers->waiting > 0;
    (void) pthread_mutex_unlock(&readers->lock);
    // Afterwards: who is woken would only meet the lock.
    if (awaited) {
        (void) pthread_cond_signal(&readers->returned);
    }
}

status *reader_get(reader_pool *readers, const uuid *id, unsigned parts, arena *memory,
                   store_job *ret)
{
    char text[UUID_TEXT_SIZE];
    store_reader *reader = reader_take(readers);
    status *failure = reader->ops->get(reader, id, parts, memory, ret);
    reader_return(readers, reader);
    if (failure == NULL && job_row_is_gone(&ret->row)) {
        failure = status_new(STATUS_NOT_FOUND, "no job %s", uuid_format(id, text));
    }
    return failure;
}

status *wait_deadline(const Google__Protobuf__Duration *wait, const rpc_call *call, int64_t *ret_us)
{
    int64_t wait_us = 0;
    if (wait != NULL && (!time_from_duration(wait, &wait_us) || wait_us < 0)) {
        char found[TIME_SHOWN_SIZE];
        return status_bad_field("wait", "found %s, expected 0s to 60s",
                                time_show_duration(wait, found));
    }
    if (wait_us == 0) {
        *ret_us = 0;
        return NULL;
    }
    int64_t now = clock_mono_us(clock_system());
    int64_t until = now + (wait_us < MAX_WAIT_US ? wait_us : MAX_WAIT_US);
    int64_t deadline = rpc_call_deadline_us(call);
    // Time for the answer to travel: the last tenth of the caller's time, at most a second.
    if (deadline != INT64_MAX && deadline - now < INT64_MAX / 2) {
        int64_t left = deadline - now;
        deadline -= left / 10 < 1000000 ? left / 10 : 1000000;
    }
    *ret_us = until < deadline ? until : deadline;
    return NULL;
}

static status *open_readers(reader_pool *readers, store *from, int count)
{
    (void) pthread_mutex_init(&readers->lock, NULL);
    (void) pthread_cond_init(&readers->returned, NULL);
    status *failure = NULL;
    for (int i = 0; failure == NULL && i < count; i++) {
        failure = from->ops->open_reader(from, &readers->idle[i]);
        readers->count += failure == NULL;
    }
    return failure;
}

static void close_readers(reader_pool *readers)
{
    while (readers->count > 0) {
        store_reader *reader = readers->idle[--readers->count];
        reader->ops->close(reader);
    }
    (void) pthread_mutex_destroy(&readers->lock);
    (void) pthread_cond_destroy(&readers->returned);
}

status *service_new(const service_options *options, service **ret)
{
    service *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    s->options = *options;
    if (s->options.max_held_bytes == 0) {
        s->options.max_held_bytes = 256u << 20;
    }
    s->page_key = options->page_key != NULL ? *options->page_key : page_key_random();
    s->start_us = clock_wall_us(clock_system());
    s->start_mono_us = clock_mono_us(clock_system());
    s->jobs = job_methods(s);
    s->queues = queue_methods(s);
    s->workers = worker_methods(s);
    s->servers = server_methods(s);
    status *failure = open_readers(&s->readers, s->options.store, READERS);
    status *other = open_readers(&s->done_readers, s->options.store, 1);
    if (failure == NULL) {
        failure = other;
    } else {
        status_free(other);
    }
    if (failure == NULL) {
        failure = background_start(CHANGERS, &s->changes);
    }
    if (failure == NULL) {
        failure = background_start(1, &s->copies);
    }
    if (failure == NULL &&
        (s->jobs == NULL || s->queues == NULL || s->workers == NULL || s->servers == NULL)) {
        failure = status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (failure != NULL) {
        service_free(s);
        return failure;
    }
    (void) metrics_add_source(service_write_metrics, s);
    *ret = s;
    return NULL;
}

void service_register(service *s, rpc_server *server)
{
    rpc_server_add(server, &s->jobs->base);
    rpc_server_add(server, &s->queues->base);
    rpc_server_add(server, &s->workers->base);
    rpc_server_add(server, &s->servers->base);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts != NULL && i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

static char **copy_texts(char *const *texts, size_t count)
{
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(texts[i]);
        if (copy[i] == NULL) {
            free_texts(copy, count);
            return NULL;
        }
    }
    return copy;
}

static void free_addresses(addresses *where)
{
    if (where != NULL) {
        free_texts(where->rpc_urls, where->rpc_count);
        free_texts(where->results_urls, where->results_count);
        free(where);
    }
}

status *service_announce(service *s, char *const *rpc_urls, size_t rpc_count,
                         char *const *results_urls, size_t results_count)
{
    addresses *where = calloc(1, sizeof *where);
    if (where != NULL) {
        *where = (addresses){
            .rpc_urls = copy_texts(rpc_urls, rpc_count),
            .results_urls = copy_texts(results_urls, results_count),
            .rpc_count = rpc_count,
            .results_count = results_count,
        };
    }
    if (where == NULL || where->rpc_urls == NULL || where->results_urls == NULL) {
        free_addresses(where);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    atomic_store(&s->addresses, where);
    return NULL;
}

void service_drain(service *s)
{
    atomic_store(&s->draining, true);
}

void service_stop(service *s)
{
    metrics_remove_source(service_write_metrics, s);
    background_stop(s->copies);
    background_stop(s->changes);
}

void service_free(service *s)
{
    if (s == NULL) {
        return;
    }
    metrics_remove_source(service_write_metrics, s);
    background_free(s->copies);
    background_free(s->changes);
    close_readers(&s->readers);
    close_readers(&s->done_readers);
    free_addresses(atomic_load(&s->addresses));
    free(s->jobs);
    free(s->queues);
    free(s->workers);
    free(s->servers);
    free(s);
}
