// callback - the job that tells somebody how another job ended.
#ifndef ERRAND_JOB_CALLBACK_H
#define ERRAND_JOB_CALLBACK_H

#include "base/arena.h"
#include "base/status.h"
#include "job/row.h"

#include "errand/v1/job.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

// job_callback_wanted: whether the spec asks for a callback in that final state.
bool job_callback_wanted(const Errand__V1__Job *spec, job_state state);

// job_callback_make builds the spec (in the arena, borrowing strings from parent_spec) and the row
// of the callback job: queue `callbacks`, kind http, POST to the callback's URL with its headers,
// `parent` set, the default retry policy, never a callback of its own. The body is made when the
// callback is leased. The caller fills in seq, id and route.
status *job_callback_make(const job_row *parent, const Errand__V1__Job *parent_spec, arena *memory,
                          int64_t now_us, Errand__V1__Job **ret_spec, job_row *ret_row);

#endif
