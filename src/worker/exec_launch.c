// exec_launch - the worker's side of the launcher: starts it, asks it for commands, hears of them.
//
// The launcher is started anew when it has gone, at the next command.
#include "worker/exec_launch.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM_NAME "errand-launcher"
#define END_MS       5000       // for the launcher to end
#define SOCKET_BYTES (1 << 20)  // room for requests and news that wait

struct exec_launch {
    uv_loop_t *loop;
    char *path;
    exec_launch_listener listener;
    pid_t pid;
    int socket;
    bool running;
    uv_poll_t *poll;  // NULL: not watched
};

// ---- where it is ----

static char *beside(const char *folder, const char *below)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s" PROGRAM_NAME, folder, below) < 0) {
        return NULL;
    }
    if (access(path, X_OK) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

status *exec_launch_find(char **ret_path)
{
    char self[4096];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(self, '/'), *path = NULL;
    if (slash != NULL) {
        *slash = '\0';
        path = beside(self, "");
        path = path != NULL ? path : beside(self, "../libexec/errand/");
    }
    path = path != NULL ? path : beside(ERRAND_LIBEXEC_DIR, "");
    if (path == NULL) {
        return status_new(STATUS_NOT_FOUND,
                          PROGRAM_NAME " is neither beside this program nor in %s",
                          ERRAND_LIBEXEC_DIR);
    }
    *ret_path = path;
    return NULL;
}

// ---- starting it ----

// Nobody but the worker ends it: no signal reaches it, and it is in a session of its own.
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all;
    (void) sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attributes, &all);
    return failed != 0
               ? failed
               : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
}

// Its end of the pair becomes EXEC_SOCKET_FD, also when it has that number already.
static int set_descriptors(posix_spawn_file_actions_t *actions, int end)
{
    int failed = posix_spawn_file_actions_adddup2(actions, end, EXEC_SOCKET_FD);
    for (int fd = 0; failed == 0 && fd <= 1; fd++) {
        failed = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    }
    return failed;
}

static int spawn(const char *path, int end, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *argv[] = {(char *) (uintptr_t) PROGRAM_NAME, NULL};
    char *envp[] = {NULL};
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        failed = set_descriptors(&actions, end);
        failed = failed != 0 ? failed : set_attributes(&attributes);
        failed =
            failed != 0 ? failed : posix_spawn(ret_pid, path, &actions, &attributes, argv, envp);
        (void) posix_spawnattr_destroy(&attributes);
    }
    (void) posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static status *run_launcher(exec_launch *l)
{
    int ends[2], size = SOCKET_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return status_errno(errno, "socketpair");
    }
    for (int i = 0; i < 2; i++) {  // as much as the system allows
        (void) setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    int failed = spawn(l->path, ends[1], &l->pid);
    (void) close(ends[1]);
    if (failed != 0) {
        (void) close(ends[0]);
        return status_errno(failed, "%s", l->path);
    }
    l->socket = ends[0];
    l->running = true;
    return NULL;
}

// ---- hearing of it ----

// It ends by itself when the socket closes, once all commands are dead. The kernel may hold one of
// them for long, on a disk that does not answer: that is not waited for.
static void wait_for_end(pid_t pid)
{
    int unused = 0, fd = pidfd_open(pid, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&end, 1, END_MS) <= 0) {
        log_warn("launcher_killed", LOG_INT("pid", pid));
        (void) kill(pid, SIGKILL);
    }
    if (fd >= 0) {
        (void) close(fd);
    }
    while (waitpid(pid, &unused, 0) < 0 && errno == EINTR) {
    }
}

static void let_go(exec_launch *l)
{
    if (l->running) {
        l->running = false;
        (void) close(l->socket);
        wait_for_end(l->pid);
    }
}

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static void on_lost(exec_launch *l)
{
    log_error("launcher_lost", LOG_INT("pid", l->pid));
    (void) uv_poll_stop(l->poll);
    uv_close((uv_handle_t *) l->poll, free_poll);
    l->poll = NULL;
    let_go(l);
    l->listener.lost(l->listener.data);
}

static void on_news(uv_poll_t *poll, int failed, int events)
{
    exec_launch *l = (exec_launch *) poll->data;
    exec_event event;
    (void) failed;
    (void) events;
    for (;;) {
        ssize_t size = recv(l->socket, &event, sizeof event, MSG_DONTWAIT);
        if (size == (ssize_t) sizeof event) {
            l->listener.heard(l->listener.data, &event);
        } else if (size < 0 && errno == EINTR) {
            continue;
        } else if (size < 0 && errno == EAGAIN) {
            return;
        } else {
            on_lost(l);
            return;
        }
    }
}

static status *watch(exec_launch *l)
{
    uv_poll_t *poll = malloc(sizeof *poll);
    if (poll == NULL || uv_poll_init(l->loop, poll, l->socket) != 0) {
        free(poll);
        let_go(l);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the launcher can not be watched");
    }
    poll->data = l;
    l->poll = poll;
    (void) uv_poll_start(poll, UV_READABLE, on_news);
    return NULL;
}

static status *begin(exec_launch *l)
{
    status *failure = run_launcher(l);
    return failure != NULL ? failure : watch(l);
}

status *exec_launch_open(uv_loop_t *loop, const char *path, const exec_launch_listener *listener,
                         exec_launch **ret)
{
    exec_launch *l = calloc(1, sizeof *l);
    if (l == NULL || (l->path = strdup(path)) == NULL) {
        free(l);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    l->loop = loop;
    l->listener = *listener;
    status *failure = begin(l);
    if (failure != NULL) {
        exec_launch_close(l);
        return failure;
    }
    *ret = l;
    return NULL;
}

// ---- asking it ----

typedef union fd_message {
    char bytes[CMSG_SPACE(sizeof(int) * EXEC_FD_COUNT)];
    struct cmsghdr align;
} fd_message;

static int send_request(const exec_launch *l, const exec_request *request, const int *fds)
{
    fd_message space = {{0}};
    struct iovec part = {.iov_base = (void *) (uintptr_t) request, .iov_len = sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fds != NULL) {
        message.msg_control = space.bytes;
        message.msg_controllen = sizeof space.bytes;
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * EXEC_FD_COUNT);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * EXEC_FD_COUNT);
    }
    ssize_t size = 0;
    do {
        size = sendmsg(l->socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (size < 0 && errno == EINTR);
    return size < 0 ? errno : 0;
}

status *exec_launch_start(exec_launch *l, uint64_t id, const int *fds)
{
    const exec_request request = {.id = id, .verb = EXEC_START};
    if (!l->running) {
        status *failure = begin(l);
        if (failure != NULL) {
            return failure;
        }
    }
    int failed = send_request(l, &request, fds);
    return failed == 0 ? NULL : status_errno(failed, PROGRAM_NAME);
}

void exec_launch_signal(exec_launch *l, uint64_t id, int number)
{
    const exec_request request = {.id = id, .verb = EXEC_SIGNAL, .signal = number};
    if (l->running) {
        (void) send_request(l, &request, NULL);
    }
}

void exec_launch_close(exec_launch *l)
{
    if (l == NULL) {
        return;
    }
    let_go(l);
    free(l->poll);
    free(l->path);
    free(l);
}
