// access - every request: its id, its line in the log, its count by route and code.
#include "gateway/access.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/uuid.h"
#include "gateway/headers.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define MAX_ID     128
#define SLOTS      4096  // of the table of series; at most half of them are used
#define CODES      1000
#define ROUTE_SIZE 160

// ---- ids ----

// What may stand in a log and in a header as it is.
static bool is_good_id(const char *id)
{
    size_t size = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "-_.~:=+/@");
    return size > 0 && size <= MAX_ID && id[size] == '\0';
}

void access_begin(exchange *x)
{
    char fresh[UUID_TEXT_SIZE];
    const char *id = exchange_field(x, "X-Request-Id");
    if (id == NULL || !is_good_id(id)) {
        uuid random = uuid_new_v7(clock_wall_us(clock_system()));
        id = uuid_format(&random, fresh);
    }
    x->request_id = arena_strdup(x->memory, id);
    if (x->request_id != NULL) {
        exchange_add_header(x, "X-Request-Id", x->request_id);
    }
}

// ---- counts ----

static const metrics_family requests = {
    .name = "errand_http_requests_total",
    .help = "HTTP requests answered, by route and status code.",
    .type = METRICS_COUNTER,
    .labels = {"route", "code"},
};

// A hash table from route and code to series. It only grows: read without the lock.
static struct {
    _Atomic uint64_t key;  // 0: free
    metrics_series *series;
} slots[SLOTS];
static size_t used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t key_of(const exchange *x)
{
    return (uint64_t) (uintptr_t) x->route.key * CODES + (uint64_t) x->http_status;
}

static size_t first_slot(uint64_t key)
{
    return (size_t) ((key * UINT64_C(0x9e3779b97f4a7c15)) >> 52) % SLOTS;
}

static metrics_series *find(uint64_t key, size_t *ret_slot)
{
    size_t slot = first_slot(key);
    uint64_t there = atomic_load_explicit(&slots[slot].key, memory_order_acquire);
    while (there != 0 && there != key) {
        slot = (slot + 1) % SLOTS;
        there = atomic_load_explicit(&slots[slot].key, memory_order_acquire);
    }
    *ret_slot = slot;
    return there == key ? slots[slot].series : NULL;
}

static metrics_series *make(const exchange *x)
{
    char name[ROUTE_SIZE] = "other", code[8];
    const exchange_route *route = &x->route;
    if (route->key != NULL) {
        (void) snprintf(name, sizeof name, "%s%s%s", route->method,
                        *route->method != '\0' ? " " : "", route->pattern);
    }
    (void) snprintf(code, sizeof code, "%d", x->http_status);
    return metrics_get(&requests, name, code);
}

static metrics_series *series_of(const exchange *x)
{
    size_t slot;
    uint64_t key = key_of(x);
    metrics_series *series = find(key, &slot);
    if (series != NULL) {
        return series;
    }
    series = make(x);
    (void) pthread_mutex_lock(&lock);
    if (find(key, &slot) == NULL && used < SLOTS / 2 && series != NULL) {
        used++;
        slots[slot].series = series;
        atomic_store_explicit(&slots[slot].key, key, memory_order_release);
    }
    (void) pthread_mutex_unlock(&lock);
    return series;
}

// ---- the log ----

static void log_request(const exchange *x, log_level level)
{
    const char *trace = headers_traceparent(exchange_field(x, "traceparent"));
    char trace_id[33] = "";
    if (trace != NULL) {
        (void) snprintf(trace_id, sizeof trace_id, "%.32s", trace + 3);
    }
    LOG_AT(level, "http_request", LOG_STR("request_id", x->request_id != NULL ? x->request_id : ""),
           LOG_STR("remote", x->remote != NULL ? x->remote : ""),
           LOG_STR("method", x->method != NULL ? x->method : ""),
           LOG_STR("path", x->path != NULL ? x->path : ""), LOG_INT("status", x->http_status),
           LOG_INT("bytes", (int64_t) x->reply.size),
           LOG_INT("duration_us", clock_mono_us(clock_system()) - x->start_us),
           LOG_STR("trace_id", trace_id));
}

void access_ended(const exchange *x, bool log_all)
{
    bool failed = x->http_status >= 500 && x->http_status != 501;
    metrics_add(series_of(x), 1);
    if (failed || log_all) {
        log_request(x, failed ? LOG_LEVEL_WARN : LOG_LEVEL_INFO);
    }
}
