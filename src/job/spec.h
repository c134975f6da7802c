// spec - a Job as submitted: checked, normalised, encoded, and turned into a row.
#ifndef ERRAND_JOB_SPEC_H
#define ERRAND_JOB_SPEC_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "job/row.h"

#include "errand/v1/job.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_NAME_MAX       64  // characters of a queue or kind name
#define JOB_CALLBACK_QUEUE "callbacks"
#define JOB_DEFAULT_QUEUE  "default"
#define JOB_HASH_BYTES     32
#define JOB_MAX_AFTER      1000
#define JOB_MAX_BESIDE     65536  // bytes of a job beside its content that its input does not count

typedef struct job_limits {
    size_t max_input_bytes;  // of a job's body, standard input or args; see JOB_MAX_BESIDE
    size_t max_result_bytes;
} job_limits;

// job_spec_check judges a submitted Job. INVALID_ARGUMENT with one violation per wrong field (all
// of them, not only the first), RESOURCE_EXHAUSTED when it is too large. Field paths start at the
// job itself, such as `http.url`: callers prefix.
status *job_spec_check(const Errand__V1__Job *job, const job_limits *limits);

// job_spec_measure and job_spec_check_fields are the two halves of it; job_spec_encode_within does
// the first one too.
status *job_spec_measure(const Errand__V1__Job *job, const job_limits *limits);
status *job_spec_check_fields(const Errand__V1__Job *job, const job_limits *limits);

// job_name_check: `[a-zA-Z0-9_.-]{1,64}`.
status *job_name_check(const char *field, const char *name);
// job_id_check parses an id; INVALID_ARGUMENT naming the field otherwise.
status *job_id_check(const char *field, const char *text, uuid *ret);
// job_secret_is_good: a signing secret, `whsec_` and the base64 of 24 to 64 bytes.
bool job_secret_is_good(const char *secret);

// Queue and kind with defaults filled in; borrowed from the job or static.
const char *job_spec_queue(const Errand__V1__Job *job);
const char *job_spec_kind(const Errand__V1__Job *job);

// job_spec_row makes the row of a checked job, submitted now: policy, due time, priority. id, seq
// and route are left zero for the caller.
void job_spec_row(const Errand__V1__Job *job, int64_t now_us, job_row *ret);

// job_spec_encode encodes the submitted fields without `id`, maps sorted by key, so that equal
// content gives equal bytes, and hashes them (SHA-256, `traceparent` left out). ret_spec lives in
// the arena. The job is left as it was.
status *job_spec_encode(const Errand__V1__Job *job, arena *memory, slice *ret_spec,
                        uint8_t ret_hash[static JOB_HASH_BYTES]);

// job_spec_encode_within judges the size of a submitted job, as job_spec_measure does, and encodes
// it without its trace; limits may be NULL. job_spec_encode_trace encodes it again with that.
status *job_spec_encode_within(const Errand__V1__Job *job, const job_limits *limits, arena *memory,
                               slice *ret_spec, uint8_t ret_hash[static JOB_HASH_BYTES]);
status *job_spec_encode_trace(const Errand__V1__Job *job, arena *memory, slice *ret_spec);

// job_spec_decode unpacks bytes made by job_spec_encode into the arena. DATA_LOSS when damaged.
status *job_spec_decode(slice spec, arena *memory, Errand__V1__Job **ret);

#endif
