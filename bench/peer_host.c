// peer_host - a child, its folder, and the socket that tells when it is ready.
#include "bench/peer_host.h"
#include "bench/child.h"
#include "bench/folder.h"
#include "bench/usage.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_SECONDS 20
#define LOOK_MS       5
#define OTHER_USER    "postgres"
#define MOST_WORDS    40

struct peer_host {
    child *process;
    char folder[FOLDER_PATH_SIZE];
    char path[PATH_MAX];  // the same, absolute
    char socket[PATH_MAX + 8];
};

status *peer_host_new(const bench_options *options, peer_host **ret)
{
    char data[PATH_MAX + 8];
    AUTO(peer_host) host = calloc(1, sizeof *host);
    if (!host)
        return status_errno(ENOMEM, "peer");
    status *failure = folder_make(options, host->folder);
    if (failure)
        return failure;
    if (!realpath(host->folder, host->path))
        return status_errno(errno, "%s", host->folder);
    (void) snprintf(host->socket, sizeof host->socket, "%s/socket", host->path);
    (void) snprintf(data, sizeof data, "%s/data", host->path);
    if (mkdir(data, S_IRWXU) != 0)
        return status_errno(errno, "%s", data);
    *ret = TAKE(host);
    return NULL;
}

void peer_host_free(peer_host *host)
{
    if (!host)
        return;
    AUTO(status) ignored = child_stop(host->process);  // how it ends is its own business
    folder_remove(host->folder);
    free(host);
}

const char *peer_host_folder(const peer_host *host)
{
    return host->path;
}

const char *peer_host_socket(const peer_host *host)
{
    return host->socket;
}

void peer_host_name_socket(peer_host *host, const char *name)
{
    (void) snprintf(host->socket, sizeof host->socket, "%s/%s", host->path, name);
}

// ---- programs ----

char *peer_find_program(const char *name)
{
    static const char *const places[] = {"/usr/bin/", "/usr/sbin/", "/usr/lib/postgresql/*/bin/"};
    char pattern[256];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        glob_t found = {0};
        (void) snprintf(pattern, sizeof pattern, "%s%s", places[i], name);
        // Patterns without a tilde or a variable read nothing that threads share.
        // NOLINTNEXTLINE(concurrency-mt-unsafe)
        int error = glob(pattern, 0, NULL, &found);
        char *last = error ? NULL : strdup(found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
        if (last)
            return last;
    }
    return NULL;
}

// as_user puts setpriv in front. A server that refuses to be root gets the user of its package.
static status *as_user(peer_host *host, char *const *argv, bool as_other, char **ret_words)
{
    static char setpriv[] = "/usr/bin/setpriv", user[] = "--reuid=" OTHER_USER;
    static char group[] = "--regid=" OTHER_USER, groups[] = "--clear-groups";
    static char die[] = "--pdeathsig=KILL";
    size_t count = 0;
    if (as_other && geteuid() == 0) {
        char data[PATH_MAX + 8];
        struct passwd entry, *found = NULL;
        char text[1024];
        (void) snprintf(data, sizeof data, "%s/data", host->path);
        if (getpwnam_r(OTHER_USER, &entry, text, sizeof text, &found) != 0 || !found ||
            chown(host->path, entry.pw_uid, entry.pw_gid) != 0 ||
            chown(data, entry.pw_uid, entry.pw_gid) != 0)
            return status_new(STATUS_UNAVAILABLE, "no user %s that could own %s", OTHER_USER,
                              host->path);
        char *const words[] = {setpriv, user, group, groups, die};
        memcpy(ret_words, words, sizeof words);
        count = sizeof words / sizeof words[0];
    }
    for (; *argv && count < MOST_WORDS - 1; argv++)
        ret_words[count++] = *argv;
    ret_words[count] = NULL;
    return NULL;
}

// The folders above ours belong to others.
static bool others_can_reach(const char *path)
{
    char above[PATH_MAX];
    struct stat info;
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void) snprintf(above, sizeof above, "%.*s", (int) (slash - path), path);
        if (stat(above, &info) != 0 || !(info.st_mode & S_IXOTH))
            return false;
    }
    return true;
}

static status *check_place(const peer_host *host, bool as_other)
{
    struct sockaddr_un address;
    if (strlen(host->socket) >= sizeof address.sun_path)
        return status_new(STATUS_FAILED_PRECONDITION, "%s is too long for a socket", host->socket);
    if (as_other && geteuid() == 0 && !others_can_reach(host->path))
        return status_new(STATUS_FAILED_PRECONDITION, "%s can not get to %s", OTHER_USER,
                          host->path);
    return NULL;
}

static bool can_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static status *wait_until_there(const peer_host *host)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    double end_s = monotonic_s() + START_SECONDS;
    while (!can_connect(host->socket)) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t) child_pid(host->process), &ended, WEXITED | WNOHANG | WNOWAIT) ==
                0 &&
            ended.si_pid != 0)
            return status_new(STATUS_UNAVAILABLE, "it ended before it was ready");
        if (monotonic_s() > end_s)
            return status_new(STATUS_DEADLINE_EXCEEDED, "it was not ready in time");
        (void) nanosleep(&pause, NULL);
    }
    return NULL;
}

status *peer_host_start(peer_host *host, char *const *argv, bool as_other)
{
    char *words[MOST_WORDS];
    status *failure = check_place(host, as_other);
    if (!failure)
        failure = as_user(host, argv, as_other, words);
    if (!failure)
        failure = child_start(words, 0, &host->process);
    return failure ? failure : wait_until_there(host);
}

status *peer_host_run(peer_host *host, char *const *argv, bool as_other)
{
    char *words[MOST_WORDS];
    child *process;
    status *failure = check_place(host, as_other);
    if (!failure)
        failure = as_user(host, argv, as_other, words);
    if (!failure)
        failure = child_start(words, 0, &process);
    return failure ? failure : child_wait(process);
}

double peer_host_cpu_s(const peer_host *host)
{
    return usage_tree_cpu_s(child_pid(host->process));
}
