// answers - a number and a failure under a lock.
#include "bench/answers.h"

#include <stdbool.h>

void answers_init(answers *a)
{
    *a = (answers){.count = 0};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
}

void answers_fini(answers *a)
{
    status_free(a->failure);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
}

void answers_add(answers *a, status *failure)
{
    pthread_mutex_lock(&a->lock);
    a->count++;
    if (!a->failure)
        a->failure = failure;
    else
        status_free(failure);
    if (a->count == a->wanted || a->failure)
        pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static status *wait_for(answers *a, size_t count, bool good)
{
    pthread_mutex_lock(&a->lock);
    a->wanted = count;
    while (a->count < count && !(good && a->failure))
        pthread_cond_wait(&a->changed, &a->lock);
    status *failure = TAKE(a->failure);
    pthread_mutex_unlock(&a->lock);
    return failure;
}

status *answers_wait(answers *a, size_t count)
{
    return wait_for(a, count, false);
}

status *answers_wait_good(answers *a, size_t count)
{
    return wait_for(a, count, true);
}
