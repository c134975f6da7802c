// call_metrics - how many calls of each method ended how, and how long they took.
#include "rpc/call_metrics.h"

// From what a submit takes to the longest wait.
static const int64_t bounds[] = {100,     250,     500,     1000,     2500,     5000,
                                 10000,   25000,   50000,   100000,   250000,   500000,
                                 1000000, 2500000, 5000000, 10000000, 30000000, 60000000};
static const metrics_buckets buckets = {bounds, sizeof bounds / sizeof bounds[0], 1e-6};

static const metrics_family requests = {
    .name = "errand_rpc_requests_total",
    .help = "Calls answered, by method and code.",
    .type = METRICS_COUNTER,
    .labels = {"method", "code"},
};
static const metrics_family durations = {
    .name = "errand_rpc_request_duration_seconds",
    .help = "From the reception of a call to its answer, what it waited included.",
    .type = METRICS_HISTOGRAM,
    .labels = {"method"},
    .buckets = &buckets,
};

void call_metrics_init(call_metrics *m, const char *method)
{
    *m = (call_metrics){.method = method, .duration = metrics_get(&durations, method, NULL)};
}

// Two threads may both look it up; they find the same.
static metrics_series *series_of(call_metrics *m, status_code code)
{
    code = code < CALL_CODES ? code : STATUS_UNKNOWN;
    metrics_series *series = atomic_load_explicit(&m->by_code[code], memory_order_acquire);
    if (series == NULL) {
        series = metrics_get(&requests, m->method, status_code_name(code));
        atomic_store_explicit(&m->by_code[code], series, memory_order_release);
    }
    return series;
}

void call_metrics_ended(call_metrics *m, status_code code, int64_t duration_us)
{
    if (m == NULL) {
        metrics_add(metrics_get(&requests, "unknown", status_code_name(code)), 1);
        return;
    }
    metrics_add(series_of(m, code), 1);
    metrics_observe(m->duration, duration_us);
}
