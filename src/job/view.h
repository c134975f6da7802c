// view - a Job as the API shows it, from its row and stored bytes.
#ifndef ERRAND_JOB_VIEW_H
#define ERRAND_JOB_VIEW_H

#include "base/arena.h"
#include "job/row.h"

#include "errand/v1/job.pb-c.h"

#include <stdbool.h>

// job_view_fill sets the fields that the server sets, from the row, on a decoded spec (or on the
// request's own Job): id, queue, kind, state, attempt, times, worker, revision. Memory comes from
// the arena; the secret of the callback is dropped. With full false the bytes of the input are
// dropped. False when the arena is used up. result, error, attempts, progress and parent are the
// caller's.
bool job_view_fill(Errand__V1__Job *job, const job_row *row, bool full, arena *memory);

#endif
