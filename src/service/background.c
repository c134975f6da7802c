// background - one thread for what takes long: bulk changes, backups. One after the other.
#include "service/internal.h"

#include <stdlib.h>

#define MAX_TASKS 64

typedef struct task {
    background_fn *run;
    void *data;
} task;

struct background {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping;
    task tasks[MAX_TASKS];  // a ring
    size_t first, count;
};

static bool next_task(background *b, task *ret)
{
    (void) pthread_mutex_lock(&b->lock);
    while (b->count == 0 && !b->stopping) {
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

bool background_stopping(background *b)
{
    (void) pthread_mutex_lock(&b->lock);
    bool stopping = b->stopping;
    (void) pthread_mutex_unlock(&b->lock);
    return stopping;
}

bool background_add(background *b, background_fn *fn, void *data)
{
    (void) pthread_mutex_lock(&b->lock);
    bool room = b->count < MAX_TASKS && !b->stopping;
    if (room) {
        b->tasks[(b->first + b->count++) % MAX_TASKS] = (task){.run = fn, .data = data};
        (void) pthread_cond_signal(&b->changed);
    }
    (void) pthread_mutex_unlock(&b->lock);
    return room;
}

status *background_start(background **ret)
{
    background *b = calloc(1, sizeof *b);
    if (b == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void) pthread_mutex_init(&b->lock, NULL);
    (void) pthread_cond_init(&b->changed, NULL);
    int error = pthread_create(&b->thread, NULL, run, b);
    b->started = error == 0;
    if (error != 0) {
        background_free(b);
        return status_errno(error, "background thread");
    }
    *ret = b;
    return NULL;
}

void background_stop(background *b)
{
    if (b == NULL || !b->started) {
        return;
    }
    (void) pthread_mutex_lock(&b->lock);
    b->stopping = true;
    (void) pthread_cond_signal(&b->changed);
    (void) pthread_mutex_unlock(&b->lock);
    (void) pthread_join(b->thread, NULL);
    b->started = false;
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
