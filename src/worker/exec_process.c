// exec_process - a command under way: its output, its time, and its end.
#include "worker/exec_process.h"

#include "base/log.h"
#include "worker/exec_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#define KILL_AGAIN_MS 1000

// ---- output ----

// What has ended it first is why it has ended.
static void end_for(exec_process *p, exec_reason reason)
{
    p->reason = p->reason == EXEC_BY_ITSELF ? reason : p->reason;
    exec_process_end(p);
}

// Output that finds no room stays in the pipe, and the command waits when it is full.
static bool may_read(exec_stream *s)
{
    exec_process *p = (exec_process *) s->data;
    if (p->place.waiting) {
        return false;
    }
    size_t size = exec_output_most(&p->out_text, EXEC_READ_BYTES) +
                  exec_output_most(&p->err_text, EXEC_READ_BYTES);
    return p->attempt == NULL || room_take(&p->host->room, &p->place, size);
}

void exec_process_resume(room_place *place)
{
    exec_process *p = (exec_process *) (void *) ((char *) place - offsetof(exec_process, place));
    exec_stream_resume(&p->out);
    exec_stream_resume(&p->err);
}

static void take_output(exec_process *p, exec_output *output, const char *bytes, size_t size)
{
    if (p->attempt != NULL && !exec_output_take(output, bytes, size)) {
        end_for(p, EXEC_NO_MEMORY);
    }
}

static void take_stdout(exec_stream *s, const char *bytes, size_t size)
{
    exec_process *p = (exec_process *) s->data;
    take_output(p, &p->out_text, bytes, size);
}

static void take_stderr(exec_stream *s, const char *bytes, size_t size)
{
    exec_process *p = (exec_process *) s->data;
    take_output(p, &p->err_text, bytes, size);
}

static void take_progress(exec_stream *s, const char *bytes, size_t size)
{
    exec_process *p = (exec_process *) s->data;
    AUTO(arena) memory = arena_new(1 << 20);
    exec_progress_said said;
    if (p->attempt != NULL && memory != NULL &&
        exec_progress_take(&p->progress, bytes, size, memory, &said)) {
        attempt_progress(p->attempt, said.done, said.total, said.message);
    }
}

// ---- time ----

static void on_timer(uv_timer_t *timer);

static uint64_t ms_of(int64_t us)
{
    return (uint64_t) ((us + 999) / 1000);
}

static void kill_now(exec_process *p)
{
    p->phase = EXEC_KILLED;
    exec_launch_signal(p->host->launch, p->id, SIGKILL);
    (void) uv_timer_start(&p->timer, on_timer, KILL_AGAIN_MS, 0);
}

void exec_process_end(exec_process *p)
{
    if (p->phase != EXEC_RUNNING) {
        return;
    }
    p->phase = EXEC_ENDING;
    if (p->command->settings.grace_us == 0) {
        kill_now(p);
        return;
    }
    exec_launch_signal(p->host->launch, p->id, SIGTERM);
    (void) uv_timer_start(&p->timer, on_timer, ms_of(p->command->settings.grace_us), 0);
}

void exec_process_disown(exec_process *p)
{
    p->attempt = NULL;
    room_leave(&p->host->room, &p->place);
    exec_output_fini(&p->out_text);
    exec_output_fini(&p->err_text);
    exec_process_resume(&p->place);
    exec_process_end(p);
}

static void on_timer(uv_timer_t *timer)
{
    exec_process *p = (exec_process *) timer->data;
    if (p->phase != EXEC_RUNNING) {
        kill_now(p);
        return;
    }
    end_for(p, EXEC_TIMED_OUT);
}

// ---- the end ----

static void process_free(exec_process *p)
{
    exec_output_fini(&p->out_text);
    exec_output_fini(&p->err_text);
    free(p);
}

