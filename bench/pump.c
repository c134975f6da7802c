// pump - non-blocking sockets and epoll.
#include "bench/pump.h"
#include "bench/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE  262144
#define EVENTS     64
#define WAIT_MS    100
#define SHOWN_SIZE 80  // of an unexpected reply

typedef struct connection {
    int fd;
    int index;
    int replies;  // to come
    bool writing;
    buf in, out;
    size_t sent;
} connection;

typedef struct engine {
    const pump *what;
    int epoll;
    int active;
    connection each[];
} engine;

static status *fail(const char *what)
{
    return status_errno(errno, "%s", what);
}

// ---- one connection ----

static status *watch_for(engine *e, connection *c, bool writing)
{
    struct epoll_event event = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
    if (c->writing == writing)
        return NULL;
    c->writing = writing;
    return epoll_ctl(e->epoll, EPOLL_CTL_MOD, c->fd, &event) == 0 ? NULL : fail("epoll_ctl");
}

static status *send_some(engine *e, connection *c)
{
    while (c->sent < c->out.size) {
        ssize_t n = send(c->fd, c->out.bytes + c->sent, c->out.size - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return watch_for(e, c, true);
        if (n < 0)
            return fail("send");
        c->sent += (size_t) n;
    }
    return watch_for(e, c, false);
}

static status *ask(engine *e, connection *c)
{
    buf_clear(&c->out);
    c->sent = 0;
    c->replies = e->what->ask(e->what->data, c->index, &c->out);
    if (c->out.failed)
        return status_errno(ENOMEM, "request");
    e->active -= c->replies == 0;
    return send_some(e, c);
}

static status *refuse(const char *bytes, size_t size)
{
    char shown[SHOWN_SIZE + 1];
    size_t length = size < SHOWN_SIZE ? size : SHOWN_SIZE;
    memcpy(shown, bytes, length);
    shown[length] = '\0';
    return status_new(STATUS_INTERNAL, "an unexpected reply: %s", shown);
}

// take_all gives the replies away one by one, and keeps what is not whole.
static status *take_all(engine *e, connection *c)
{
    size_t at = 0;
    while (c->replies > 0 && at < c->in.size) {
        const char *bytes = (const char *) c->in.bytes + at;
        ssize_t n = e->what->take(e->what->data, c->index, bytes, c->in.size - at);
        if (n < 0)
            return refuse(bytes, c->in.size - at);
        if (n == 0)
            break;
        at += (size_t) n;
        c->replies--;
    }
    memmove(c->in.bytes, c->in.bytes + at, c->in.size - at);
    c->in.size -= at;
    return NULL;
}

static status *receive(engine *e, connection *c)
{
    if (!buf_reserve(&c->in, READ_SIZE))
        return status_errno(ENOMEM, "reply");
    ssize_t n = recv(c->fd, c->in.bytes + c->in.size, READ_SIZE, 0);
    if (n < 0 && errno == EAGAIN)
        return NULL;
    if (n <= 0)
        return n < 0 ? fail("recv") : status_new(STATUS_UNAVAILABLE, "the connection was closed");
    c->in.size += (size_t) n;
    status *failure = take_all(e, c);
    return failure || c->replies > 0 ? failure : ask(e, c);
}

static status *serve(engine *e, const struct epoll_event *event)
{
    connection *c = event->data.ptr;
    status *failure = event->events & EPOLLOUT ? send_some(e, c) : NULL;
    return failure || !(event->events & ~(unsigned) EPOLLOUT) ? failure : receive(e, c);
}

// ---- all of them ----

static status *connect_path(const char *path, int *ret)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return status_new(STATUS_INVALID_ARGUMENT, "%s is too long for a socket", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    *ret = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*ret < 0 || connect(*ret, (struct sockaddr *) &address, sizeof address) != 0)
        return status_errno(errno, "%s", path);
    return NULL;
}

static status *connect_port(int port, int *ret)
{
    const int on = 1;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t) port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *ret = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*ret < 0 || connect(*ret, (const struct sockaddr *) &address, sizeof address) != 0 ||
        setsockopt(*ret, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
        return status_errno(errno, "port %d", port);
    return NULL;
}

static status *open_one(engine *e, int index)
{
    connection *c = &e->each[index];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    c->index = index;
    status *failure =
        e->what->path ? connect_path(e->what->path, &c->fd) : connect_port(e->what->port, &c->fd);
    if (failure)
        return failure;
    if (fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0)
        return fail("socket");
    return epoll_ctl(e->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0 ? NULL : fail("epoll_ctl");
}

static status *open_all(engine *e)
{
    status *failure = NULL;
    e->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (e->epoll < 0)
        return fail("epoll");
    for (int i = 0; !failure && i < e->what->connections; i++)
        failure = open_one(e, i);
    return failure;
}

static status *turn(engine *e)
{
    struct epoll_event events[EVENTS];
    status *failure = NULL;
    int count = epoll_wait(e->epoll, events, EVENTS, WAIT_MS);
    if (count < 0 && errno != EINTR)
        return fail("epoll_wait");
    for (int i = 0; !failure && i < count; i++)
        failure = serve(e, &events[i]);
    return failure;
}

static status *run(engine *e, double *ret_seconds)
{
    status *failure = NULL;
    double start_s = monotonic_s(), end_s = start_s + (double) e->what->timeout_s;
    e->active = e->what->connections;
    for (int i = 0; !failure && i < e->what->connections; i++)
        failure = ask(e, &e->each[i]);
    while (!failure && e->active > 0)
        failure = monotonic_s() < end_s ? turn(e)
                                        : status_new(STATUS_DEADLINE_EXCEEDED, "not over in time");
    *ret_seconds = monotonic_s() - start_s;
    return failure;
}

static void close_all(engine *e)
{
    for (int i = 0; i < e->what->connections; i++) {
        if (e->each[i].fd >= 0)
            close(e->each[i].fd);
        buf_fini(&e->each[i].in);
        buf_fini(&e->each[i].out);
    }
    if (e->epoll >= 0)
        close(e->epoll);
    free(e);
}

status *pump_run(const pump *what, double *ret_seconds)
{
    engine *e = calloc(1, sizeof *e + (size_t) what->connections * sizeof e->each[0]);
    if (!e)
        return status_errno(ENOMEM, "connections");
    e->what = what;
    e->epoll = -1;
    for (int i = 0; i < what->connections; i++)
        e->each[i].fd = -1;
    status *failure = open_all(e);
    if (!failure)
        failure = run(e, ret_seconds);
    close_all(e);
    return failure;
}
