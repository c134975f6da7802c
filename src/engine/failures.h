// failures - what the files of the engine say when something is missing.
#ifndef ERRAND_ENGINE_FAILURES_H
#define ERRAND_ENGINE_FAILURES_H

#include "base/status.h"
#include "base/uuid.h"

#include <stdbool.h>
#include <stddef.h>

static inline status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static inline status *no_job(const uuid *id)
{
    char text[UUID_TEXT_SIZE];
    return status_new(STATUS_NOT_FOUND, "no job %s", uuid_format(id, text));
}

// is_damage: one job's bytes can not be read, whereas the store as such works.
static inline bool is_damage(const status *failure)
{
    return failure != NULL &&
           (failure->code == STATUS_DATA_LOSS || failure->code == STATUS_NOT_FOUND);
}

#endif
