// call_metrics - how many calls of each method ended how, and how long they took.
#ifndef ERRAND_RPC_CALL_METRICS_H
#define ERRAND_RPC_CALL_METRICS_H

#include "base/metrics.h"
#include "base/status.h"

#include <stdatomic.h>

#define CALL_CODES 17

// Of one method; the series of a code is made when the first call ends with it.
typedef struct call_metrics {
    const char *method;
    metrics_series *duration;
    _Atomic(metrics_series *) by_code[CALL_CODES];
} call_metrics;

// The name stays with the caller.
void call_metrics_init(call_metrics *m, const char *method);

// call_metrics_ended counts a call. NULL: of a method that there is not.
void call_metrics_ended(call_metrics *m, status_code code, int64_t duration_us);

#endif
