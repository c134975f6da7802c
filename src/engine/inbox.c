// inbox - commands on their way to the engine: many posters, one taker.
#include "engine/inbox.h"

#include <errno.h>
#include <time.h>

status *inbox_init(inbox *in)
{
    pthread_condattr_t monotonic;
    int error = pthread_condattr_init(&monotonic);
    if (error != 0)
        return status_errno(error, "engine inbox");
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    error = pthread_cond_init(&in->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (error == 0)
        error = pthread_mutex_init(&in->lock, NULL);
    if (error != 0)
        return status_errno(error, "engine inbox");
    atomic_init(&in->newest, NULL);
    atomic_init(&in->length, 0);
    in->poked = false;
    return NULL;
}

void inbox_fini(inbox *in)
{
    pthread_cond_destroy(&in->arrived);
    pthread_mutex_destroy(&in->lock);
}

void inbox_poke(inbox *in)
{
    pthread_mutex_lock(&in->lock);
    in->poked = true;
    pthread_cond_signal(&in->arrived);
    pthread_mutex_unlock(&in->lock);
}

// Each is linked to the one that came before it.
static void put_linked(inbox *in, engine_command *newest, engine_command *oldest, size_t count)
{
    atomic_fetch_add_explicit(&in->length, count, memory_order_relaxed);
    engine_command *before = atomic_load_explicit(&in->newest, memory_order_relaxed);
    do
        oldest->next = before;
    while (!atomic_compare_exchange_weak(&in->newest, &before, newest));
    // Only the first into an empty box may find the taker asleep.
    if (before == NULL)
        inbox_poke(in);
}

void inbox_put(inbox *in, engine_command *command)
{
    put_linked(in, command, command, 1);
}

void inbox_wait(inbox *in, int64_t deadline_us)
{
    if (atomic_load(&in->newest) != NULL)
        return;
    struct timespec deadline = {.tv_sec = deadline_us / 1000000,
                                .tv_nsec = deadline_us % 1000000 * 1000};
    pthread_mutex_lock(&in->lock);
    int error = 0;
    while (!in->poked && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&in->arrived, &in->lock, &deadline);
    in->poked = false;
    pthread_mutex_unlock(&in->lock);
}

static engine_command *reversed(engine_command *commands, size_t *ret_count)
{
    engine_command *last = NULL;
    size_t count = 0;
    while (commands != NULL) {
        engine_command *next = commands->next;
        commands->next = last;
        last = commands;
        commands = next;
        count++;
    }
    *ret_count = count;
    return last;
}

void inbox_put_all(inbox *in, engine_command *commands)
{
    size_t count;
    engine_command *newest = reversed(commands, &count);
    if (newest != NULL)
        put_linked(in, newest, commands, count);
}

engine_command *inbox_take(inbox *in, int64_t deadline_us)
{
    if (deadline_us > 0)
        inbox_wait(in, deadline_us);
    size_t count;
    engine_command *oldest = reversed(atomic_exchange(&in->newest, NULL), &count);
    atomic_fetch_sub_explicit(&in->length, count, memory_order_relaxed);
    return oldest;
}
