// stacks - how much stack the threads of the HTTP library have.
#ifndef ERRAND_GATEWAY_STACKS_H
#define ERRAND_GATEWAY_STACKS_H

#include <stddef.h>

// What no thread of the process has less of: enough for messages nested as deeply as the RPC takes
// them. Only what is used of it takes memory.
#define STACKS_MIN_BYTES ((size_t) 512 * 1024)

#endif
