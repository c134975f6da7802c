// long_polls - plain sockets; an answer is small enough to come in one piece.
#include "bench/long_polls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 60
#define OTHER_FILES    100

struct long_polls {
    size_t count;
    int sockets[];
};

size_t long_polls_most(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void) setrlimit(RLIMIT_NOFILE, &limit);
    (void) getrlimit(RLIMIT_NOFILE, &limit);
    size_t most = limit.rlim_cur > OTHER_FILES ? (size_t) limit.rlim_cur - OTHER_FILES : 0;
    return wanted < most ? wanted : most;
}

static status *read_port(const char *url, struct sockaddr_in *ret)
{
    const char *colon = strrchr(url, ':');
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t) port)};
    ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return port ? NULL : status_new(STATUS_INTERNAL, "no port in %s", url);
}

static status *start_one(const struct sockaddr_in *to, const char *id, int *ret)
{
    char request[256];
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    *ret = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*ret < 0)
        return status_errno(errno, "socket");
    (void) setsockopt(*ret, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int size = snprintf(request, sizeof request,
                        "GET /v1/jobs/%s/result?wait=60s HTTP/1.1\r\nHost: localhost\r\n\r\n", id);
    if (connect(*ret, (const struct sockaddr *) to, sizeof *to) != 0 ||
        send(*ret, request, (size_t) size, MSG_NOSIGNAL) != size)
        return status_errno(errno, "asking for a result");
    return NULL;
}

status *long_polls_start(const char *url, char (*ids)[UUID_TEXT_SIZE], size_t count,
                         long_polls **ret)
{
    struct sockaddr_in to;
    AUTO(long_polls) polls = calloc(1, sizeof *polls + count * sizeof polls->sockets[0]);
    if (!polls)
        return status_errno(ENOMEM, "long polls");
    status *failure = read_port(url, &to);
    while (!failure && polls->count < count) {
        failure = start_one(&to, ids[polls->count], &polls->sockets[polls->count]);
        polls->count++;
    }
    if (!failure)
        *ret = TAKE(polls);
    return failure;
}

static status *finish_one(int fd)
{
    static const char good[] = "HTTP/1.1 200 ";
    char answer[4096];
    ssize_t size = recv(fd, answer, sizeof answer - 1, 0);
    if (size < 0)
        return status_errno(errno, "waiting for an answer");
    answer[size] = '\0';
    return strncmp(answer, good, strlen(good)) == 0
               ? NULL
               : status_new(STATUS_INTERNAL, "a waiter was answered \"%.30s\"", answer);
}

status *long_polls_finish(long_polls *polls)
{
    status *failure = NULL;
    for (size_t i = 0; !failure && i < polls->count; i++)
        failure = finish_one(polls->sockets[i]);
    return failure;
}

void long_polls_free(long_polls *polls)
{
    for (size_t i = 0; polls && i < polls->count; i++)
        if (polls->sockets[i] >= 0)
            (void) close(polls->sockets[i]);
    free(polls);
}
