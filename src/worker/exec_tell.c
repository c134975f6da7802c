// exec_tell - what the launcher's side tells the worker of a command.
#include "worker/exec_tell.h"

#include <errno.h>
#include <sys/socket.h>

static void tell(int socket, const exec_event *event)
{
    while (send(socket, event, sizeof *event, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

void exec_tell_not_started(int socket, uint64_t id, exec_step step, int error)
{
    const exec_event event = {
        .id = id, .news = EXEC_NOT_STARTED, .step = (int32_t) step, .error = error};
    tell(socket, &event);
}

static int64_t us_of(struct timeval time)
{
    return (int64_t) time.tv_sec * 1000000 + time.tv_usec;
}

void exec_tell_ended(int socket, uint64_t id, int wait_status, bool signalled,
                     const struct rusage *usage)
{
    const exec_event event = {.id = id,
                              .news = EXEC_ENDED,
                              .wait_status = wait_status,
                              .signalled = signalled,
                              .user_us = us_of(usage->ru_utime),
                              .system_us = us_of(usage->ru_stime),
                              .max_rss_bytes = (int64_t) usage->ru_maxrss * 1024};
    tell(socket, &event);
}
