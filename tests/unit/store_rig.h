// store_rig - a store in a folder of its own, for every backend there is, and rows to put into it.
#ifndef ERRAND_TESTS_UNIT_STORE_RIG_H
#define ERRAND_TESTS_UNIT_STORE_RIG_H

#include "unit/unit_test.h"

#include "job/rules.h"
#include "store/sqlite.h"
#include "store/store.h"

#include <dirent.h>
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct store_backend {
    const char *name;
    status *(*open)(const char *place, store **ret);
} store_backend;

// Each conformance test runs on each of these.
static const store_backend store_backends[] = {
    {"sqlite", store_sqlite_open},
};

#define T0 INT64_C(1700000000000000)  // the tests' beginning of time

typedef struct rig {
    const store_backend *backend;
    char place[64];
    store *store;
    arena *memory;
    int64_t now_us;
} rig;

static inline void rig_ok(status *failure)
{
    if (failure)
        print_error("%s: %s\n", status_code_name(failure->code), failure->message);
    assert_null(failure);
}

static inline void rig_fails(status_code code, status *failure)
{
    if (failure && failure->code != code)
        print_error("%s: %s\n", status_code_name(failure->code), failure->message);
    assert_non_null(failure);
    assert_int_equal(failure->code, code);
    status_free(failure);
}

static inline void rig_make_place(char place[static 64])
{
    snprintf(place, 64, "/tmp/errand-store-XXXXXX");
    assert_non_null(mkdtemp(place));
}

static inline int rig_remove_entry(const char *path, const struct stat *found, int type,
                                   struct FTW *where)
{
    (void) found;
    (void) type;
    (void) where;
    return remove(path);
}

