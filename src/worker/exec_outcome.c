// exec_outcome - what the end of a command means for the attempt. Pure.
#include "worker/exec_outcome.h"

#include "worker/text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#define COMPLAINT_BYTES 512  // shown of standard error

// append_complaint puts the last bytes of standard error behind the message, whole lines if it can.
static void append_complaint(slice said, char message[static EXEC_MESSAGE_BYTES])
{
    while (said.size > 0 && strchr(" \r\n\t", said.bytes[said.size - 1]) != NULL) {
        said.size--;
    }
    if (said.size > COMPLAINT_BYTES) {
        said.bytes += said.size - COMPLAINT_BYTES;
        said.size = COMPLAINT_BYTES;
        const uint8_t *line = memchr(said.bytes, '\n', said.size);
        size_t skipped = line != NULL ? (size_t) (line + 1 - said.bytes) : 0;
        said.bytes += skipped;
        said.size -= skipped;
    }
    if (said.size > 0) {
        size_t used = strlen(message);
        (void) snprintf(message + used, EXEC_MESSAGE_BYTES - used, ": ");
        used = strlen(message);
        text_clean(message + used, EXEC_MESSAGE_BYTES - used, said.bytes, said.size);
    }
}

static exec_verdict judge_exit(const exec_ending *e, char message[static EXEC_MESSAGE_BYTES])
{
    int code = WEXITSTATUS(e->wait_status);
    if (code == 0) {
        return (exec_verdict){.code = STATUS_OK};
    }
    (void) snprintf(message, EXEC_MESSAGE_BYTES, "%s exited with code %d", e->name, code);
    append_complaint(e->complaint, message);
    if (code == EX_TEMPFAIL) {
        return (exec_verdict){STATUS_UNAVAILABLE, true, e->retry_after_us};
    }
    return (exec_verdict){STATUS_UNKNOWN, true, 0};
}

static exec_verdict judge_signal(const exec_ending *e, char message[static EXEC_MESSAGE_BYTES])
{
    int number = WTERMSIG(e->wait_status);
    const char *name = sigabbrev_np(number);
    (void) snprintf(message, EXEC_MESSAGE_BYTES, "%s was ended by signal %d (SIG%s)%s", e->name,
                    number, name != NULL ? name : "?",
                    number == SIGXCPU ? ", it used more CPU time than it may" : "");
    append_complaint(e->complaint, message);
    return (exec_verdict){number == SIGXCPU ? STATUS_RESOURCE_EXHAUSTED : STATUS_ABORTED, true, 0};
}

// Arguments that are too long stay too long; what is missing on this host may be there on another.
static exec_verdict judge_start(const exec_ending *e, char message[static EXEC_MESSAGE_BYTES])
{
#define X(name, text) [EXEC_STEP_##name] = (text),
    static const char *const steps[] = {EXEC_STEP_MAP(X)};
#undef X
    size_t step = (size_t) e->step < sizeof steps / sizeof steps[0] ? (size_t) e->step : 0;
    (void) snprintf(message, EXEC_MESSAGE_BYTES, "%s can not be started: %s: %s", e->name,
                    steps[step],
                    strerrordesc_np(e->error) != NULL ? strerrordesc_np(e->error) : "?");
    if (e->error == E2BIG) {
        return (exec_verdict){STATUS_INVALID_ARGUMENT, false, 0};
    }
    bool scarce = e->error == EAGAIN || e->error == ENOMEM || e->error == EMFILE;
    return (exec_verdict){scarce ? STATUS_RESOURCE_EXHAUSTED : STATUS_FAILED_PRECONDITION, true, 0};
}

static exec_verdict judge_timeout(const exec_ending *e, char message[static EXEC_MESSAGE_BYTES])
{
    (void) snprintf(message, EXEC_MESSAGE_BYTES, "%s took longer than its timeout, %.6g s", e->name,
                    (double) e->timeout_us / 1e6);
    append_complaint(e->complaint, message);
    return (exec_verdict){STATUS_DEADLINE_EXCEEDED, true, 0};
}

static exec_reason reason_of(const exec_ending *ending)
{
    bool in_time = ending->reason == EXEC_TIMED_OUT && !ending->signalled;
    return in_time ? EXEC_BY_ITSELF : ending->reason;
}

exec_verdict exec_judge(const exec_ending *ending, char message[static EXEC_MESSAGE_BYTES])
{
    message[0] = '\0';
    switch (reason_of(ending)) {
    case EXEC_TIMED_OUT:
        return judge_timeout(ending, message);
    case EXEC_NO_START:
        return judge_start(ending, message);
    case EXEC_NO_LAUNCHER:
        (void) snprintf(message, EXEC_MESSAGE_BYTES, "%s was lost with its launcher", ending->name);
        return (exec_verdict){STATUS_UNAVAILABLE, true, 0};
    case EXEC_NO_MEMORY:
        (void) snprintf(message, EXEC_MESSAGE_BYTES, "no memory for the output of %s",
                        ending->name);
        return (exec_verdict){STATUS_RESOURCE_EXHAUSTED, true, 0};
    case EXEC_BY_ITSELF:
        break;
    }
    return WIFSIGNALED(ending->wait_status) ? judge_signal(ending, message)
                                            : judge_exit(ending, message);
}
