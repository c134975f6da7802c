// answer - a reply of the server, copied out of the library's thread for the loop's.
#ifndef ERRAND_CLIENTS_C_WORKER_ANSWER_H
#define ERRAND_CLIENTS_C_WORKER_ANSWER_H

#include "worker/arena_pool.h"
#include "worker/lease_ref.h"

#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <stddef.h>
#include <stdint.h>

typedef struct answer_job {
    lease_ref ref;
    const Errand__V1__Job *job;
    arena *memory;  // of the job; NULL when somebody took both
} answer_job;

typedef struct answer {
    answer_job *jobs;
    size_t job_count;
    lease_ref *stops;  // cancelled or lost
    size_t stop_count;
    arena_pool *pool;  // of the memory of jobs; NULL: there are none
    int64_t acked_outcome_sequence;
    int64_t lease_us;   // 0: not said
    char *results_url;  // NULL: not said
} answer;

// Each is NULL when memory is short. The pool outlives the answer.
answer *answer_from_lease(const Errand__V1__LeaseResponse *reply, arena_pool *pool);
answer *answer_from_heartbeat(const Errand__V1__HeartbeatResponse *reply);
answer *answer_from_report(const Errand__V1__ReportResponse *reply);
// rpc_url is how the worker reaches the server.
answer *answer_from_info(const Errand__V1__ServerInfo *reply, const char *rpc_url);
void answer_free(answer *a);  // accepts NULL
DEFINE_AUTO(answer, answer_free)

#endif
