// exec_launcher - errand-launcher, the small program beside a worker that starts its commands.
//
// Why a program of its own, and neither uv_spawn nor a fork in the worker:
// - uv_spawn knows no limits, no further groups, no death signal, and no resource usage.
// - The kernel counts the memory of the process that forks as the child's largest: a command run by
//   a worker of 300 MiB would be told to have used 300 MiB. This program has less than 2 MiB.
// - When the worker dies, by SIGKILL even, its end of the socket closes. This program then kills
//   the whole group of each command; a death signal alone would reach the first process only.
// - It has one thread, so that between fork and exec anything may be called.
// Measured on two busy cores with `true` as the command and 256 MiB in use by the worker: 600 to
// 1,180 a second through here, 640 to 1,900 with vfork in the worker, 25 to 80 with fork; largest
// memory told 1 MiB here, 258 MiB by both others.
#include "worker/exec_child.h"
#include "worker/exec_strays.h"
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
    pid_t pid;  // and the number of its group
} running;

typedef struct launcher {
    int socket;
    int deaths;  // signalfd
    pid_t pid;
    running *all;
    size_t count, room;
} launcher;

static void tell(const launcher *l, const exec_event *event)
{
    while (send(l->socket, event, sizeof *event, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

static void tell_not_started(const launcher *l, uint64_t id, exec_step step, int error)
{
    const exec_event event = {
        .id = id, .news = EXEC_NOT_STARTED, .step = (int32_t) step, .error = error};
    tell(l, &event);
}

// The leader is a zombie at least until it is reaped, so its number is nobody else's. A child that
// has not come to setsid yet has no group.
static void signal_group(pid_t pid, int number)
{
    if (kill(-pid, number) != 0 && errno == ESRCH) {
        (void) kill(pid, number);
    }
}

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
    pid_t pid = reserve(l) ? fork() : -1;
    if (pid == 0) {
        int error = 0;
        exec_step step = exec_child_run(fds, l->pid, &error);
        tell_not_started(l, id, step, error);
        _exit(127);
    }
    if (pid < 0) {
        tell_not_started(l, id, EXEC_STEP_FORK, errno);
    } else {
        l->all[l->count++] = (running){.id = id, .pid = pid};
    }
}

static void signal_one(const launcher *l, const exec_request *request)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].id == request->id) {
            signal_group(l->all[i].pid, request->signal);
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
        tell_not_started(l, request.id, EXEC_STEP_FORK, EMFILE);
    }
    for (size_t i = 0; i < count; i++) {
        (void) close(fds[i]);
    }
    return true;
}

// ---- deaths ----

static int64_t us_of(struct timeval time)
{
    return (int64_t) time.tv_sec * 1000000 + time.tv_usec;
}

static void tell_ended(launcher *l, pid_t pid, int wait_status, const struct rusage *usage)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].pid == pid) {
            const exec_event event = {.id = l->all[i].id,
                                      .news = EXEC_ENDED,
                                      .wait_status = wait_status,
                                      .user_us = us_of(usage->ru_utime),
                                      .system_us = us_of(usage->ru_stime),
                                      .max_rss_bytes = (int64_t) usage->ru_maxrss * 1024};
            l->all[i] = l->all[--l->count];
            tell(l, &event);
            return;
        }
    }
}

static bool is_running(void *data, pid_t group)
{
    const launcher *l = (const launcher *) data;
    for (size_t i = 0; i < l->count; i++) {
        if (l->all[i].pid == group) {
            return true;
        }
    }
    return false;
}

// What a command leaves behind in its group goes with it. False when no child is dead, or none is
// left.
static bool reap_one(launcher *l)
{
    siginfo_t who = {0};
    int wait_status = 0;
    struct rusage usage;
    if (waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) != 0 || who.si_pid == 0) {
        return false;
    }
    (void) kill(-who.si_pid, SIGKILL);
    if (wait4(who.si_pid, &wait_status, 0, &usage) == who.si_pid) {
        tell_ended(l, who.si_pid, wait_status, &usage);
    }
    return true;
}

static void reap(launcher *l)
{
    struct signalfd_siginfo unused;
    (void) read(l->deaths, &unused, sizeof unused);
    while (reap_one(l)) {
    }
    exec_strays_kill(is_running, l);
}

// Each death may bring further children.
static void kill_all(launcher *l)
{
    for (size_t i = 0; i < l->count; i++) {
        signal_group(l->all[i].pid, SIGKILL);
    }
    l->count = 0;
    do {
        exec_strays_kill(is_running, l);
    } while (wait(NULL) > 0);
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
