// metrics - the registry: series by family, each in shards, and the sources.
#include "base/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS        4
#define MAX_SERIES    4096  // of one family
#define MAX_SOURCES   8
#define CELLS_OF_LINE 8  // of 8 bytes, in a cache line

struct metrics_series {
    metrics_series *next;  // of the family, in the order of their making
    char *values[METRICS_MAX_LABELS];
    const metrics_buckets *buckets;
    size_t stride;  // cells of a shard
    _Atomic uint64_t *cells;
};

// A family with series.
typedef struct entry {
    const metrics_family *family;
    metrics_series *first, *last;
    size_t count;
    struct entry *next;
} entry;

typedef struct source {
    metrics_source_fn *fn;
    void *data;
} source;

// Held while sources are asked, so that one that is removed is not asked any more. Nothing else of
// this file is locked inside.
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;
static source sources[MAX_SOURCES];

// Of the lists; series are never removed.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static entry *entries;

static _Atomic(const char *) version;
static atomic_uint threads;
static _Thread_local unsigned shard;  // from 1; 0: not chosen yet

static const int64_t short_bounds[] = {100,     250,     500,     1000,    2500,   5000,
                                       10000,   25000,   50000,   100000,  250000, 500000,
                                       1000000, 2500000, 5000000, 10000000};
static const int64_t long_bounds[] = {1000,     5000,     10000,     25000,     50000,     100000,
                                      250000,   500000,   1000000,   2500000,   5000000,   10000000,
                                      30000000, 60000000, 300000000, 900000000, 3600000000};
const metrics_buckets metrics_short_times = {short_bounds,
                                             sizeof short_bounds / sizeof short_bounds[0], 1e-6};
const metrics_buckets metrics_long_times = {long_bounds, sizeof long_bounds / sizeof long_bounds[0],
                                            1e-6};

// ---- series ----

static unsigned own_shard(void)
{
    if (shard == 0) {
        shard = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % SHARDS + 1;
    }
    return shard - 1;
}

static void series_free(metrics_series *series)
{
    for (size_t i = 0; series != NULL && i < METRICS_MAX_LABELS; i++) {
        free(series->values[i]);
    }
    free(series);
}

static metrics_series *series_new(const metrics_family *family, const char *const *values)
{
    metrics_series *series = calloc(1, sizeof *series);
    if (series == NULL) {
        return NULL;
    }
    size_t used = family->type == METRICS_HISTOGRAM ? family->buckets->count + 2 : 1;
    series->buckets = family->buckets;
    series->stride = (used + CELLS_OF_LINE - 1) / CELLS_OF_LINE * CELLS_OF_LINE;
    size_t bytes = SHARDS * series->stride * sizeof *series->cells;
    series->cells = aligned_alloc(CELLS_OF_LINE * sizeof *series->cells, bytes);
    bool complete = series->cells != NULL;
    for (size_t i = 0; complete && i < METRICS_MAX_LABELS && family->labels[i] != NULL; i++) {
        series->values[i] = strdup(values[i]);
        complete = series->values[i] != NULL;
    }
    if (!complete) {
        free(series->cells);
        series_free(series);
        return NULL;
    }
    for (size_t i = 0; i < SHARDS * series->stride; i++) {
        atomic_init(&series->cells[i], 0);
    }
    return series;
}

static entry *entry_of(const metrics_family *family)
{
    entry **at = &entries;
    while (*at != NULL && (*at)->family != family) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        *at = calloc(1, sizeof **at);
        if (*at != NULL) {
            (*at)->family = family;
        }
    }
    return *at;
}

static bool is_series(const metrics_series *series, const char *const *values)
{
    for (size_t i = 0; i < METRICS_MAX_LABELS && series->values[i] != NULL; i++) {
        if (strcmp(series->values[i], values[i]) != 0) {
            return false;
        }
    }
    return true;
}

static metrics_series *find_or_make(entry *e, const char *const *values)
{
    metrics_series *found = e->first;
    while (found != NULL && !is_series(found, values)) {
        found = found->next;
    }
    if (found != NULL || e->count == MAX_SERIES) {
        return found;
    }
    metrics_series *made = series_new(e->family, values);
    if (made == NULL) {
        return NULL;
    }
    *(e->last == NULL ? &e->first : &e->last->next) = made;
    e->last = made;
    e->count++;
    return made;
}

