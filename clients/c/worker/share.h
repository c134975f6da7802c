// share - how the slots of a worker are shared out between its servers. Pure.
//
// A server is hungry when it is known to have more jobs than it was asked for. Free slots go to the
// hungry ones, so that those that have fewest get most. While none is hungry each may be asked for
// its part: a server answers when it has jobs, and is hungry then if it has more.
#ifndef ERRAND_CLIENTS_C_WORKER_SHARE_H
#define ERRAND_CLIENTS_C_WORKER_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct share_claim {
    int32_t running;  // slots that it has
    bool hungry;
    int64_t served;  // the lower, the longer ago it got its last one
} share_claim;

// share_of is how many jobs may be asked for from server `own`, with that many free slots.
int32_t share_of(const share_claim *claims, size_t count, size_t own, int32_t free_slots);

#endif
