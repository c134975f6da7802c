// local_internal - what the two files of local calls share.
#ifndef ERRAND_RPC_LOCAL_INTERNAL_H
#define ERRAND_RPC_LOCAL_INTERNAL_H

#include "rpc/local.h"

#include "rpc/call_internal.h"

#include <semaphore.h>

#define LOCAL_MAX_METHOD 128
#define LOCAL_ENTRIES    3

typedef enum local_state { LOCAL_AT_WORK, LOCAL_ANSWERING, LOCAL_ANSWERED, LOCAL_LEFT } local_state;

typedef struct local_call local_call;

struct local_call {
    rpc_call call;  // what methods see
    rpc_local *local;
    local_call *previous, *next;  // among those that wait; next: among the spare ones too
    _Atomic local_state state;
    _Atomic int holders;
    sem_t ended;
    rpc_local_reply_fn *on_reply;
    void *data;
    const ProtobufCMessage *reply;  // kept in the arena, for the thread that waits
    status *failure;
    arena *request_memory;
    size_t request_bytes;  // of it at the start
    arena *shared;         // it again, once the call was left
    bool late;             // left because of its deadline
    char method[LOCAL_MAX_METHOD];
    envelope_entry entries[LOCAL_ENTRIES];
};

struct rpc_local {
    rpc_server *server;
    char *authorization;
    uint32_t peer;
    _Atomic int holders;   // the owner, and calls that were left
    pthread_mutex_t lock;  // of what follows; taken before the park's
    bool stopped;          // no further calls
    bool closed;           // nor answers to those under way
    size_t under_way;      // calls that are not finished
    pthread_cond_t idle;   // none is, after the stop
    local_call *waiting;
    local_call *spare;
};

// local_call_new makes one with a semaphore and an arena; NULL when memory is short.
local_call *local_call_new(rpc_local *local);

// local_leave: false when the answer is there, or on its way.
bool local_leave(local_call *l);

// local_call_release lets go of a call that was left; it goes with its second holder.
void local_call_release(local_call *l);

#endif
