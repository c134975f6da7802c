// arena_pool - the arena that was emptied last goes first: the processor has its memory still.
#include "worker/arena_pool.h"

#include <stdlib.h>

bool arena_pool_init(arena_pool *pool, size_t cap)
{
    *pool = (arena_pool){.idle = calloc(cap, sizeof *pool->idle), .cap = cap};
    (void) pthread_mutex_init(&pool->lock, NULL);
    return pool->idle != NULL;
}

void arena_pool_fini(arena_pool *pool)
{
    for (size_t i = 0; i < pool->count; i++) {
        arena_free(pool->idle[i]);
    }
    free(pool->idle);
    (void) pthread_mutex_destroy(&pool->lock);
    *pool = (arena_pool){.cap = 0};
}

arena *arena_pool_take(arena_pool *pool)
{
    (void) pthread_mutex_lock(&pool->lock);
    arena *a = pool->count > 0 ? pool->idle[--pool->count] : NULL;
    (void) pthread_mutex_unlock(&pool->lock);
    return a != NULL ? a : arena_new(0);
}

void arena_pool_put(arena_pool *pool, arena *a)
{
    if (a == NULL) {
        return;
    }
    arena_reset(a);
    (void) pthread_mutex_lock(&pool->lock);
    bool kept = pool->count < pool->cap;
    if (kept) {
        pool->idle[pool->count++] = a;
    }
    (void) pthread_mutex_unlock(&pool->lock);
    if (!kept) {
        arena_free(a);
    }
}
