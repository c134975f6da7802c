// arena_pool - empty arenas that wait for the next jobs. They are filled on the library's threads
// and emptied on the loop's, so any thread may come for one.
#ifndef ERRAND_CLIENTS_C_WORKER_ARENA_POOL_H
#define ERRAND_CLIENTS_C_WORKER_ARENA_POOL_H

#include "base/arena.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct arena_pool {
    pthread_mutex_t lock;
    arena **idle;
    size_t count, cap;
} arena_pool;

// arena_pool_init: so many are kept. False when memory is short.
bool arena_pool_init(arena_pool *pool, size_t cap);
void arena_pool_fini(arena_pool *pool);  // accepts one that is all zero

arena *arena_pool_take(arena_pool *pool);  // NULL when memory is short
// arena_pool_put empties it; accepts NULL.
void arena_pool_put(arena_pool *pool, arena *a);

#endif
