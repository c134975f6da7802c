// crew - a bounded number of threads that run tasks, in the order in which these came.
//
// While tasks are queued and one more thread could be had for them, because it is idle or because
// there may be more threads, just one thread is on its way to the queue: woken up or made anew,
// `coming` until it gets there. Whoever could break this rule sees to it before unlocking: the
// owner when it queues tasks, and the thread that arrives, when it has taken one and there are
// more. A thread becomes idle only when nothing is queued.
//
// So a task never waits for the end of another one while there could be a thread for it: tasks that
// take long get theirs one after another, as in a chain. And many tasks that take no time are run
// by the few threads that have come by then, instead of waking a thread for each.
#include "worker/crew.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

typedef struct crew_thread {
    crew *crew;
    pthread_t id;
    pthread_cond_t called;
    bool is_called;
    struct crew_thread *next;  // of the idle ones
} crew_thread;

struct crew {
    crew_run *run;
    crew_task *noted;  // the owner's
    int32_t max_threads;

    pthread_mutex_t lock;  // of what follows; held for moments, with no other lock inside
    crew_task *queue;
    crew_thread *idle;  // the one that was at work last comes first: its memory is still near
    bool coming;
    bool ending;
    int32_t thread_count;
    crew_thread threads[];
};

crew *crew_new(int32_t max_threads, crew_run *run)
{
    crew *c = calloc(1, sizeof *c + (size_t) max_threads * sizeof c->threads[0]);
    if (c == NULL) {
        return NULL;
    }
    c->run = run;
    c->max_threads = max_threads;
    (void) pthread_mutex_init(&c->lock, NULL);
    for (int32_t i = 0; i < max_threads; i++) {
        c->threads[i].crew = c;
        (void) pthread_cond_init(&c->threads[i].called, NULL);
    }
    return c;
}

void crew_free(crew *c)
{
    if (c == NULL) {
        return;
    }
    for (int32_t i = 0; i < c->max_threads; i++) {
        (void) pthread_cond_destroy(&c->threads[i].called);
    }
    (void) pthread_mutex_destroy(&c->lock);
    free(c);
}

// ---- the threads ----

static void *work(void *data);

// With the lock held. A thread that can not be made is tried again with the next task.
static bool make_thread(crew *c)
{
    if (c->thread_count == c->max_threads) {
        return false;
    }
    crew_thread *t = &c->threads[c->thread_count];
    t->is_called = pthread_create(&t->id, NULL, work, t) == 0;
    c->thread_count += t->is_called;
    return t->is_called;
}

// With the lock held. Returns the thread to be woken once it is not any more, if there is one: it
// would only bump into the lock.
static crew_thread *send_for_one(crew *c)
{
    if (c->queue == NULL || c->coming) {
        return NULL;
    }
    crew_thread *t = c->idle;
    if (t == NULL) {
        c->coming = make_thread(c);
        return NULL;
    }
    LL_DELETE(c->idle, t);
    t->is_called = c->coming = true;
    return t;
}

static void wake(crew_thread *t)
{
    if (t != NULL) {
        (void) pthread_cond_signal(&t->called);
    }
}

// With the lock held.
static void wait_to_be_called(crew *c, crew_thread *self)
{
    LL_PREPEND(c->idle, self);
    while (!self->is_called) {
        (void) pthread_cond_wait(&self->called, &c->lock);
    }
}

// With the lock held. Whoever was called, and be it into being, has come.
static void arrive(crew *c, crew_thread *self)
{
    if (self->is_called) {
        self->is_called = c->coming = false;
    }
}

// With the lock held. NULL: the crew ends.
static crew_task *take_task(crew *c, crew_thread *self)
{
    arrive(c, self);
    while (c->queue == NULL && !c->ending) {
        wait_to_be_called(c, self);
        arrive(c, self);
    }
    crew_task *task = c->queue;
    if (task != NULL) {
        DL_DELETE(c->queue, task);
        task->queued = false;
    }
    return task;
}

static crew_task *next_task(crew *c, crew_thread *self)
{
    pthread_mutex_lock(&c->lock);
    crew_task *task = take_task(c, self);
    crew_thread *next = send_for_one(c);
    pthread_mutex_unlock(&c->lock);
    wake(next);
    return task;
}

static void *work(void *data)
{
    crew_thread *self = (crew_thread *) data;
    crew *c = self->crew;
    crew_task *task;
    while ((task = next_task(c, self)) != NULL) {
        c->run(task);
    }
    return NULL;
}

// ---- the owner ----

static bool has_threads(crew *c)
{
    pthread_mutex_lock(&c->lock);
    if (c->thread_count == 0) {
        c->coming = make_thread(c);
    }
    bool any = c->thread_count > 0;
    pthread_mutex_unlock(&c->lock);
    return any;
}

bool crew_add(crew *c, crew_task *task)
{
    if (c->noted == NULL && !has_threads(c)) {
        return false;
    }
    task->noted = true;
    DL_APPEND(c->noted, task);
    return true;
}

static void mark_queued(crew_task *tasks)
{
    crew_task *task;
    DL_FOREACH(tasks, task)
    {
        task->noted = false;
        task->queued = true;
    }
}

void crew_call(crew *c)
{
    crew_task *tasks = c->noted;
    if (tasks == NULL) {
        return;
    }
    c->noted = NULL;
    mark_queued(tasks);
    pthread_mutex_lock(&c->lock);
    DL_CONCAT(c->queue, tasks);
    crew_thread *next = send_for_one(c);
    pthread_mutex_unlock(&c->lock);
    wake(next);
}

bool crew_take_back(crew *c, crew_task *task)
{
    if (task->noted) {
        task->noted = false;
        DL_DELETE(c->noted, task);
        return true;
    }
    pthread_mutex_lock(&c->lock);
    bool queued = task->queued;
    if (queued) {
        task->queued = false;
        DL_DELETE(c->queue, task);
    }
    pthread_mutex_unlock(&c->lock);
    return queued;
}

static void dismiss(crew *c)
{
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    while (c->idle != NULL) {
        crew_thread *t = c->idle;
        LL_DELETE(c->idle, t);
        t->is_called = true;
        (void) pthread_cond_signal(&t->called);
    }
    pthread_mutex_unlock(&c->lock);
}

void crew_stop(crew *c)
{
    dismiss(c);
    for (int32_t i = 0; i < c->thread_count; i++) {
        (void) pthread_join(c->threads[i].id, NULL);
    }
}
