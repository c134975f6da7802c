// stream_guard - stands before nng_stream_recv and nng_stream_send, also for nng's own calls.
//
// nng's transports read a message in two steps, its length and its bytes, and write a long one in
// several. When a connection is closed between two steps, the next one is refused: its aio has been
// stopped, so nothing is started and no callback ever runs. But the transport waits for that
// callback (nng #1636, mended after 1.5.2). The thread that takes connections apart then hangs for
// good: no connection of the process is cleaned up or dialed again, nng_close never returns, and
// nobody is told that a requester has gone. Under load that happens within a few lost connections.
//
// libnng reaches both functions through its symbol table, so the definitions here come first. They
// do what nng does, and let a refused step fail. A refusal can be told by its result: a step that
// was started can not have ended with NNG_ECANCELED yet, since the caller holds the lock of the
// connection that a cancellation needs.
#include "rpc/stream_guard.h"

#include <dlfcn.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>

#define EXPORTED __attribute__((visibility("default")))

typedef void stream_step(nng_stream *stream, nng_aio *aio);

static stream_step *nng_recv_step;
static stream_step *nng_send_step;

// POSIX has dlsym's results be functions; only ISO C has no cast for it.
static stream_step *find(const char *name)
{
    union {
        void *object;
        stream_step *step;
    } found = {.object = dlsym(RTLD_NEXT, name)};
    return found.step;
}

// Before main: later the pointers are only read.
__attribute__((constructor)) static void find_steps(void)
{
    nng_recv_step = find("nng_stream_recv");
    nng_send_step = find("nng_stream_send");
}

bool stream_guard_ready(void)
{
    return nng_recv_step != NULL && nng_send_step != NULL;
}

static void take_step(stream_step *step, nng_stream *stream, nng_aio *aio)
{
    step(stream, aio);
    if (nng_aio_result(aio) == NNG_ECANCELED) {
        nng_aio_finish(aio, NNG_ECLOSED);
    }
}

EXPORTED void nng_stream_recv(nng_stream *stream, nng_aio *aio)
{
    take_step(nng_recv_step, stream, aio);
}

EXPORTED void nng_stream_send(nng_stream *stream, nng_aio *aio)
{
    take_step(nng_send_step, stream, aio);
}
