// worker_origin - a small HTTP origin for the tests of the worker, one thread for each connection.
//
// The path says what happens: /ok /echo /headers /latin1 /big /endless /loop /hop/N /hang /stall
// /close /half /gzip /to-ftp /to-metadata, /status/CODE and /retry/SECONDS (503 with Retry-After).
#ifndef ERRAND_TESTS_UNIT_WORKER_ORIGIN_H
#define ERRAND_TESTS_UNIT_WORKER_ORIGIN_H

#include "unit/unit_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ORIGIN_MAX_CONNECTIONS 2048

typedef struct origin {
    int listener;
    int port;
    pthread_t thread;
    pthread_mutex_t lock;
    int open[ORIGIN_MAX_CONNECTIONS];
    pthread_t threads[ORIGIN_MAX_CONNECTIONS];
    int connections;  // so far
    _Atomic int requests;
    int hanging;
    pthread_cond_t hung;  // hanging has changed
} origin;

typedef struct origin_visit {
    origin *origin;
    int fd;
} origin_visit;

static inline bool origin_write(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t wrote = send(fd, bytes, size, MSG_NOSIGNAL);
        if (wrote <= 0) {
            return false;
        }
        bytes += wrote;
        size -= (size_t) wrote;
    }
    return true;
}

static inline bool origin_answer(int fd, int code, const char *headers, const char *body)
{
    char text[4096];
    int size = snprintf(text, sizeof text, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s", code,
                        headers, strlen(body), body);
    return origin_write(fd, text, (size_t) size);
}

static inline bool origin_big(int fd, size_t size, bool with_length)
{
    char text[128];
    int head = snprintf(text, sizeof text,
                        with_length ? "HTTP/1.1 200 X\r\nContent-Length: %zu\r\n\r\n"
                                    : "HTTP/1.0 200 X\r\n\r\n",
                        size);
    bool fine = origin_write(fd, text, (size_t) head);
    char block[65536];
    memset(block, 'x', sizeof block);
    for (size_t sent = 0; fine && sent < size; sent += sizeof block) {
        size_t rest = size - sent;
        fine = origin_write(fd, block, rest < sizeof block ? rest : sizeof block);
    }
    return fine && with_length;
}

static inline void origin_count_hanging(origin *o, int change)
{
    pthread_mutex_lock(&o->lock);
    o->hanging += change;
    pthread_cond_broadcast(&o->hung);
    pthread_mutex_unlock(&o->lock);
}

static inline bool origin_hang(origin *o, int fd)
{
    origin_count_hanging(o, 1);
    char byte;
    (void) !recv(fd, &byte, 1, 0);  // until the other side goes away
    origin_count_hanging(o, -1);
    return false;
}

// origin_wait_hanging waits until that many requests for /hang are under way.
static inline void origin_wait_hanging(origin *o, int count)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    pthread_mutex_lock(&o->lock);
    int failed = 0;
    while (o->hanging != count && failed == 0) {
        failed = pthread_cond_timedwait(&o->hung, &o->lock, &end);
    }
    assert_int_equal(o->hanging, count);
    pthread_mutex_unlock(&o->lock);
}

// A third of a body of 3 MiB, then nothing.
static inline bool origin_stall(origin *o, int fd)
{
    static const char head[] = "HTTP/1.1 200 X\r\nContent-Length: 3145728\r\n\r\n";
    static const char part[1 << 20];
    return origin_write(fd, head, sizeof head - 1) && origin_write(fd, part, sizeof part) &&
           origin_hang(o, fd);
}

static inline bool origin_hop(int fd, int left)
{
    char headers[64];
    snprintf(headers, sizeof headers, "Location: /%s%.0d\r\n", left > 1 ? "hop/" : "ok",
             left > 1 ? left - 1 : 0);
    return origin_answer(fd, 302, headers, "moved");
}

static inline bool origin_retry(int fd, const char *seconds)
{
    char headers[64];
    snprintf(headers, sizeof headers, "Retry-After: %.20s\r\n", seconds);
    return origin_answer(fd, 503, headers, "later\x01\xff");
}

// gzip of "compressed"
static inline bool origin_gzip(int fd)
{
    static const unsigned char body[] = {
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0x4b, 0xce, 0xcf, 0x2d, 0x28,
        0x4a, 0x2d, 0x2e, 0x4e, 0x4d, 0x01, 0x00, 0x1e, 0x4b, 0x56, 0x97, 0x0a, 0x00, 0x00, 0x00};
    char head[128];
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                        sizeof body);
    return origin_write(fd, head, (size_t) size) &&
           origin_write(fd, (const char *) body, sizeof body);
}

