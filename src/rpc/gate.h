// gate - keeps threads out of a socket's contexts before the socket is closed; private to rpc and
// bench.
//
// In nng 1.5 the last user of a context that is being closed takes it apart after the closing
// thread was told that it is gone: nng_close may then free the socket under it. So a thread passes
// the gate on its way into nng_ctx_send or nng_ctx_recv, and nng_close is called only after the
// gate was shut and all have come out.
#ifndef ERRAND_RPC_GATE_H
#define ERRAND_RPC_GATE_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

// One for each context, so that threads of different contexts do not share a cache line.
typedef _Atomic int gate;

static inline bool gate_enter(gate *inside, const _Atomic bool *shut)
{
    atomic_fetch_add(inside, 1);
    if (!atomic_load(shut)) {
        return true;
    }
    atomic_fetch_sub(inside, 1);
    return false;
}

// gate_leave is the last thing that a thread does to the context.
static inline void gate_leave(gate *inside)
{
    atomic_fetch_sub(inside, 1);
}

// gate_wait, after shut was set, waits for threads that are inside: for moments, as neither call
// blocks. They can not signal, since what they would signal on may be freed by then.
static inline void gate_wait(const gate *inside)
{
    while (atomic_load(inside) > 0) {
        sched_yield();
    }
}

#endif
