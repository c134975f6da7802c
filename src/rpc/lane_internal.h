// lane_internal - a lane, and what its files share.
#ifndef ERRAND_RPC_LANE_INTERNAL_H
#define ERRAND_RPC_LANE_INTERNAL_H

#include "rpc/client_internal.h"
#include "rpc/gate.h"

typedef enum lane_phase { LANE_SENDING, LANE_RECEIVING, LANE_PAUSING } lane_phase;

struct lane {
    rpc_client *client;
    lane *next;       // among all lanes
    lane *next_free;  // among those without a call
    nng_ctx context;
    nng_aio *aio;
    gate inside;    // threads in nng on behalf of this context
    arena *memory;  // for replies
    lane_phase phase;
    client_call *call;  // the first of those that share a message
    nng_msg *unsent;    // what has to be sent once more, as it is
    size_t shared;      // calls that may share; guarded by the client
    uint32_t random;    // state of the jitter
};

// lane_sends_several: calls that share a message are a list.
static inline bool lane_sends_several(const lane *l)
{
    return l->call->next != NULL;
}

// lane_try_again sends the call once more after a pause, or ends it with the failure, which it
// takes.
void lane_try_again(lane *l, status *failure);
// lane_carry sends the calls, and then those that client_next gives; NULL: there is none.
void lane_carry(lane *l, client_call *calls);
void lane_answered(lane *l, nng_msg *message);

#endif
