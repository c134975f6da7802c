// store_metrics - what every backend tells of its commits.
#include "store/store_metrics.h"

#include "base/metrics.h"

#include <pthread.h>

static const int64_t batch_bounds[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
static const metrics_buckets batch_buckets = {batch_bounds,
                                              sizeof batch_bounds / sizeof batch_bounds[0], 1};

static const metrics_family commits = {
    .name = "errand_store_commit_seconds",
    .help = "How long the store took to make a batch durable.",
    .type = METRICS_HISTOGRAM,
    .buckets = &metrics_short_times,
};
static const metrics_family batches = {
    .name = "errand_store_batch_jobs",
    .help = "Changes of jobs that one commit made durable.",
    .type = METRICS_HISTOGRAM,
    .buckets = &batch_buckets,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static metrics_series *commit_series, *batch_series;

static void find_series(void)
{
    commit_series = metrics_get(&commits, NULL, NULL);
    batch_series = metrics_get(&batches, NULL, NULL);
}

void store_metrics_commit(int64_t duration_us, size_t jobs)
{
    (void) pthread_once(&once, find_series);
    metrics_observe(commit_series, duration_us);
    metrics_observe(batch_series, (int64_t) jobs);
}
