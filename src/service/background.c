// background - threads for what takes long: bulk changes, backups. Several side by side, the rest
// waits in line.
#include "service/internal.h"

#include <stdlib.h>

#define MAX_TASKS   64
#define MAX_THREADS 8

typedef struct task {
    background_fn *run;
    void *data;
} task;

struct background {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[MAX_THREADS];
    int started;
    atomic_bool stopping;   // written under the lock
    task tasks[MAX_TASKS];  // a ring
    size_t first, count;
};

static bool next_task(background *b, task *ret)
{
    (void) pthread_mutex_lock(&b->lock);
    while (b->count == 0 && !atomic_load(&b->stopping)) {
        (void) pthread_cond_wait(&b->changed, &b->lock);
    }
    bool found = b->count > 0;
    if (found) {
        *ret = b->tasks[b->first];
        b->first = (b->first + 1) % MAX_TASKS;
        b->count--;
    }
    (void) pthread_mutex_unlock(&b->lock);
    return found;
}

// What is left at the end is run too: it finds out by itself that it is late.
static void *run(void *argument)
{
    background *b = argument;
    task t;
    while (next_task(b, &t)) {
        t.run(t.data);
    }
    return NULL;
}

const atomic_bool *background_stopping(const background *b)
{
    return &b->stopping;
}

status *background_add(background *b, background_fn *fn, void *data)
{
    (void) pthread_mutex_lock(&b->lock);
    bool stopping = atomic_load(&b->stopping), room = b->count < MAX_TASKS;
    if (room && !stopping) {
        b->tasks[(b->first + b->count++) % MAX_TASKS] = (task){.run = fn, .data = data};
        (void) pthread_cond_signal(&b->changed);
    }
    (void) pthread_mutex_unlock(&b->lock);
    if (stopping) {
        return status_new(STATUS_UNAVAILABLE, "the server is stopping");
    }
    return room ? NULL : status_new(STATUS_RESOURCE_EXHAUSTED, "too many such calls wait already");
}

status *background_start(int threads, background **ret)
{
    background *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void) pthread_mutex_init(&b->lock, NULL);
    (void) pthread_cond_init(&b->changed, NULL);
    atomic_init(&b->stopping, false);
    while (b->started < threads && b->started < MAX_THREADS) {
        int error = pthread_create(&b->threads[b->started], NULL, run, b);
        if (error != 0) {
            background_free(b);
            return status_errno(error, "background thread");
        }
        b->started++;
    }
    *ret = b;
    return NULL;
}

void background_stop(background *b)
{
    if (b == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&b->lock);
    atomic_store(&b->stopping, true);
    (void) pthread_cond_broadcast(&b->changed);
    (void) pthread_mutex_unlock(&b->lock);
    while (b->started > 0) {
        (void) pthread_join(b->threads[--b->started], NULL);
    }
}

void background_free(background *b)
{
    if (b == NULL) {
        return;
    }
    background_stop(b);
    (void) pthread_mutex_destroy(&b->lock);
    (void) pthread_cond_destroy(&b->changed);
    free(b);
}
