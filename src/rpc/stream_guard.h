// stream_guard - repairs how nng 1.5 closes connections; private to rpc, at work for the whole
// program.
#ifndef ERRAND_RPC_STREAM_GUARD_H
#define ERRAND_RPC_STREAM_GUARD_H

#include <stdbool.h>

// stream_guard_ready is false if nng's own functions can not be found behind ours. Calling it also
// makes the linker take this file into the program.
bool stream_guard_ready(void);

#endif
