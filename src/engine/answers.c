// answers - the engine's second thread.
#include "engine/answers.h"

void answers_run(engine_command *first)
{
    while (first != NULL) {
        engine_command *command = first;
        first = first->next;
        command->done(command);
    }
}

static engine_command *take(answers *a)
{
    while (a->first == NULL && !a->stopping) {
        atomic_store(&a->idle, true);
        pthread_cond_wait(&a->changed, &a->lock);
    }
    engine_command *first = a->first;
    a->first = a->last = NULL;
    return first;
}

static void *run(void *data)
{
    answers *a = data;
    engine_command *first;
    pthread_mutex_lock(&a->lock);
    while ((first = take(a)) != NULL) {
        pthread_mutex_unlock(&a->lock);
        answers_run(first);
        pthread_mutex_lock(&a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

status *answers_start(answers *a)
{
    *a = (answers){.started = false};
    atomic_init(&a->idle, true);
    int error = pthread_mutex_init(&a->lock, NULL);
    if (error == 0)
        error = pthread_cond_init(&a->changed, NULL);
    if (error == 0)
        error = pthread_create(&a->thread, NULL, run, a);
    if (error != 0)
        return status_errno(error, "engine answers");
    a->started = true;
    return NULL;
}

void answers_stop(answers *a)
{
    if (!a->started)
        return;
    pthread_mutex_lock(&a->lock);
    a->stopping = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
    a->started = false;
}

void answers_put(answers *a, engine_command *first, engine_command *last)
{
    pthread_mutex_lock(&a->lock);
    bool asleep = atomic_exchange(&a->idle, false);
    if (a->last != NULL)
        a->last->next = first;
    else
        a->first = first;
    a->last = last;
    pthread_mutex_unlock(&a->lock);
    if (asleep)
        pthread_cond_signal(&a->changed);
}

bool answers_idle(const answers *a)
{
    return atomic_load(&a->idle);
}