static void on_closed(uv_handle_t *handle)
{
    exec_stream *s = (exec_stream *) handle->data;
    exec_process *p = (exec_process *) s->data;
    if (--p->open_handles == 0) {
        process_free(p);
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    exec_process *p = (exec_process *) handle->data;
    if (--p->open_handles == 0) {
        process_free(p);
    }
}

// The memory goes when the loop has let go of the handles.
static void dispose(exec_process *p)
{
    exec_stream *const streams[] = {&p->out, &p->err, &p->report};
    room_leave(&p->host->room, &p->place);
    DL_DELETE(p->host->all, p);
    for (size_t i = 0; i < 3; i++) {
        if (streams[i]->fd >= 0) {
            exec_stream_close(streams[i], on_closed);
        }
    }
    uv_close((uv_handle_t *) &p->timer, on_timer_closed);
}

static void end(exec_process *p, const exec_event *event)
{
    exec_stream_drain(&p->out);
    exec_stream_drain(&p->err);
    exec_stream_drain(&p->report);
    p->host->ended(p, event);
    dispose(p);
}

void exec_process_heard(exec_host *host, const exec_event *event)
{
    exec_process *p;
    DL_FOREACH(host->all, p)
    {
        if (p->id == event->id) {
            break;
        }
    }
    if (p == NULL) {
        return;
    }
    if (event->news == EXEC_NOT_STARTED) {
        p->reason = EXEC_NO_START;
        p->step = (exec_step) event->step;
        p->error = event->error;
    }
    if (event->news == EXEC_ENDED || event->step == EXEC_STEP_FORK) {
        end(p, event);
    }
}

void exec_process_lost(exec_host *host)
{
    const exec_event nothing = {.news = EXEC_ENDED};
    while (host->all != NULL) {
        host->all->reason = EXEC_NO_LAUNCHER;
        end(host->all, &nothing);
    }
}

void exec_process_free_all(exec_host *host)
{
    while (host->all != NULL) {
        exec_process *p = host->all;
        DL_DELETE(host->all, p);
        (void) close(p->out.fd);
        (void) close(p->err.fd);
        (void) close(p->report.fd);
        process_free(p);
    }
}

// ---- the start ----

static int open_streams(exec_process *p, int *fds)
{
    const struct {
        exec_stream *stream;
        exec_stream_fn *take;
        int place;
    } wanted[] = {{&p->out, take_stdout, EXEC_STDOUT_FD},
                  {&p->err, take_stderr, EXEC_STDERR_FD},
                  {&p->report, take_progress, EXEC_REPORT_FD}};
    for (size_t i = 0; i < 3; i++) {
        int failed = exec_stream_open(wanted[i].stream, p->host->loop, wanted[i].take, p,
                                      &fds[wanted[i].place]);
        if (failed != 0) {
            return failed;
        }
        p->open_handles++;
    }
    p->out.may_read = p->err.may_read = may_read;
    return 0;
}

static status *open_input(const exec_host *host, const Errand__V1__Job *job, int *ret_fd)
{
    const ProtobufCBinaryData *input = &job->exec->stdin;
    if (input->len > 0) {
        return exec_plan_bytes(input->data, input->len, ret_fd);
    }
    int fd = fcntl(host->nothing_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return status_errno(errno, "descriptor");
    }
    *ret_fd = fd;
    return NULL;
}

static status *launch(exec_process *p, const exec_call *call)
{
    int fds[EXEC_FD_COUNT] = {-1, -1, -1, -1, -1};
    int failed = open_streams(p, fds);
    status *failure = failed != 0 ? status_errno(failed, "pipe") : NULL;
    failure = failure != NULL ? failure : exec_plan_write(p->command, call, &fds[EXEC_PLAN_FD]);
    failure = failure != NULL ? failure : open_input(p->host, p->attempt->job, &fds[EXEC_STDIN_FD]);
    failure = failure != NULL ? failure : exec_launch_start(p->host->launch, p->id, fds);
    for (size_t i = 0; i < EXEC_FD_COUNT; i++) {
        if (fds[i] >= 0) {
            (void) close(fds[i]);
        }
    }
    return failure;
}

static exec_process *process_new(exec_host *host, const exec_command *command, attempt *a)
{
    exec_process *p = calloc(1, sizeof *p);
    if (p == NULL || uv_timer_init(host->loop, &p->timer) != 0) {
        free(p);
        return NULL;
    }
    size_t most = (size_t) command->settings.max_stdout;
    p->host = host;
    p->command = command;
    p->attempt = a;
    p->owner = p->place.owner = a->owner;
    p->id = ++host->last_id;
    p->timer.data = p;
    p->open_handles = 1;
    p->out.fd = p->err.fd = p->report.fd = -1;
    exec_output_init(&p->out_text, most > 0 && most < host->max_stdout ? most : host->max_stdout,
                     false);
    exec_output_init(&p->err_text, (size_t) command->settings.max_stderr, true);
    DL_APPEND(host->all, p);
    return p;
}

status *exec_process_start(exec_host *host, const exec_command *command, const exec_call *call,
                           attempt *a, exec_process **ret)
{
    exec_process *p = process_new(host, command, a);
    status *failure =
        p == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory") : launch(p, call);
    if (failure != NULL) {
        if (p != NULL) {
            dispose(p);
        }
        return failure;
    }
    if (command->settings.timeout_us > 0) {
        (void) uv_timer_start(&p->timer, on_timer, ms_of(command->settings.timeout_us), 0);
    }
    *ret = p;
    return NULL;
}
