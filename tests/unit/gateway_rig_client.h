// gateway_rig_client - a client of the gateway in its rig that sends any bytes as HTTP.
#ifndef ERRAND_TESTS_UNIT_GATEWAY_RIG_CLIENT_H
#define ERRAND_TESTS_UNIT_GATEWAY_RIG_CLIENT_H

#include "unit/gateway_rig.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

typedef struct answer {
    int http_status;  // 0: the connection went without an answer
    bool closed;      // by the gateway, or announced
    char head[4096];
    char body[8192];
} answer;

static inline int rig_connect(const rig *r)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t) r->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const struct timeval limit = {.tv_sec = RIG_SECONDS};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof address), 0);
    return fd;
}

static inline void rig_send(int fd, const char *text)
{
    size_t size = strlen(text);
    assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), (ssize_t) size);
}

static inline size_t rig_read_head(int fd, answer *ret)
{
    size_t used = 0;
    while (used < sizeof ret->head - 1) {
        if (recv(fd, ret->head + used, 1, 0) != 1) {
            ret->closed = true;
            return 0;
        }
        used++;
        if (used >= 4 && memcmp(ret->head + used - 4, "\r\n\r\n", 4) == 0) {
            break;
        }
    }
    ret->head[used] = '\0';
    return used;
}

static inline void rig_receive(int fd, bool is_head, answer *ret)
{
    memset(ret, 0, sizeof *ret);
    if (rig_read_head(fd, ret) == 0) {
        return;
    }
    assert_memory_equal(ret->head, "HTTP/1.1 ", 9);
    ret->http_status = (int) strtol(ret->head + 9, NULL, 10);
    const char *length = strstr(ret->head, "Content-Length: ");
    size_t size = length != NULL && !is_head ? strtoul(length + 16, NULL, 10) : 0;
    assert_in_range(size, 0, sizeof ret->body - 1);
    for (size_t used = 0; used < size;) {
        ssize_t got = recv(fd, ret->body + used, size - used, 0);
        assert_in_range(got, 1, size);
        used += (size_t) got;
    }
    ret->closed = strstr(ret->head, "Connection: close\r\n") != NULL;
}

// rig_ask sends the bytes on a connection of its own and reads one answer.
static inline answer rig_ask(const rig *r, const char *text)
{
    answer got;
    int fd = rig_connect(r);
    rig_send(fd, text);
    rig_receive(fd, strncmp(text, "HEAD ", 5) == 0, &got);
    close(fd);
    return got;
}

// rig_request makes the request from its parts; headers are whole lines, body may be NULL.
static inline answer rig_request(const rig *r, const char *method, const char *path,
                                 const char *headers, const char *body)
{
    char text[8192];
    char length[64] = "";
    if (body != NULL) {
        (void) snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    }
    int size = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n%s",
                        method, path, headers, length, body != NULL ? body : "");
    assert_in_range(size, 1, sizeof text - 1);
    return rig_ask(r, text);
}

#define JSON_TYPE "Content-Type: application/json\r\n"

static inline void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("no %s in %s", part, text);
    }
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part) != NULL) {
        fail_msg("%s in %s", part, text);
    }
}

// A problem with this status and code.
static inline void assert_problem(const answer *got, int http_status, const char *code)
{
    char wanted[64];
    assert_int_equal(got->http_status, http_status);
    assert_has(got->head, "Content-Type: application/problem+json\r\n");
    (void) snprintf(wanted, sizeof wanted, "\"status\":%d,", http_status);
    assert_has(got->body, wanted);
    (void) snprintf(wanted, sizeof wanted, "\"code\":\"%s\"", code);
    assert_has(got->body, wanted);
}

#endif
