// error - turns a status of the library's inside into the errand_error of its public face.
#include "error.h"

#include <stdlib.h>

// What errand_error_free really frees: the public struct comes first, the texts belong to `owned`.
typedef struct held_error {
    errand_error error;
    status *owned;        // NULL for a view
    const char *texts[];  // fields, then descriptions
} held_error;

static errand_error out_of_memory = {
    .code = STATUS_RESOURCE_EXHAUSTED,
    .message = "out of memory",
    .retry_delay_ms = -1,
};

errand_error *error_no_memory(void)
{
    return &out_of_memory;
}

errand_error *error_view(const status *failure)
{
    if (failure == NULL) {
        return NULL;
    }
    size_t count = failure->violation_count;
    held_error *held = calloc(1, sizeof *held + 2 * count * sizeof held->texts[0]);
    if (held == NULL) {
        return error_no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        held->texts[i] = failure->violations[i].field;
        held->texts[count + i] = failure->violations[i].description;
    }
    held->error = (errand_error){
        .code = (int) failure->code,
        .message = failure->message,
        .retry_delay_ms = failure->retry_delay_ms,
        .violation_count = count,
        .fields = held->texts,
        .descriptions = held->texts + count,
    };
    return &held->error;
}

errand_error *error_from(status *failure)
{
    errand_error *error = error_view(failure);
    if (error == NULL || error == &out_of_memory) {
        status_free(failure);
        return error;
    }
    ((held_error *) error)->owned = failure;
    return error;
}

void errand_error_free(errand_error *error)
{
    if (error == NULL || error == &out_of_memory) {
        return;
    }
    held_error *held = (held_error *) error;
    status_free(held->owned);
    free(held);
}
