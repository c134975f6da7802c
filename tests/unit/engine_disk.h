// engine_disk - a store that fails on demand: some of its functions are stood in for.
#ifndef ERRAND_TESTS_UNIT_ENGINE_DISK_H
#define ERRAND_TESTS_UNIT_ENGINE_DISK_H

#include "unit/unit_test.h"

#include "store/store.h"

#include <stdatomic.h>

typedef enum fault {
    FAULT_BEGIN,
    FAULT_COMMIT,
    FAULT_INSERT,
    FAULT_SAVE,
    FAULT_PUT_RESULT,
    FAULT_PUT_ATTEMPT,
    FAULT_SAVE_WORKER,
    FAULT_FIND,
    FAULT_DUE,
    FAULT_COUNT,
} fault;

// One for each process: the functions that stand in have to find it.
static struct {
    const store_ops *real;
    store_ops faulty;
    atomic_int faults[FAULT_COUNT];  // calls that fail from now on
    atomic_int begun, committed;     // transactions
} edisk;

static inline bool edisk_fault(fault which)
{
    if (atomic_load(&edisk.faults[which]) <= 0)
        return false;
    atomic_fetch_sub(&edisk.faults[which], 1);
    return true;
}

static inline status *edisk_broken(void)
{
    return status_new(STATUS_UNAVAILABLE, "the disk is broken");
}

static inline status *edisk_begin(store *s)
{
    atomic_fetch_add(&edisk.begun, 1);
    return edisk_fault(FAULT_BEGIN) ? edisk_broken() : edisk.real->begin(s);
}

static inline status *edisk_commit(store *s)
{
    if (edisk_fault(FAULT_COMMIT)) {
        edisk.real->rollback(s);
        return edisk_broken();
    }
    status *failure = edisk.real->commit(s);
    if (failure == NULL)
        atomic_fetch_add(&edisk.committed, 1);
    return failure;
}

static inline status *edisk_insert(store *s, const store_new_job *jobs, size_t count)
{
    return edisk_fault(FAULT_INSERT) ? edisk_broken() : edisk.real->insert(s, jobs, count);
}

static inline status *edisk_save(store *s, const job_row *before, const job_row *rows, size_t count)
{
    return edisk_fault(FAULT_SAVE) ? edisk_broken() : edisk.real->save(s, before, rows, count);
}

static inline status *edisk_put_result(store *s, int64_t seq, slice result)
{
    return edisk_fault(FAULT_PUT_RESULT) ? edisk_broken() : edisk.real->put_result(s, seq, result);
}

static inline status *edisk_put_attempt(store *s, int64_t seq, int32_t number, slice attempt)
{
    return edisk_fault(FAULT_PUT_ATTEMPT) ? edisk_broken()
                                          : edisk.real->put_attempt(s, seq, number, attempt);
}

static inline status *edisk_save_worker(store *s, const store_worker *worker)
{
    return edisk_fault(FAULT_SAVE_WORKER) ? edisk_broken() : edisk.real->save_worker(s, worker);
}

static inline status *edisk_find(store *s, const uuid *ids, size_t count, job_row *ret)
{
    return edisk_fault(FAULT_FIND) ? edisk_broken() : edisk.real->find(s, ids, count, ret);
}

static inline status *edisk_due(store *s, job_lane lane, int64_t until, size_t limit, job_row *ret,
                                size_t *ret_count)
{
    return edisk_fault(FAULT_DUE) ? edisk_broken()
                                  : edisk.real->due(s, lane, until, limit, ret, ret_count);
}

static inline void edisk_make_faulty(store *s)
{
    edisk.real = s->ops;
    edisk.faulty = *s->ops;
    edisk.faulty.begin = edisk_begin;
    edisk.faulty.commit = edisk_commit;
    edisk.faulty.insert = edisk_insert;
    edisk.faulty.save = edisk_save;
    edisk.faulty.put_result = edisk_put_result;
    edisk.faulty.put_attempt = edisk_put_attempt;
    edisk.faulty.save_worker = edisk_save_worker;
    edisk.faulty.find = edisk_find;
    edisk.faulty.due = edisk_due;
    s->ops = &edisk.faulty;
}

// So many calls of it fail from now on.
static inline void edisk_break(fault which, int times)
{
    atomic_store(&edisk.faults[which], times);
}

// They have failed.
static inline void edisk_assert_whole(fault which)
{
    assert_int_equal(atomic_load(&edisk.faults[which]), 0);
}

// From now on all is well.
static inline void edisk_mend(void)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        atomic_store(&edisk.faults[i], 0);
}

#endif
