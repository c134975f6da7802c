// heartbeat_plan - when the next heartbeat of a link is due. Pure.
//
// Three come in the time of a lease as long as there is a lease to renew or an outcome that waits
// to be acknowledged. An idle worker is known to live by its parked Lease: one heartbeat in the
// time of a lease is enough there, for a link that is dead and tells nobody.
#ifndef ERRAND_CLIENTS_C_WORKER_HEARTBEAT_PLAN_H
#define ERRAND_CLIENTS_C_WORKER_HEARTBEAT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

typedef struct heartbeat_plan {
    int64_t lease_us;   // how long a lease lasts, as the server says
    int64_t sent_us;    // the latest one
    int64_t wanted_us;  // not later, for another reason; INT64_MAX: there is none
    bool failed;        // the latest one: then wanted_us alone counts
    bool idle;          // when it was looked at last
    int64_t busy_us;    // since when it is not
} heartbeat_plan;

void heartbeat_plan_init(heartbeat_plan *plan, int64_t lease_us);  // one is due at once

// heartbeat_plan_due is when the next one is due, if the link is idle or not from now on.
int64_t heartbeat_plan_due(heartbeat_plan *plan, bool idle, int64_t now_us);

void heartbeat_plan_sent(heartbeat_plan *plan, int64_t now_us);
void heartbeat_plan_answered(heartbeat_plan *plan);
void heartbeat_plan_failed(heartbeat_plan *plan, int64_t now_us);

// heartbeat_plan_want has one sent at that time at the latest.
void heartbeat_plan_want(heartbeat_plan *plan, int64_t at_us);

#endif
