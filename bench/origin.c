// origin - one thread, one libuv loop. Requests come one at a time on each connection, as curl
// sends them; connections are kept. A body must fit beside its head. GET /count tells how many
// came. All answers are delayed equally: so they stand in line, with one timer for the first.
#include "bench/origin.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#define REQUEST_SIZE  8192
#define COUNT_REQUEST "GET /count "

static char *answer;  // the same for every request
static size_t answer_size;
static uint64_t delay_ms;
static size_t request_count;

typedef struct connection {
    uv_tcp_t stream;
    uv_write_t write;
    uint64_t due_ms;  // of its answer, while it stands in line
    bool is_in_line;
    struct connection *prev, *next;
    size_t size;
    char request[REQUEST_SIZE];
} connection;

static connection *line;  // a list, by due_ms
static uv_timer_t line_timer;

static void connection_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void leave_line(connection *c)
{
    if (c->is_in_line)
        DL_DELETE(line, c);
    c->is_in_line = false;
}

static void close_connection(connection *c)
{
    if (uv_is_closing((uv_handle_t *) &c->stream))
        return;
    leave_line(c);
    uv_close((uv_handle_t *) &c->stream, connection_closed);
}

static void write_done(uv_write_t *write, int error)
{
    if (error)
        close_connection(write->data);
}

// Nearly always the socket takes the whole answer at once, without a request object.
static void send_answer(connection *c)
{
    uv_buf_t all = uv_buf_init(answer, (unsigned) answer_size);
    int sent = uv_try_write((uv_stream_t *) &c->stream, &all, 1);
    if (sent == UV_EAGAIN)
        sent = 0;
    if (sent < 0) {
        close_connection(c);
        return;
    }
    if ((size_t) sent == answer_size)
        return;
    uv_buf_t rest = uv_buf_init(answer + sent, (unsigned) (answer_size - (size_t) sent));
    if (uv_write(&c->write, (uv_stream_t *) &c->stream, &rest, 1, write_done) != 0)
        close_connection(c);
}

static void delay_over(uv_timer_t *timer)
{
    uint64_t now_ms = uv_now(timer->loop);
    for (connection *c = line; c && c->due_ms <= now_ms; c = line) {
        leave_line(c);
        send_answer(c);
    }
    if (line)
        uv_timer_start(timer, delay_over, line->due_ms - now_ms, 0);
}

static void enter_line(connection *c)
{
    c->due_ms = uv_now(c->stream.loop) + delay_ms;
    if (!line)
        uv_timer_start(&line_timer, delay_over, delay_ms, 0);
    DL_APPEND(line, c);
    c->is_in_line = true;
}

static void give_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret)
{
    connection *c = handle->data;
    (void) wanted;
    *ret = uv_buf_init(c->request + c->size,
                       (unsigned) (REQUEST_SIZE - 1 - c->size));  // a NUL at the end
}

// The head, and as many bytes behind it as that says.
static bool is_whole(connection *c)
{
    c->request[c->size] = '\0';
    const char *end = strstr(c->request, "\r\n\r\n");
    const char *length = end ? strcasestr(c->request, "\r\ncontent-length:") : NULL;
    size_t body = length && length < end ? strtoul(strchr(length, ':') + 1, NULL, 10) : 0;
    return end && c->size >= (size_t) (end - c->request) + 4 + body;
}

static void send_count(connection *c)
{
    char text[128], body[24];
    int size = snprintf(body, sizeof body, "%zu\n", request_count);
    size =
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body);
    uv_buf_t all = uv_buf_init(text, (unsigned) size);
    if (uv_try_write((uv_stream_t *) &c->stream, &all, 1) != size)
        close_connection(c);
}

static void received(uv_stream_t *stream, ssize_t size, const uv_buf_t *bytes)
{
    connection *c = stream->data;
    (void) bytes;
    if (size < 0) {
        close_connection(c);
        return;
    }
    c->size += (size_t) size;
    if (!is_whole(c))
        return;
    c->size = 0;
    if (strncmp(c->request, COUNT_REQUEST, strlen(COUNT_REQUEST)) == 0) {
        send_count(c);
        return;
    }
    request_count++;
    if (delay_ms)
        enter_line(c);
    else
        send_answer(c);
}

static void accept_connection(uv_stream_t *listener, int error)
{
    connection *c = error ? NULL : malloc(sizeof *c);
    if (!c)
        return;
    uv_tcp_init(listener->loop, &c->stream);
    c->stream.data = c->write.data = c;
    c->is_in_line = false;
    c->size = 0;
    if (uv_accept(listener, (uv_stream_t *) &c->stream) != 0 ||
        uv_read_start((uv_stream_t *) &c->stream, give_room, received) != 0) {
        close_connection(c);
        return;
    }
    uv_tcp_nodelay(&c->stream, 1);
}

static int make_answer(size_t body)
{
    answer = malloc(body + 256);
    if (!answer)
        return UV_ENOMEM;
    int head = snprintf(
        answer, 256, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
        body);
    memset(answer + head, 'x', body);
    answer_size = (size_t) head + body;
    return 0;
}

static int listen_and_print(uv_loop_t *loop, uv_tcp_t *listener)
{
    struct sockaddr_in address;
    int size = sizeof address;
    uv_tcp_init(loop, listener);
    int error = uv_ip4_addr("127.0.0.1", 0, &address);
    if (!error)
        error = uv_tcp_bind(listener, (struct sockaddr *) &address, 0);
    if (!error)
        error = uv_listen((uv_stream_t *) listener, 4096, accept_connection);
    if (!error)
        error = uv_tcp_getsockname(listener, (struct sockaddr *) &address, &size);
    if (error)
        return error;
    printf("listening origin http://127.0.0.1:%d/\n", ntohs(address.sin_port));
    return fflush(stdout);
}

static void stop(uv_signal_t *signal, int number)
{
    (void) number;
    uv_stop(signal->loop);
}

int origin_serve(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t listener;
    uv_signal_t on_term;
    if (argc != 2)
        return 2;
    delay_ms = strtoull(argv[1], NULL, 10);
    int error = make_answer(strtoull(argv[0], NULL, 10));
    if (!error)
        error = uv_signal_init(loop, &on_term);
    if (!error)
        error = uv_timer_init(loop, &line_timer);
    if (!error)
        error = uv_signal_start(&on_term, stop, SIGTERM);
    if (!error)
        error = listen_and_print(loop, &listener);
    if (error) {
        (void) fprintf(stderr, "origin: %s\n", uv_strerror(error));
        return 1;
    }
    uv_run(loop, UV_RUN_DEFAULT);
    _Exit(0);  // nothing of it is to be kept
}

status *origin_start(int64_t body_bytes, int64_t delay, child **ret)
{
    char body_text[24], delay_text[24];
    (void) snprintf(body_text, sizeof body_text, "%lld", (long long) body_bytes);
    (void) snprintf(delay_text, sizeof delay_text, "%lld", (long long) delay);
    const char *arguments[] = {"serve-origin", body_text, delay_text, NULL};
    return child_start_self(arguments, 1, ret);
}
