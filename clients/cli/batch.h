// batch - lines of jobs gathered into one BatchSubmit.
#ifndef ERRAND_CLI_BATCH_H
#define ERRAND_CLI_BATCH_H

#include "cli.h"

#include <pthread.h>

// Bytes are those of jobs as they are sent; numbers are larger than in JSON.
#define BATCH_MAX_JOBS  1000
#define BATCH_MAX_BYTES ((size_t) 4 << 20)

typedef struct batch {
    arena *memory;  // of the jobs; emptied when the batch was sent
    Errand__V1__Job *jobs[BATCH_MAX_JOBS];
    uint64_t lines[BATCH_MAX_JOBS];  // where each job stands in the file
    size_t count;
    size_t bytes;
    bool json;
    // The answer, written by a thread of the library and read after `answered`.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool answered;
    size_t accepted;
    buf out;          // for stdout
    buf refusals;     // for stderr
    cli_exit status;  // CLI_REFUSED when some job was refused, another when the whole call failed
} batch;

batch *batch_new(bool json);
void batch_free(batch *b);

// batch_add_line decodes a line into one more job. The batch must have room.
status *batch_add_line(batch *b, const char *line, size_t size, uint64_t number);
bool batch_is_full(const batch *b);

// batch_send starts the call. request_id is NULL or the whole file's, number that of the batch.
void batch_send(batch *b, errand_client *client, const char *request_id, uint64_t number);

// batch_collect waits for the answer; out, refusals, accepted and status are set then.
void batch_collect(batch *b);
// batch_clear makes it ready for other lines.
void batch_clear(batch *b);

#endif
