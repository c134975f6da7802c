// park - calls that wait, kept by connection; private to rpc.
//
// When a requester goes nothing fires on a REP context, and the late reply "succeeds". Only the
// pipe's own notification tells, so connections are known here from before their first request
// until they are gone.
#ifndef ERRAND_RPC_PARK_H
#define ERRAND_RPC_PARK_H

#include "rpc/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

typedef struct rpc_park rpc_park;

// A place in the park; part of each call, touched only through these functions.
typedef struct rpc_parked {
    struct rpc_parked *previous;
    struct rpc_parked *next;
    struct park_pipe *pipe;  // NULL once the connection has gone
    rpc_gone_fn *gone;       // NULL once it has run
    void *data;
    uint64_t ticket;
    const char *request_id;  // NULL: none
    const void *method;      // what is called and
    const char *caller;      // by whom: alike in a repeated call
    bool parked;
    bool named;  // in the table of its connection, by request_id
    bool lost;   // there was no memory to put it there
    UT_hash_handle hh;
} rpc_parked;

rpc_park *rpc_park_new(size_t cap, size_t cap_per_pipe);
void rpc_park_free(rpc_park *park);

void rpc_park_pipe_came(rpc_park *park, uint32_t pipe);
void rpc_park_pipe_went(rpc_park *park, uint32_t pipe);  // runs gone of what is parked there

// rpc_park_add is false when a cap is reached, the connection has gone or the park is closed.
// gone, data, ticket, request_id, method and caller of place are set by the caller. A call that is
// repeated by this one is told that it is replaced.
bool rpc_park_add(rpc_park *park, uint32_t pipe, rpc_parked *place);
void rpc_park_remove(rpc_park *park, rpc_parked *place);

// rpc_park_leave runs gone of one place, whose caller does not wait any more.
void rpc_park_leave(rpc_park *park, rpc_parked *place);

// rpc_park_end does that for the call of a connection with this request-id, if it is parked.
void rpc_park_end(rpc_park *park, uint32_t pipe, const char *request_id);

// rpc_park_close runs gone of everything parked and lets nothing more in.
void rpc_park_close(rpc_park *park);

size_t rpc_park_count(const rpc_park *park);

#endif
