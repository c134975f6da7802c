// exec_stream - reads a pipe on a loop, as it fills.
#ifndef ERRAND_WORKER_EXEC_STREAM_H
#define ERRAND_WORKER_EXEC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

typedef struct exec_stream exec_stream;

// exec_stream_fn is given what was read.
typedef void exec_stream_fn(exec_stream *s, const char *bytes, size_t size);

#define EXEC_READ_BYTES 32768  // at once, at most

struct exec_stream {
    uv_poll_t poll;
    int fd;  // -1: closed
    exec_stream_fn *take;
    bool (*may_read)(exec_stream *s);  // false: not before exec_stream_resume; NULL: always
    void *data;                        // of the owner
};

// exec_stream_open makes a pipe and watches its reading end; the other one is the caller's, to be
// handed on. 0, or an errno without a handle left on the loop.
int exec_stream_open(exec_stream *s, uv_loop_t *loop, exec_stream_fn *take, void *data,
                     int *ret_writing_end);

// exec_stream_resume has it go on when may_read has held it up.
void exec_stream_resume(exec_stream *s);

// exec_stream_drain takes what is in the pipe now, and asks nobody.
void exec_stream_drain(exec_stream *s);

// exec_stream_close closes the descriptor and the handle.
void exec_stream_close(exec_stream *s, uv_close_cb closed);

#endif
