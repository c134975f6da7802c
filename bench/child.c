// child - fork, exec, and a pipe for its standard output.
#include "bench/child.h"
#include "bench/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_SECONDS 60
#define STOP_SECONDS  40
#define OUTPUT_SIZE   4096
#define MAX_ARGUMENTS 16

struct child {
    pid_t pid;
    int output;  // read end of its standard output
    size_t size;
    char text[OUTPUT_SIZE];  // what it printed so far
};

static void exec_child(char *const *argv, int output)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(output, STDOUT_FILENO) >= 0)
        execv(argv[0], argv);
    _exit(127);
}

static status *spawn(char *const *argv, child *c)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return status_errno(errno, "pipe");
    c->output = ends[0];
    c->pid = fork();
    if (c->pid == 0)
        exec_child(argv, ends[1]);
    int error = errno;
    close(ends[1]);
    return c->pid < 0 ? status_errno(error, "fork") : NULL;
}

static size_t count_listeners(const child *c)
{
    size_t count = 0;
    for (const char *line = c->text; (line = strstr(line, "listening ")); line++)
        count += strchr(line, '\n') != NULL;
    return count;
}

static status *read_more(child *c, int wait_ms)
{
    struct pollfd ready = {.fd = c->output, .events = POLLIN};
    if (c->size == OUTPUT_SIZE - 1)
        return status_new(STATUS_INTERNAL, "the child printed too much");
    int events = poll(&ready, 1, wait_ms);
    if (events < 0 && errno == EINTR)
        return NULL;
    if (events <= 0)
        return status_new(STATUS_DEADLINE_EXCEEDED, "the child printed no listening line in time");
    ssize_t n = read(c->output, c->text + c->size, OUTPUT_SIZE - 1 - c->size);
    if (n <= 0)
        return status_new(STATUS_UNAVAILABLE, "the child ended before it was ready");
    c->size += (size_t) n;
    return NULL;
}

static status *wait_until_ready(child *c, size_t listeners)
{
    double end = monotonic_s() + START_SECONDS;
    while (count_listeners(c) < listeners) {
        double left = end - monotonic_s();
        status *failure = read_more(c, left > 0 ? (int) (left * 1000) : 0);
        if (failure)
            return failure;
    }
    // From here on the output is a row of C strings, one a line.
    for (size_t i = 0; i < c->size; i++)
        if (c->text[i] == '\n')
            c->text[i] = '\0';
    return NULL;
}

static status *name_failure(const char *program, status *failure)
{
    AUTO(status) inner = failure;
    return inner ? status_new(inner->code, "%s: %s", program, inner->message) : NULL;
}

status *child_start(char *const *argv, size_t listeners, child **ret)
{
    AUTO(child) c = calloc(1, sizeof *c);
    if (!c)
        return status_errno(ENOMEM, "child");
    c->output = -1;
    status *failure = spawn(argv, c);
    if (!failure)
        failure = wait_until_ready(c, listeners);
    if (!failure)
        *ret = TAKE(c);
    return name_failure(argv[0], failure);
}

status *child_start_self(const char *const *arguments, size_t listeners, child **ret)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size < 0)
        return status_errno(errno, "own path");
    path[size] = '\0';
    char *argv[MAX_ARGUMENTS] = {path};
    for (size_t i = 0; arguments[i] && i + 2 < MAX_ARGUMENTS; i++)
        memcpy(&argv[i + 1], &arguments[i], sizeof argv[0]);  // exec does not write to them
    return child_start(argv, listeners, ret);
}

const char *child_url(const child *c, const char *name, size_t index)
{
    char prefix[64];
    size_t size = (size_t) snprintf(prefix, sizeof prefix, "listening %s ", name);
    for (const char *line = c->text; line < c->text + c->size; line += strlen(line) + 1)
        if (strncmp(line, prefix, size) == 0 && index-- == 0)
            return line + size;
    return NULL;
}

pid_t child_pid(const child *c)
{
    return c->pid;
}

static bool wait_for_end(pid_t pid, int *ret_status)
{
    struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    if (ended.fd < 0)
        return false;
    bool in_time = poll(&ended, 1, STOP_SECONDS * 1000) == 1;
    close(ended.fd);
    return in_time && waitpid(pid, ret_status, 0) == pid;
}

static void free_child(child *c)
{
    if (c->output >= 0)
        close(c->output);
    free(c);
}

status *child_stop(child *c)
{
    if (!c)
        return NULL;
    kill(c->pid, SIGTERM);
    return child_wait(c);
}

status *child_wait(child *c)
{
    int ended = 0;
    if (!wait_for_end(c->pid, &ended)) {
        child_kill(c);
        return status_new(STATUS_DEADLINE_EXCEEDED, "a child did not end in time");
    }
    free_child(c);
    return ended == 0 ? NULL
                      : status_new(STATUS_INTERNAL, "a child ended with wait status %d", ended);
}

void child_kill(child *c)
{
    if (!c)
        return;
    if (c->pid > 0) {
        kill(c->pid, SIGKILL);
        waitpid(c->pid, NULL, 0);
    }
    free_child(c);
}
