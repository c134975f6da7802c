// exec_launcher - errand-launcher, the small program beside a worker that starts its commands.
//
// Why a program of its own, and neither uv_spawn nor a fork in the worker:
// - uv_spawn knows no limits, no further groups, no death signal, and no resource usage.
// - The kernel counts the memory of the process that forks as the child's largest: a command run by
//   a worker of 300 MiB would be told to have used 300 MiB. This program has less than 2 MiB.
// - When the worker dies, by SIGKILL even, its end of the socket closes. This program then ends all
//   commands with what they started; a death signal alone would reach the first process only.
// - It has one thread, so that between fork and exec anything may be called.
// Each command has a keeper, a fork of this program, between itself and the launcher: exec_keeper.h
// says what for.
#include "worker/exec_keeper.h"
#include "worker/exec_strays.h"
#include "worker/exec_tell.h"
#include "worker/exec_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HIGH_FD 64  // where the socket stays, above what commands are given

typedef struct running {
    uint64_t id;
    pid_t keeper;
} running;

typedef struct launcher {
    int socket;
    int deaths;  // signalfd
    pid_t pid;
    running *all;
    size_t count, room;
    bool haunted;  // a keeper has died and left its processes
} launcher;

static bool reserve(launcher *l)
{
    if (l->count < l->room) {
        return true;
    }
    size_t room = l->room * 2 + 16;
    running *all = realloc(l->all, room * sizeof *all);
    if (all == NULL) {
        return false;
    }
    l->all = all;
    l->room = room;
    return true;
}

static void start(launcher *l, uint64_t id, const int *fds)
{
    const exec_keeper keeper = {.launcher = l->pid, .socket = l->socket, .id = id, .fds = fds};
    pid_t pid = reserve(l) ? fork() : -1;
    if (pid == 0) {
        exec_keeper_run(&keeper);
    }
    if (pid < 0) {
        exec_tell_not_started(l->socket, id, EXEC_STEP_FORK, errno);
    } else {
        l->all[l->count++] = (running){.id = id, .keeper = pid};
    }
}

static void signal_one(const launcher *l, const exec_request *request)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].id == request->id) {
            exec_keeper_signal(l->all[i].keeper, request->signal);
        }
    }
}

// ---- requests ----

typedef union fd_message {
    char bytes[CMSG_SPACE(sizeof(int) * EXEC_FD_COUNT)];
    struct cmsghdr align;
} fd_message;

static size_t take_fds(struct msghdr *message, int *fds)
{
    struct cmsghdr *part = CMSG_FIRSTHDR(message);
    if (part == NULL || part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(fds, CMSG_DATA(part), count * sizeof(int));
    return count;
}

// False when the worker is gone.
static bool take_request(launcher *l)
{
    exec_request request;
    fd_message space;
    int fds[EXEC_FD_COUNT];
    struct iovec part = {.iov_base = &request, .iov_len = sizeof request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = space.bytes,
                             .msg_controllen = sizeof space.bytes};
    ssize_t size = recvmsg(l->socket, &message, MSG_CMSG_CLOEXEC);
    if (size <= 0) {
        return size < 0 && errno == EINTR;
    }
    size_t count = take_fds(&message, fds);
    if (request.verb == EXEC_SIGNAL) {
        signal_one(l, &request);
    } else if (count == EXEC_FD_COUNT) {
        start(l, request.id, fds);
    } else {
        exec_tell_not_started(l->socket, request.id, EXEC_STEP_FORK, EMFILE);
    }
    for (size_t i = 0; i < count; i++) {
        (void) close(fds[i]);
    }
    return true;
}

// ---- deaths ----

static bool is_keeper(const void *data, pid_t pid)
{
    const launcher *l = (const launcher *) data;
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].keeper == pid) {
            return true;
        }
    }
    return false;
}

// A keeper that ended well has told how its command did. Of one that did not, the command ended
// with it.
static void take_death(launcher *l, pid_t pid, int wait_status, const struct rusage *usage)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].keeper == pid) {
            uint64_t id = l->all[i].id;
            l->all[i] = l->all[--l->count];
            if (wait_status != 0) {
                l->haunted = true;
                exec_tell_ended(l->socket, id, wait_status, true, usage);
            }
            return;
        }
    }
}

static void reap(launcher *l)
{
    struct signalfd_siginfo unused;
    struct rusage usage;
    int wait_status = 0;
    while (read(l->deaths, &unused, sizeof unused) > 0)
        continue;
    for (pid_t pid; (pid = wait4(-1, &wait_status, WNOHANG, &usage)) > 0;) {
        take_death(l, pid, wait_status, &usage);
    }
    l->haunted = l->haunted && exec_strays_kill(is_keeper, l) > 0;
}

// Each death may bring further children.
static void kill_all(launcher *l)
{
    int wait_status = 0;
    for (size_t i = 0; i < l->count; i++) {
        exec_keeper_signal(l->all[i].keeper, SIGKILL);
    }
    for (pid_t pid; (pid = wait(&wait_status)) > 0;) {
        take_death(l, pid, wait_status, &(struct rusage){0});
        l->haunted = l->haunted && exec_strays_kill(is_keeper, l) > 0;
    }
}

// ---- life ----

static bool set_up(launcher *l)
{
    sigset_t all, deaths;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_BLOCK, &all,
                           NULL);  // whoever ends the worker does not end this first
    (void) sigemptyset(&deaths);
    (void) sigaddset(&deaths, SIGCHLD);
    (void) signal(SIGCHLD,
                  SIG_DFL);  // ignored, as it may be inherited, nobody would hear of deaths
    l->pid = getpid();
    exec_strays_adopt();
    l->socket = fcntl(EXEC_SOCKET_FD, F_DUPFD_CLOEXEC, HIGH_FD);
    if (l->socket < 0) {
        return false;
    }
    (void) close_range(EXEC_SOCKET_FD, HIGH_FD - 1, 0);
    (void) close_range((unsigned) l->socket + 1, ~0U, 0);
    l->deaths = signalfd(-1, &deaths, SFD_CLOEXEC | SFD_NONBLOCK);
    return l->deaths >= 0;
}

static void serve(launcher *l)
{
    struct pollfd watched[] = {{.fd = l->deaths, .events = POLLIN},
                               {.fd = l->socket, .events = POLLIN}};
    for (bool more = true; more;) {
        if (poll(watched, 2, -1) < 0) {
            continue;
        }
        if (watched[0].revents != 0) {
            reap(l);
        }
        if (watched[1].revents != 0) {
            more = take_request(l);
        }
    }
}

int main(void)
{
    launcher l = {0};
    if (!set_up(&l)) {
        (void) fputs("errand-launcher: started by a worker, for itself\n", stderr);
        return 2;
    }
    serve(&l);
    kill_all(&l);
    free(l.all);
    return 0;
}
