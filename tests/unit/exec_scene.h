// exec_scene - jobs of kind exec before the scripted server: a worker that runs commands only.
#ifndef ERRAND_TESTS_UNIT_EXEC_SCENE_H
#define ERRAND_TESTS_UNIT_EXEC_SCENE_H

#include "unit/worker_scene.h"

#include "worker/exec_command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <unistd.h>

#define SCENE_MAX_COMMANDS 4

typedef struct exec_scene {
    rig *rig;
    exec_commands *commands;
    config_pair pairs[SCENE_MAX_COMMANDS];
    size_t count;
    Errand__V1__Command calls[256];
    char *args[256];
} exec_scene;

// scene_command allows one more command: its settings in words.
static inline void scene_command(exec_scene *s, const char *name, const char *settings)
{
    s->pairs[s->count++] = (config_pair){(char *) (uintptr_t) name, (char *) (uintptr_t) settings};
}

static inline exec_scene *scene_new(const char *name, const char *settings)
{
    exec_scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->rig = rig_new();
    s->rig->options.worker.concurrency = 0;
    s->rig->options.processes = 2;
    scene_command(s, name, settings);
    return s;
}

// A shell that runs the job's only argument: the tests' own choice, not one for a configuration.
static inline exec_scene *scene_shell(const char *settings)
{
    static char words[512];
    (void) snprintf(words, sizeof words, "argv=sh,-c,{0} %s", settings);
    return scene_new("sh", words);
}

static inline void scene_free(exec_scene *s)
{
    rig_free(s->rig);
    exec_commands_free(s->commands);
    free(s);
}

// scene_make makes a job that is not offered yet, with one argument or none.
static inline rig_job *scene_make(exec_scene *s, const char *name, const char *arg)
{
    size_t index = s->rig->job_count;
    Errand__V1__Command *call = &s->calls[index];
    rig_job *job = rig_make(s->rig, "/unused");
    errand__v1__command__init(call);
    s->args[index] = (char *) (uintptr_t) arg;
    call->name = (char *) (uintptr_t) name;
    call->args = &s->args[index];
    call->n_args = arg != NULL;
    job->job.kind = (char *) (uintptr_t) "exec";
    job->job.input_case = ERRAND__V1__JOB__INPUT_EXEC;
    job->job.exec = call;
    job->job.attempt = 3;
    return job;
}

static inline rig_job *scene_add(exec_scene *s, const char *name, const char *arg)
{
    rig_job *job = scene_make(s, name, arg);
    rig_offer(s->rig);
    return job;
}

static inline void scene_start(exec_scene *s)
{
    const config_map map = {s->pairs, s->count};
    assert_null(exec_commands_open(&map, &s->commands));
    s->rig->options.commands = s->commands;
    rig_start(s->rig);
}

// scene_run runs one job to its end.
static inline const Errand__V1__Outcome *scene_run(exec_scene *s, rig_job *job)
{
    rig_offer(s->rig);
    scene_start(s);
    rig_wait_finished(s->rig, 1);
    return job->outcome;
}

static inline const Errand__V1__ExecResult *scene_result(const Errand__V1__Outcome *outcome)
{
    if (outcome->outcome_case == ERRAND__V1__OUTCOME__OUTCOME_FAILURE) {
        print_message("failure: %s\n", outcome->failure->status->message);
    }
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_SUCCESS);
    assert_int_equal(outcome->success->output_case, ERRAND__V1__RESULT__OUTPUT_EXEC);
    return outcome->success->exec;
}

static inline const Errand__V1__Failure *scene_failure(const Errand__V1__Outcome *outcome,
                                                       const char *message)
{
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_string_equal(outcome->failure->status->message, message);
    return outcome->failure;
}

static inline void assert_bytes(ProtobufCBinaryData bytes, const char *expected)
{
    if (bytes.len != strlen(expected) || memcmp(bytes.data, expected, bytes.len) != 0) {
        fail_msg("found '%.*s', expected '%s'", (int) bytes.len, (const char *) bytes.data,
                 expected);
    }
}

// assert_gone waits until the process is no more; one that init has still to reap counts as gone.
static inline void assert_gone(pid_t pid)
{
    assert_true(pid > 1);
    int fd = pidfd_open(pid, 0);
    if (fd < 0) {
        assert_int_equal(errno, ESRCH);
        return;
    }
    struct pollfd gone = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&gone, 1, RIG_TIMEOUT_S * 1000), 1);
    close(fd);
}

static inline bool scene_has_progress(rig *r, size_t n)
{
    return r->progress_done >= (int64_t) n;
}

// scene_wait_told waits for the number that a command tells as its progress, such as a process id.
static inline pid_t scene_wait_told(exec_scene *s)
{
    assert_true(rig_wait_until(s->rig, scene_has_progress, 1));
    return (pid_t) s->rig->progress_done;
}

#endif
