// metrics - numbers about this process, as Prometheus reads them: counters and histograms that any
// thread may add to, and sources that are asked when somebody reads.
//
// There is one registry in a process. A family is a static table; each set of label values of it is
// a series. Adding to a series takes no lock: threads add to shards of their own.
#ifndef ERRAND_BASE_METRICS_H
#define ERRAND_BASE_METRICS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METRICS_MAX_LABELS  2
#define METRICS_MAX_BUCKETS 18

typedef enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM } metrics_type;

// What a histogram counts: values in a unit of its own, and what that is worth in the exposition.
typedef struct metrics_buckets {
    const int64_t *bounds;  // upper ones, rising; the last bucket, +Inf, is not among them
    size_t count;           // at most METRICS_MAX_BUCKETS
    double unit;            // 1e-6: values are microseconds, shown as seconds
} metrics_buckets;

// Microseconds from 100 us to 10 s, and from 1 ms to an hour.
extern const metrics_buckets metrics_short_times;
extern const metrics_buckets metrics_long_times;

typedef struct metrics_family {
    const char *name;
    const char *help;
    metrics_type type;
    const char *labels[METRICS_MAX_LABELS];  // names; NULL: no more
    const metrics_buckets *buckets;          // of a histogram
} metrics_family;

// A series that any thread may add to. It stays for the life of the process.
typedef struct metrics_series metrics_series;

// metrics_get finds or makes the series of these label values; NULL when memory is short or the
// family has too many. It takes a lock: keep what it gives.
metrics_series *metrics_get(const metrics_family *family, const char *value, const char *other);

// Both accept NULL, and then do nothing.
void metrics_add(metrics_series *series, uint64_t count);
void metrics_observe(metrics_series *series, int64_t value);

// metrics_set_version makes errand_build_info; the text must stay.
void metrics_set_version(const char *version);

// A source writes families of its own when somebody reads. Nobody reads any more once
// metrics_remove_source has returned.
typedef void metrics_source_fn(void *data, buf *out);
bool metrics_add_source(metrics_source_fn *fn, void *data);
void metrics_remove_source(metrics_source_fn *fn, void *data);

// metrics_render writes everything in Prometheus's text format.
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void metrics_render(buf *out);

// ---- for sources ----

// A histogram of one thread.
typedef struct metrics_tally {
    uint64_t counts[METRICS_MAX_BUCKETS + 1];
    uint64_t sum;
} metrics_tally;

size_t metrics_bucket_of(const metrics_buckets *buckets, int64_t value);
void metrics_tally_add(metrics_tally *tally, const metrics_buckets *buckets, int64_t value);

// metrics_write_head comes before all samples of a family. Values are those of its labels.
void metrics_write_head(buf *out, const metrics_family *family);
void metrics_write_number(buf *out, const metrics_family *family, const char *value,
                          const char *other, double number);
void metrics_write_tally(buf *out, const metrics_family *family, const char *value,
                         const char *other, const metrics_tally *tally);

// metrics_write_process writes the process_* families.
void metrics_write_process(buf *out);

#endif
