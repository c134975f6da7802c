// result - what an attempt produced, held against what can be told of it.
#ifndef ERRAND_JOB_RESULT_H
#define ERRAND_JOB_RESULT_H

#include "base/status.h"

#include "errand/v1/job.pb-c.h"

// job_result_check: INVALID_ARGUMENT, naming the field within the result, when JSON has no form for
// it: a number that is not finite, a duration out of range. Stored, it could never be shown.
status *job_result_check(const Errand__V1__Result *result);

#endif
