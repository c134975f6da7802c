// reserve - threads that only hold their places while others are made.
//
// civetweb makes as many threads as it may, and as the last one that which accepts connections; it
// does not look whether it got that one. Where the system limits threads (of a container, a
// service, a user), there have to be some left for it, and for what the process does later.
#ifndef ERRAND_GATEWAY_RESERVE_H
#define ERRAND_GATEWAY_RESERVE_H

#include <stddef.h>

#define RESERVE_THREADS 32

typedef struct reserve reserve;

// reserve_new holds RESERVE_THREADS places; NULL: there are not so many, or no memory.
reserve *reserve_new(void);

// reserve_free lets them go, and returns when they are free. Accepts NULL.
void reserve_free(reserve *r);

#endif
