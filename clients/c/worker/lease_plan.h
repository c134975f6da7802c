// lease_plan - when the next Lease is sent, with which number and for how many jobs. Pure.
//
// Number n+1 confirms the answer to n, so it is used only once n was answered or is known to hold
// no jobs; after a failure n is asked again. A Lease that asks for jobs stays parked when more
// slots become free: its answer is followed by the next one at once. A Lease for no jobs, sent
// while all slots are taken, only waits for cancellations, and gives way to one for jobs.
#ifndef ERRAND_CLIENTS_C_WORKER_LEASE_PLAN_H
#define ERRAND_CLIENTS_C_WORKER_LEASE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_WAIT_US 55000000  // asked for; the server allows 60 s

typedef struct lease_plan {
    int64_t sequence;  // of the latest Lease; 0: none yet
    bool under_way;    // the latest one has no answer yet
    bool again;        // the latest one failed: same number once more
    int32_t max_jobs;  // that the latest one asks for
    int64_t sent_us;
    int64_t answered;  // number of the latest answer
    int32_t setbacks;  // failures, or hasty empty answers, in a row
    int64_t not_before_us;
    int64_t wanting_us;  // since when the same wish waits; 0: not waiting
    bool wanted_jobs;
} lease_plan;

typedef struct lease_wish {
    int32_t concurrency;
    int32_t free;    // slots
    bool accepting;  // false: no more jobs, only cancellations
    bool leaving;    // nor ever again: not a moment is waited for
} lease_wish;

// lease_plan_next is true when a Lease is to be sent now, which takes it as sent. Otherwise
// *ret_wake_us is when to ask again if nothing happens before; INT64_MAX: no need.
bool lease_plan_next(lease_plan *plan, const lease_wish *wish, int64_t now_us,
                     int64_t *ret_sequence, int32_t *ret_max_jobs, int64_t *ret_wake_us);

// lease_plan_answered takes the answer to a Lease: of how many jobs, and whether it held news. The
// answer to one that gave way to another is good too.
void lease_plan_answered(lease_plan *plan, int64_t sequence, bool news, int64_t now_us);

// lease_plan_failed: no answer. random is uniform in [0, 1).
void lease_plan_failed(lease_plan *plan, int64_t sequence, double random, int64_t now_us);

#endif