metrics_series *metrics_get(const metrics_family *family, const char *value, const char *other)
{
    const char *const values[METRICS_MAX_LABELS] = {value, other};
    (void) pthread_mutex_lock(&lock);
    entry *e = entry_of(family);
    metrics_series *series = e != NULL ? find_or_make(e, values) : NULL;
    (void) pthread_mutex_unlock(&lock);
    return series;
}

void metrics_add(metrics_series *series, uint64_t count)
{
    if (series != NULL) {
        atomic_fetch_add_explicit(&series->cells[own_shard() * series->stride], count,
                                  memory_order_relaxed);
    }
}

size_t metrics_bucket_of(const metrics_buckets *buckets, int64_t value)
{
    size_t bucket = 0;
    while (bucket < buckets->count && value > buckets->bounds[bucket]) {
        bucket++;
    }
    return bucket;
}

void metrics_observe(metrics_series *series, int64_t value)
{
    if (series == NULL) {
        return;
    }
    _Atomic uint64_t *cells = &series->cells[own_shard() * series->stride];
    uint64_t counted = value > 0 ? (uint64_t) value : 0;
    atomic_fetch_add_explicit(&cells[metrics_bucket_of(series->buckets, value)], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&cells[series->buckets->count + 1], counted, memory_order_relaxed);
}

void metrics_tally_add(metrics_tally *tally, const metrics_buckets *buckets, int64_t value)
{
    tally->counts[metrics_bucket_of(buckets, value)]++;
    tally->sum += value > 0 ? (uint64_t) value : 0;
}

// ---- sources ----

bool metrics_add_source(metrics_source_fn *fn, void *data)
{
    bool added = false;
    (void) pthread_mutex_lock(&asking);
    for (size_t i = 0; i < MAX_SOURCES && !added; i++) {
        added = sources[i].fn == NULL;
        if (added) {
            sources[i] = (source){fn, data};
        }
    }
    (void) pthread_mutex_unlock(&asking);
    return added;
}

void metrics_remove_source(metrics_source_fn *fn, void *data)
{
    (void) pthread_mutex_lock(&asking);
    for (size_t i = 0; i < MAX_SOURCES; i++) {
        if (sources[i].fn == fn && sources[i].data == data) {
            sources[i] = (source){0};
        }
    }
    (void) pthread_mutex_unlock(&asking);
}

void metrics_set_version(const char *text)
{
    atomic_store(&version, text);
}

// ---- reading ----

static uint64_t cell_sum(const metrics_series *series, size_t cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        sum +=
            atomic_load_explicit(&series->cells[i * series->stride + cell], memory_order_relaxed);
    }
    return sum;
}

static void write_series(buf *out, const metrics_family *family, const metrics_series *series)
{
    if (family->type != METRICS_HISTOGRAM) {
        metrics_write_number(out, family, series->values[0], series->values[1],
                             (double) cell_sum(series, 0));
        return;
    }
    metrics_tally tally = {0};
    for (size_t i = 0; i <= family->buckets->count; i++) {
        tally.counts[i] = cell_sum(series, i);
    }
    tally.sum = cell_sum(series, family->buckets->count + 1);
    metrics_write_tally(out, family, series->values[0], series->values[1], &tally);
}

static void write_entries(buf *out)
{
    (void) pthread_mutex_lock(&lock);
    for (const entry *e = entries; e != NULL; e = e->next) {
        metrics_write_head(out, e->family);
        for (const metrics_series *s = e->first; s != NULL; s = s->next) {
            write_series(out, e->family, s);
        }
    }
    (void) pthread_mutex_unlock(&lock);
}

static void ask_sources(buf *out)
{
    (void) pthread_mutex_lock(&asking);
    for (size_t i = 0; i < MAX_SOURCES; i++) {
        if (sources[i].fn != NULL) {
            sources[i].fn(sources[i].data, out);
        }
    }
    (void) pthread_mutex_unlock(&asking);
}

static void write_version(buf *out)
{
    static const metrics_family build_info = {
        .name = "errand_build_info",
        .help = "Always 1; the version is in the label.",
        .type = METRICS_GAUGE,
        .labels = {"version"},
    };
    const char *text = atomic_load(&version);
    if (text != NULL) {
        metrics_write_head(out, &build_info);
        metrics_write_number(out, &build_info, text, NULL, 1);
    }
}

void metrics_render(buf *out)
{
    ask_sources(out);
    write_entries(out);
    write_version(out);
    metrics_write_process(out);
}
