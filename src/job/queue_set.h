// queue_set - some of the queues, by name.
#ifndef ERRAND_JOB_QUEUE_SET_H
#define ERRAND_JOB_QUEUE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct queue_set {
    const char *const *names;
    size_t count;
} queue_set;

// queue_set_has: NULL is the set of all queues.
static inline bool queue_set_has(const queue_set *set, const char *name)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (strcmp(set->names[i], name) == 0) {
            return true;
        }
    }
    return set == NULL;
}

#endif
