// store_metrics - what every backend tells of its commits.
#ifndef ERRAND_STORE_STORE_METRICS_H
#define ERRAND_STORE_STORE_METRICS_H

#include <stddef.h>
#include <stdint.h>

// store_metrics_commit counts a transaction that was committed: how long the commit itself took,
// and the rows of jobs that it wrote.
void store_metrics_commit(int64_t duration_us, size_t jobs);

#endif
