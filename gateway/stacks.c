// stacks - stands before pthread_attr_setstacksize, also for the calls of libraries.
//
// Debian's civetweb gives its threads stacks of 100 kB, fixed when it was built, whatever the
// process would have. Our calls run on these threads from the parser to the store, and a message
// that is nested as deeply as the RPC takes them needs as much for being unpacked alone: protobuf-c
// recurses with some 900 bytes for each level. civetweb reaches the function through its symbol
// table, so the definition here comes first, and no thread gets less than STACKS_MIN_BYTES.
#include "gateway/stacks.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#define EXPORTED __attribute__((visibility("default")))

typedef int set_size(pthread_attr_t *attributes, size_t size);

static set_size *real_set_size;

// Before main: later the pointer is only read. POSIX has dlsym's results be functions; only ISO C
// has no cast for it.
__attribute__((constructor)) static void find_real(void)
{
    union {
        void *object;
        set_size *function;
    } found = {.object = dlsym(RTLD_NEXT, "pthread_attr_setstacksize")};
    real_set_size = found.function;
}

EXPORTED int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
    if (real_set_size == NULL) {
        return EINVAL;
    }
    return real_set_size(attributes, size < STACKS_MIN_BYTES ? STACKS_MIN_BYTES : size);
}