static inline bool origin_serve(origin *o, int fd, const char *path, const char *request)
{
    if (strcmp(path, "/ok") == 0) {
        return origin_answer(fd, 200, "Content-Type: text/plain\r\n", "hello");
    } else if (strcmp(path, "/echo") == 0) {
        return origin_answer(fd, 200, "", request);
    } else if (strcmp(path, "/headers") == 0) {
        return origin_answer(fd, 200, "X-One: 1\r\nSET-Thing: a\r\nX-None: \r\nset-thing: b\r\n",
                             "");
    } else if (strcmp(path, "/latin1") == 0) {
        return origin_answer(fd, 200, "X-Name: caf\xe9\r\n", "\xff\xfe");
    } else if (strcmp(path, "/big") == 0) {
        return origin_big(fd, 3 << 20, true);
    } else if (strcmp(path, "/endless") == 0) {
        return origin_big(fd, (size_t) 1 << 40, false);
    } else if (strcmp(path, "/loop") == 0) {
        return origin_answer(fd, 302, "Location: /loop\r\n", "");
    } else if (strcmp(path, "/to-ftp") == 0) {
        return origin_answer(fd, 302, "Location: ftp://127.0.0.1/\r\n", "");
    } else if (strcmp(path, "/to-metadata") == 0) {
        return origin_answer(fd, 302, "Location: http://169.254.169.254/\r\n", "");
    } else if (strncmp(path, "/hop/", 5) == 0) {
        return origin_hop(fd, (int) strtol(path + 5, NULL, 10));
    } else if (strncmp(path, "/status/", 8) == 0) {
        return origin_answer(fd, (int) strtol(path + 8, NULL, 10), "", "because");
    } else if (strncmp(path, "/retry/", 7) == 0) {
        return origin_retry(fd, path + 7);
    } else if (strcmp(path, "/gzip") == 0) {
        return origin_gzip(fd);
    } else if (strcmp(path, "/half") == 0) {
        static const char half[] = "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\nhal";
        return origin_write(fd, half, sizeof half - 1) && false;
    } else if (strcmp(path, "/hang") == 0) {
        return origin_hang(o, fd);
    } else if (strcmp(path, "/stall") == 0) {
        return origin_stall(o, fd);
    }
    return false;  // "/close"
}

// One request: what of it came with its head is all of it, for bodies as short as those here.
static inline bool origin_read(int fd, char *request, size_t room)
{
    size_t used = 0;
    while (used + 1 < room) {
        ssize_t got = recv(fd, request + used, room - 1 - used, 0);
        if (got <= 0) {
            return false;
        }
        used += (size_t) got;
        request[used] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL) {
            return true;
        }
        if (request[0] == 0x16) {
            return false;  // a TLS handshake, which nobody here understands
        }
    }
    return false;
}

static inline void *origin_visit_run(void *data)
{
    origin_visit *visit = data;
    char request[16384];
    bool more = true;
    while (more && origin_read(visit->fd, request, sizeof request)) {
        char path[256] = "";
        (void) sscanf(request, "%*s %255s", path);
        atomic_fetch_add(&visit->origin->requests, 1);
        more = origin_serve(visit->origin, visit->fd, path, request);
    }
    (void) shutdown(visit->fd, SHUT_RDWR);
    free(visit);
    return NULL;
}

static inline void *origin_run(void *data)
{
    origin *o = data;
    int fd;
    while ((fd = accept(o->listener, NULL, NULL)) >= 0) {
        origin_visit *visit = malloc(sizeof *visit);
        *visit = (origin_visit){.origin = o, .fd = fd};
        pthread_mutex_lock(&o->lock);
        assert_true(o->connections < ORIGIN_MAX_CONNECTIONS);
        o->open[o->connections] = fd;
        pthread_create(&o->threads[o->connections++], NULL, origin_visit_run, visit);
        pthread_mutex_unlock(&o->lock);
    }
    return NULL;
}

static inline origin *origin_new(void)
{
    origin *o = calloc(1, sizeof *o);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    pthread_mutex_init(&o->lock, NULL);
    pthread_cond_init(&o->hung, NULL);
    o->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_return_code(bind(o->listener, (struct sockaddr *) &address, size), 0);
    assert_return_code(listen(o->listener, 512), 0);
    assert_return_code(getsockname(o->listener, (struct sockaddr *) &address, &size), 0);
    o->port = ntohs(address.sin_port);
    pthread_create(&o->thread, NULL, origin_run, o);
    return o;
}

static inline void origin_free(origin *o)
{
    (void) shutdown(o->listener, SHUT_RDWR);
    pthread_join(o->thread, NULL);
    close(o->listener);
    for (int i = 0; i < o->connections; i++) {
        (void) shutdown(o->open[i], SHUT_RDWR);
        pthread_join(o->threads[i], NULL);
        close(o->open[i]);
    }
    free(o);
}

#endif