static inline void rig_remove_place(const char *place)
{
    nftw(place, rig_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

// How many files there are in a folder.
static inline int rig_entries(const char *place)
{
    int count = 0;
    DIR *folder = opendir(place);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static inline void rig_open(rig *r)
{
    rig_ok(r->backend->open(r->place, &r->store));
}

static inline void rig_reopen(rig *r)
{
    r->store->ops->close(r->store);
    rig_open(r);
}

static inline rig rig_start(const store_backend *backend)
{
    rig r = {.backend = backend, .memory = arena_new(0), .now_us = T0};
    rig_make_place(r.place);
    rig_open(&r);
    return r;
}

static inline void rig_stop(rig *r)
{
    r->store->ops->close(r->store);
    arena_free(r->memory);
    rig_remove_place(r->place);
}

static inline void rig_begin(rig *r)
{
    rig_ok(r->store->ops->begin(r->store));
}

static inline void rig_commit(rig *r)
{
    rig_ok(r->store->ops->commit(r->store));
}

// The number of a pair; call it inside of a transaction.
static inline int32_t rig_route(rig *r, const char *queue, const char *kind)
{
    int32_t route = 0;
    rig_ok(r->store->ops->route(r->store, queue, kind, &route));
    return route;
}

static inline const job_policy *rig_policy(void)
{
    static const job_policy policy = {
        .attempt_timeout_us = 60000000,
        .retention_us = 3600000000,
        .min_backoff_us = 1000000,
        .max_backoff_us = 600000000,
        .multiplier = 2,
        .max_attempts = 10,
    };
    return &policy;
}

// A job as the engine would submit it: due_us 0 is now.
static inline store_new_job rig_new_job(rig *r, int32_t route, int32_t priority, int64_t due_us)
{
    static const uint8_t hash[JOB_HASH_BYTES] = {1, 2, 3};
    static const uint8_t spec[] = "what to do";
    store_new_job job = {.spec = {spec, sizeof spec}, .hash = hash};
    job.row.seq = r->store->ops->next_seq(r->store);
    job.row.id = uuid_new_v7(r->now_us);
    job.row.route = route;
    job.row.priority = priority;
    job.row.due_us = due_us;
    job.row.policy = *rig_policy();
    job_start_life(&job.row, r->now_us);
    return job;
}

// Inserts one job inside of a transaction.
static inline job_row rig_insert(rig *r, int32_t route, int32_t priority, int64_t due_us)
{
    store_new_job job = rig_new_job(r, route, priority, due_us);
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    return job.row;
}

// Stores a job made by rig_new_job in a transaction of its own.
static inline job_row rig_submit_job(rig *r, const store_new_job *job)
{
    rig_begin(r);
    rig_ok(r->store->ops->insert(r->store, job, 1));
    rig_commit(r);
    return job->row;
}

// One job of queue "q" and kind "k", committed.
static inline job_row rig_submit(rig *r)
{
    rig_begin(r);
    job_row row = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
    rig_commit(r);
    return row;
}

static inline void rig_save(rig *r, const job_row *before, const job_row *row)
{
    rig_ok(r->store->ops->save(r->store, before, row, 1));
}

// The same in a transaction of its own.
static inline void rig_change(rig *r, const job_row *before, const job_row *row)
{
    rig_begin(r);
    rig_save(r, before, row);
    rig_commit(r);
}

static inline void rig_remove(rig *r, const job_row *row)
{
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, row, 1));
    rig_commit(r);
}

// Leases and finishes a job, committed.
static inline job_row rig_finish(rig *r, job_row row)
{
    uuid worker = uuid_new_v7(r->now_us);
    job_row before = row;
    rig_begin(r);
    rig_ok(job_lease(&row, &worker, 1, r->now_us));
    rig_ok(job_succeed(&row, r->now_us));
    rig_save(r, &before, &row);
    rig_commit(r);
    return row;
}

static inline job_row rig_find(rig *r, const uuid *id)
{
    job_row row;
    rig_ok(r->store->ops->find(r->store, id, 1, &row));
    return row;
}

static inline job_row rig_load(rig *r, int64_t seq)
{
    job_row row;
    rig_ok(r->store->ops->load(r->store, &seq, 1, &row));
    return row;
}

static inline int64_t rig_count(rig *r, int32_t route, job_state state)
{
    return r->store->ops->count(r->store, route, state);
}

static inline store_reader *rig_reader(rig *r)
{
    store_reader *reader = NULL;
    rig_ok(r->store->ops->open_reader(r->store, &reader));
    return reader;
}

static inline bool rig_same_policy(const job_policy *a, const job_policy *b)
{
    return a->attempt_timeout_us == b->attempt_timeout_us && a->retention_us == b->retention_us &&
           a->min_backoff_us == b->min_backoff_us && a->max_backoff_us == b->max_backoff_us &&
           !islessgreater(a->multiplier, b->multiplier) && a->max_attempts == b->max_attempts;
}

static inline bool rig_same_waiting(const job_row *a, const job_row *b)
{
    return a->retry_request == b->retry_request && a->expire_us == b->expire_us &&
           a->aging_us == b->aging_us && a->blockers == b->blockers &&
           a->has_dependants == b->has_dependants && a->held == b->held &&
           uuid_equal(&a->unique_key, &b->unique_key) &&
           uuid_equal(&a->concurrency_key, &b->concurrency_key);
}

// All of two rows, field by field: structures have gaps.
static inline bool rig_same_row(const job_row *a, const job_row *b)
{
    return a->seq == b->seq && uuid_equal(&a->id, &b->id) && a->parent_seq == b->parent_seq &&
           a->route == b->route && a->state == b->state && a->priority == b->priority &&
           a->attempt == b->attempt && a->failures == b->failures && a->losses == b->losses &&
           a->revision == b->revision && a->create_us == b->create_us && a->due_us == b->due_us &&
           a->start_us == b->start_us && a->finish_us == b->finish_us &&
           uuid_equal(&a->worker, &b->worker) && a->lease_sequence == b->lease_sequence &&
           a->has_callback == b->has_callback && a->callbacks_open == b->callbacks_open &&
           rig_same_policy(&a->policy, &b->policy) && rig_same_waiting(a, b);
}

static inline void rig_assert_same_row(const job_row *a, const job_row *b)
{
    assert_true(rig_same_row(a, b));
}

static inline void rig_on_each_backend(void (*check)(rig *r))
{
    for (size_t i = 0; i < sizeof store_backends / sizeof store_backends[0]; i++) {
        rig r = rig_start(&store_backends[i]);
        check(&r);
        rig_stop(&r);
    }
}

// CONFORMS(name) { ... } is a test that runs on each backend, with `rig *r`.
#define CONFORMS(name)                                                                             \
    static void name##_on(rig *r);                                                                 \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void) state;                                                                              \
        rig_on_each_backend(name##_on);                                                            \
    }                                                                                              \
    static void name##_on(rig *r)

#endif
