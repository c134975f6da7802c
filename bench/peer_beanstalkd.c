// peer_beanstalkd - beanstalkd with its log on disk, driven by its own text protocol.
#include "bench/peer.h"
#include "bench/peer_host.h"
#include "bench/pump.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESERVED      "RESERVED "
#define MOST_ID_CHARS 20

static status *start(const bench_options *options, void **ret_own)
{
    char address[4200], data[4200], listen_flag[] = "-l", data_flag[] = "-b", fsync_flag[] = "-f0";
    AUTO(peer_host) host = NULL;
    AUTO_FREE char *program = peer_find_program("beanstalkd");
    status *failure = peer_host_new(options, &host);
    if (failure)
        return failure;
    (void) snprintf(address, sizeof address, "unix:%s", peer_host_socket(host));
    (void) snprintf(data, sizeof data, "%s/data", peer_host_folder(host));
    char *argv[] = {program, listen_flag, address, data_flag, data, fsync_flag, NULL};
    failure = peer_host_start(host, argv, false);
    if (!failure)
        *ret_own = TAKE(host);
    return failure;
}

static void stop(void *own)
{
    peer_host_free(own);
}

typedef struct run {
    const peer_task *task;
    int64_t asked;  // jobs so far, by all connections
    buf *done;      // of each connection: deletes of what it has
    int *held;      // and how many
} run;

// ---- enqueue ----

static int ask_put(void *data, int connection, buf *out)
{
    run *r = data;
    (void) connection;
    if (r->asked >= r->task->jobs)
        return 0;
    for (int i = 0; i < r->task->batch; i++)
        buf_append_format(out, "put 0 0 600 %d\r\n%s\r\n", PEER_PAYLOAD_BYTES, peer_payload);
    r->asked += r->task->batch;
    return r->task->batch;
}

// line_size is the size of a line with its end; 0: it is not whole.
static size_t line_size(const char *bytes, size_t size)
{
    const char *end = memchr(bytes, '\n', size);
    return end ? (size_t) (end - bytes) + 1 : 0;
}

static ssize_t take_line(const char *bytes, size_t size, const char *expected)
{
    size_t line = line_size(bytes, size), length = strlen(expected);
    if (line == 0)
        return 0;
    return line > length && memcmp(bytes, expected, length) == 0 ? (ssize_t) line : -1;
}

static ssize_t take_put(void *data, int connection, const char *bytes, size_t size)
{
    (void) data;
    (void) connection;
    return take_line(bytes, size, "INSERTED ");
}

// ---- drain ----

// What is held is deleted in the same breath as the next jobs are asked for.
static int ask_jobs(void *data, int connection, buf *out)
{
    run *r = data;
    buf *done = &r->done[connection];
    int replies = r->held[connection];
    buf_append(out, done->bytes, done->size);
    buf_clear(done);
    r->held[connection] = 0;
    for (int i = 0; r->asked < r->task->jobs && i < r->task->batch; i++) {
        buf_append_text(out, "reserve-with-timeout 0\r\n");
        r->asked++;
        replies++;
    }
    return replies;
}

static ssize_t take_job(void *data, int connection, const char *bytes, size_t size)
{
    run *r = data;
    if (bytes[0] == 'D')
        return take_line(bytes, size, "DELETED");
    ssize_t line = take_line(bytes, size, RESERVED);
    if (line <= 0)
        return line;
    if (size < (size_t) line + PEER_PAYLOAD_BYTES + 2)
        return 0;
    const char *id = bytes + strlen(RESERVED);
    buf_append_format(&r->done[connection], "delete %.*s\r\n", (int) strcspn(id, " \r"), id);
    r->held[connection]++;
    return line + PEER_PAYLOAD_BYTES + 2;
}

// ---- both ----

static status *run_pump(const peer_host *host, const peer_task *task, pump *how, peer_result *ret)
{
    int held[64] = {0};
    buf done[64] = {{0}};
    run r = {.task = task, .done = done, .held = held};
    how->path = peer_host_socket(host);
    how->connections = task->clients;
    how->timeout_s = task->timeout_s;
    how->data = &r;
    double server_s = peer_host_cpu_s(host), own_s = usage_cpu_s(getpid());
    status *failure = pump_run(how, &ret->seconds);
    ret->server_cpu_s = peer_host_cpu_s(host) - server_s;
    ret->client_cpu_s = usage_cpu_s(getpid()) - own_s;
    for (int i = 0; i < task->clients; i++)
        buf_fini(&done[i]);
    return failure;
}

static status *enqueue(void *own, const peer_task *task, peer_result *ret)
{
    pump how = {.ask = ask_put, .take = take_put};
    return run_pump(own, task, &how, ret);
}

static status *drain(void *own, const peer_task *task, peer_result *ret)
{
    pump how = {.ask = ask_jobs, .take = take_job};
    return run_pump(own, task, &how, ret);
}

const peer peer_beanstalkd = {
    .name = "beanstalkd",
    .durable = "every command (-f0); no result",
    .programs = "skipped: beanstalkd is not installed",
    .program = "beanstalkd",
    .share = 10,
    .start = start,
    .stop = stop,
    .enqueue = enqueue,
    .drain = drain,
};
