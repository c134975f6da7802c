// hand - a worker whose steps are taken apart: it leases many jobs, a few in a call, and then
// reports that all of them have succeeded.
#ifndef ERRAND_BENCH_HAND_H
#define ERRAND_BENCH_HAND_H

#include "base/cleanup.h"
#include "base/status.h"
#include "rpc/client.h"

#include <stddef.h>

typedef struct hand hand;

// hand_new makes a worker of no-op jobs. queues is how many it names, those with the first
// mixed_queue_name; 0: it serves all. client is borrowed. NULL when memory is short.
hand *hand_new(rpc_client *client, size_t queues);
void hand_free(hand *h);  // accepts NULL
DEFINE_AUTO(hand, hand_free)

// hand_lease leases that many jobs; it fails when there are not enough. A lease lasts 30 s.
status *hand_lease(hand *h, size_t jobs, size_t at_once);
// hand_finish reports all that was leased, the jobs of one Lease in each call.
status *hand_finish(hand *h);

#endif
