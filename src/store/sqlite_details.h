// sqlite_details - what no index asks for of a job, packed into one value of its row.
//
// A column costs SQLite about as much where it is NULL as where it is not, each time a row is
// written or read; with one for each field a job's life took a quarter more of the writer's time.
//
// Format: the byte 1; four bytes, lowest first, with bit n set where field n of the list is not
// what it is by default; then those fields, in order. Numbers are varints in zigzag order, as in
// protobuf (https://protobuf.dev/programming-guides/encoding/), times count from create_us, the
// real number is a double, lowest byte first.
#ifndef ERRAND_STORE_SQLITE_DETAILS_H
#define ERRAND_STORE_SQLITE_DETAILS_H

#include "job/row.h"

#include <stddef.h>

// X(name, type, member of job_row, default). Types, defaults and order are part of the format on
// disk: they never change, new ones come at the end. Schemas 1 to 4 had columns of these names.
// clang-format off
#define JOB_DETAILS(X)                                          \
    X(create_us,          INT64,   create_us,                 0) \
    X(revision,           INT64,   revision,                  0) \
    X(due_us,             TIME,    due_us,                    0) \
    X(attempt,            INT32,   attempt,                   0) \
    X(start_us,           TIME,    start_us,                  0) \
    X(finish_us,          TIME,    finish_us,                 0) \
    X(worker,             UUID,    worker,                    0) \
    X(lease_sequence,     INT64,   lease_sequence,            0) \
    X(failures,           INT32,   failures,                  0) \
    X(losses,             INT32,   losses,                    0) \
    X(callbacks_open,     INT32,   callbacks_open,            0) \
    X(retry_request,      INT64,   retry_request,             0) \
    X(aging_us,           INT64,   aging_us,                  0) \
    X(blockers,           INT32,   blockers,                  0) \
    X(has_dependants,     BOOL,    has_dependants,            0) \
    X(priority,           INT32,   priority,                  0) \
    X(parent_seq,         INT64,   parent_seq,                0) \
    X(has_callback,       BOOL,    has_callback,              0) \
    X(attempt_timeout_us, INT64,   policy.attempt_timeout_us, 60000000) \
    X(retention_us,       INT64,   policy.retention_us,       86400000000) \
    X(min_backoff_us,     INT64,   policy.min_backoff_us,     1000000) \
    X(max_backoff_us,     INT64,   policy.max_backoff_us,     600000000) \
    X(max_attempts,       INT32,   policy.max_attempts,       10) \
    X(multiplier,         REAL,    policy.multiplier,         2)
// clang-format on

#define SQLITE_DETAILS_SIZE 272  // at most

// sqlite_details_write says how many bytes it has written, of SQLITE_DETAILS_SIZE at most.
size_t sqlite_details_write(const job_row *row, uint8_t ret[static SQLITE_DETAILS_SIZE]);

// sqlite_details_read sets the fields of the list; false when the bytes are damaged.
bool sqlite_details_read(const uint8_t *bytes, size_t size, job_row *ret);

#endif
