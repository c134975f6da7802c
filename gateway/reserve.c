// reserve - threads that only hold their places while others are made.
#include "gateway/reserve.h"

#include <pthread.h>
#include <stdlib.h>

struct reserve {
    pthread_mutex_t over;  // locked as long as they stay
    size_t count;
    pthread_t threads[RESERVE_THREADS];
};

static void *stay(void *data)
{
    reserve *r = data;
    (void) pthread_mutex_lock(&r->over);
    (void) pthread_mutex_unlock(&r->over);
    return NULL;
}

reserve *reserve_new(void)
{
    reserve *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    (void) pthread_mutex_init(&r->over, NULL);
    (void) pthread_mutex_lock(&r->over);
    while (r->count < RESERVE_THREADS &&
           pthread_create(&r->threads[r->count], NULL, stay, r) == 0) {
        r->count++;
    }
    if (r->count == RESERVE_THREADS) {
        return r;
    }
    reserve_free(r);
    return NULL;
}

void reserve_free(reserve *r)
{
    if (r == NULL) {
        return;
    }
    (void) pthread_mutex_unlock(&r->over);
    for (size_t i = 0; i < r->count; i++) {
        (void) pthread_join(r->threads[i], NULL);
    }
    (void) pthread_mutex_destroy(&r->over);
    free(r);
}
