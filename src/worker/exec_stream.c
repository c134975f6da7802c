// exec_stream - reads a pipe on a loop, as it fills.
#include "worker/exec_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TURN_READS  16  // before others get their turn
#define DRAIN_READS 64  // twice what a pipe of the usual largest size holds

static bool always(exec_stream *s)
{
    (void) s;
    return true;
}

// False at the end of the pipe, or when it may not go on.
static bool read_some(exec_stream *s, int reads, bool (*may_read)(exec_stream *s))
{
    char bytes[EXEC_READ_BYTES];
    for (int i = 0; i < reads && s->fd >= 0; i++) {
        if (!may_read(s)) {
            return false;
        }
        ssize_t size = read(s->fd, bytes, sizeof bytes);
        if (size > 0) {
            s->take(s, bytes, (size_t) size);
        } else if (size == 0 || errno != EINTR) {
            return size < 0 && errno == EAGAIN;
        }
    }
    return true;
}

static void on_readable(uv_poll_t *poll, int failed, int events)
{
    exec_stream *s = (exec_stream *) poll->data;
    (void) failed;
    (void) events;
    if (!read_some(s, TURN_READS, s->may_read != NULL ? s->may_read : always) && s->fd >= 0) {
        (void) uv_poll_stop(poll);
    }
}

int exec_stream_open(exec_stream *s, uv_loop_t *loop, exec_stream_fn *take, void *data,
                     int *ret_writing_end)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    int failed = -uv_poll_init(loop, &s->poll, ends[0]);  // which makes it non-blocking
    if (failed != 0) {
        (void) close(ends[0]);
        (void) close(ends[1]);
        return failed;
    }
    s->fd = ends[0];
    s->take = take;
    s->data = data;
    s->poll.data = s;
    (void) uv_poll_start(&s->poll, UV_READABLE, on_readable);
    *ret_writing_end = ends[1];
    return 0;
}

void exec_stream_resume(exec_stream *s)
{
    if (s->fd >= 0) {
        (void) uv_poll_start(&s->poll, UV_READABLE, on_readable);
    }
}

void exec_stream_drain(exec_stream *s)
{
    (void) read_some(s, DRAIN_READS, always);
}

void exec_stream_close(exec_stream *s, uv_close_cb closed)
{
    (void) uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *) &s->poll, closed);
    (void) close(s->fd);
    s->fd = -1;
}
