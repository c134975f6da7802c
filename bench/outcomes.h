// outcomes - the worker's end of the result pipeline, for no-op jobs that always succeed.
#ifndef ERRAND_BENCH_OUTCOMES_H
#define ERRAND_BENCH_OUTCOMES_H

#include "base/status.h"

#include "errand/v1/worker_service.pb-c.h"

#include <stddef.h>
#include <stdint.h>

typedef struct outcomes outcomes;

// outcomes_open connects; worker_id is borrowed.
status *outcomes_open(const char *results_url, const char *worker_id, outcomes **ret);
void outcomes_close(outcomes *o);  // accepts NULL

// outcomes_push sends one batch: every assignment succeeded with the value null.
status *outcomes_push(outcomes *o, Errand__V1__Assignment *const *assignments, size_t count);

// Number of the last batch.
int64_t outcomes_pushed(const outcomes *o);

#endif
