// exec_handler - runs jobs of kind `exec`: commands that the configuration names.
#include "worker/exec_handler.h"

#include "worker/exec_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define BESIDE_BYTES 65536  // of a message: what stands beside standard output in an outcome

typedef struct exec_pool {
    exec_host host;
    const exec_commands *commands;
} exec_pool;

// ---- outcomes ----

static void fill_time(int64_t us, Google__Protobuf__Duration *ret)
{
    google__protobuf__duration__init(ret);
    ret->seconds = us / 1000000;
    ret->nanos = (int32_t) (us % 1000000) * 1000;
}

static ProtobufCBinaryData bytes_of(exec_output *output)
{
    slice text = exec_output_text(output);
    return (ProtobufCBinaryData){.len = text.size, .data = (uint8_t *) (uintptr_t) text.bytes};
}

static void succeed(exec_process *p, const exec_event *event)
{
    Google__Protobuf__Duration user, system;
    fill_time(event->user_us, &user);
    fill_time(event->system_us, &system);
    Errand__V1__ExecResult exec = ERRAND__V1__EXEC_RESULT__INIT;
    exec.stdout = bytes_of(&p->out_text);
    exec.stderr = bytes_of(&p->err_text);
    exec.stdout_omitted_bytes = p->out_text.omitted_bytes;
    exec.stderr_omitted_bytes = p->err_text.omitted_bytes;
    exec.user_time = &user;
    exec.system_time = &system;
    exec.max_rss_bytes = event->max_rss_bytes;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_EXEC;
    result.exec = &exec;
    attempt_succeed(p->attempt, &result);
}

static void report(exec_process *p, const exec_event *event)
{
    char message[EXEC_MESSAGE_BYTES];
    const exec_ending ending = {
        .reason = p->reason,
        .wait_status = event->wait_status,
        .signalled = event->signalled != 0,
        .step = p->step,
        .error = p->error,
        .timeout_us = p->command->settings.timeout_us,
        .retry_after_us = p->command->settings.retry_after,
        .name = p->command->name,
        .complaint = exec_output_text(&p->err_text),
    };
    exec_verdict verdict = exec_judge(&ending, message);
    if (verdict.code == STATUS_OK) {
        succeed(p, event);
        return;
    }
    const attempt_failure failure = {verdict.code, verdict.retryable, verdict.retry_after_us,
                                     message};
    attempt_fail(p->attempt, &failure);
}

static void ended(exec_process *p, const exec_event *event)
{
    if (p->attempt == NULL) {
        p->owner->lingering--;
    } else {
        report(p, event);
    }
}

// ---- the handler ----

static void heard(void *data, const exec_event *event)
{
    exec_process_heard(&((exec_pool *) data)->host, event);
}

static void lost(void *data)
{
    exec_process_lost(&((exec_pool *) data)->host);
}

static status *open_launch(exec_pool *pool)
{
    AUTO_FREE char *path = NULL;
    const exec_launch_listener listener = {.heard = heard, .lost = lost, .data = pool};
    status *failure = exec_launch_find(&path);
    return failure != NULL ? failure
                           : exec_launch_open(pool->host.loop, path, &listener, &pool->host.launch);
}

static size_t room_for_stdout(const worker_options *options)
{
    size_t message = options->max_message_bytes;
    size_t most = message > BESIDE_BYTES ? message - BESIDE_BYTES : 0;
    return most < options->max_result_bytes ? most : options->max_result_bytes;
}

static status *pool_open(const void *settings, const worker_options *options, uv_loop_t *loop,
                         void **ret)
{
    exec_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    pool->commands = (const exec_commands *) settings;
    pool->host.loop = loop;
    pool->host.ended = ended;
    pool->host.room.resume = exec_process_resume;
    pool->host.max_stdout = room_for_stdout(options);
    pool->host.nothing_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    status *failure =
        pool->host.nothing_fd < 0 ? status_errno(errno, "/dev/null") : open_launch(pool);
    if (failure != NULL) {
        if (pool->host.nothing_fd >= 0) {
            (void) close(pool->host.nothing_fd);
        }
        free(pool);
        return failure;
    }
    *ret = pool;
    return NULL;
}

static void pool_close(void *handler)
{
    exec_pool *pool = (exec_pool *) handler;
    exec_launch_close(pool->host.launch);
    exec_process_free_all(&pool->host);
    (void) close(pool->host.nothing_fd);
    free(pool);
}

static void refuse(attempt *a, status *failure, bool retryable)
{
    const attempt_failure told = {
        .code = failure->code, .retryable = retryable, .message = failure->message};
    attempt_fail(a, &told);
    status_free(failure);
}

static status *find_command(const exec_pool *pool, const attempt *a, const exec_command **ret)
{
    if (a->job->input_case != ERRAND__V1__JOB__INPUT_EXEC) {
        return status_new(STATUS_INVALID_ARGUMENT, "a job of kind exec needs the field exec");
    }
    *ret = exec_commands_find(pool->commands, a->job->exec->name);
    if (*ret == NULL) {
        return status_new(STATUS_NOT_FOUND,
                          "exec.name: found \"%s\", which the configuration of this worker does "
                          "not name",
                          a->job->exec->name);
    }
    return NULL;
}

static void start(void *handler, attempt *a)
{
    exec_pool *pool = (exec_pool *) handler;
    const exec_command *command = NULL;
    exec_call call = {0};
    status *failure = find_command(pool, a, &command);
    if (failure == NULL) {
        failure = exec_command_call(command, a->job, a->memory, &call);
    }
    if (failure != NULL) {
        refuse(a, failure, failure->code == STATUS_RESOURCE_EXHAUSTED);
        return;
    }
    exec_process *p = NULL;
    failure = exec_process_start(&pool->host, command, &call, a, &p);
    if (failure != NULL) {
        refuse(a, failure, true);
        return;
    }
    a->work = p;
}

// The process ends by itself from here on, and takes its room until then.
static void stop(void *handler, attempt *a)
{
    (void) handler;
    exec_process *p = (exec_process *) a->work;
    p->owner->lingering++;
    exec_process_disown(p);
}

static void turn(void *handler)
{
    room_turn(&((exec_pool *) handler)->host.room);
}

const handler_ops exec_handler = {
    .open = pool_open,
    .start = start,
    .abort = stop,
    .turn = turn,
    .close = pool_close,
};
