// exec_outcome - what the end of a command means for the attempt. Pure.
#ifndef ERRAND_WORKER_EXEC_OUTCOME_H
#define ERRAND_WORKER_EXEC_OUTCOME_H

#include "base/buf.h"
#include "base/status.h"
#include "worker/exec_wire.h"

#include <stdbool.h>
#include <stdint.h>

#define EXEC_MESSAGE_BYTES 1024

// Why it ended.
typedef enum exec_reason {
    EXEC_BY_ITSELF,
    EXEC_TIMED_OUT,    // by the command's own limit
    EXEC_NO_START,     // `step` and `error` say why
    EXEC_NO_LAUNCHER,  // which took the command with it
    EXEC_NO_MEMORY,    // of the worker's, for the output
} exec_reason;

typedef struct exec_ending {
    exec_reason reason;
    int wait_status;
    bool signalled;  // false: it ended before it could be ended
    exec_step step;
    int error;
    int64_t timeout_us, retry_after_us;  // of the command's configuration
    const char *name;                    // of the command
    slice complaint;                     // the end of its standard error
} exec_ending;

typedef struct exec_verdict {
    status_code code;  // STATUS_OK: success
    bool retryable;
    int64_t retry_after_us;
} exec_verdict;

// exec_judge judges an end; the message says how it failed. A command that was over when its time
// was, and was not looked at yet, has ended by itself.
exec_verdict exec_judge(const exec_ending *ending, char message[static EXEC_MESSAGE_BYTES]);

#endif
