// peer_redis - a stream with a consumer group on a Redis that syncs its log before each answer.
#include "bench/peer.h"
#include "bench/peer_host.h"
#include "bench/pump.h"
#include "bench/resp.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_CLIENTS 64

typedef struct run {
    const peer_task *task;
    int64_t asked;               // jobs so far, by all connections
    buf ids[MOST_CLIENTS];       // of the jobs that each connection has
    size_t count[MOST_CLIENTS];  // and how many
} run;

static status *run_pump(const peer_host *host, run *r, pump *how, peer_result *ret)
{
    how->path = peer_host_socket(host);
    how->connections = r->task->clients;
    how->timeout_s = r->task->timeout_s;
    how->data = r;
    double server_s = peer_host_cpu_s(host), own_s = usage_cpu_s(getpid());
    status *failure = pump_run(how, &ret->seconds);
    ret->server_cpu_s = peer_host_cpu_s(host) - server_s;
    ret->client_cpu_s = usage_cpu_s(getpid()) - own_s;
    for (int i = 0; i < r->task->clients; i++)
        buf_fini(&r->ids[i]);
    return failure;
}

// ---- enqueue ----

static int ask_add(void *data, int connection, buf *out)
{
    static const char *const words[] = {"XADD", "jobs", "*", "d"};
    run *r = data;
    (void) connection;
    if (r->asked >= r->task->jobs)
        return 0;
    for (int i = 0; i < r->task->batch; i++) {
        resp_append_command(out, words, 4, 1);
        resp_append_text(out, peer_payload, PEER_PAYLOAD_BYTES);
    }
    r->asked += r->task->batch;
    return r->task->batch;
}

static ssize_t take_any(void *data, int connection, const char *bytes, size_t size)
{
    (void) data;
    (void) connection;
    return resp_value_size(bytes, size);
}

static status *enqueue(void *own, const peer_task *task, peer_result *ret)
{
    run r = {.task = task};
    pump how = {.ask = ask_add, .take = take_any};
    return run_pump(own, &r, &how, ret);
}

// ---- drain ----

// Acknowledged jobs are taken out of the stream too: otherwise it would keep them.
static int give_back(run *r, int connection, buf *out)
{
    static const char *const acknowledge[] = {"XACK", "jobs", "workers"};
    static const char *const remove[] = {"XDEL", "jobs"};
    buf *ids = &r->ids[connection];
    if (r->count[connection] == 0)
        return 0;
    resp_append_command(out, acknowledge, 3, r->count[connection]);
    buf_append(out, ids->bytes, ids->size);
    resp_append_command(out, remove, 2, r->count[connection]);
    buf_append(out, ids->bytes, ids->size);
    buf_clear(ids);
    r->count[connection] = 0;
    return 2;
}

static int ask_jobs(void *data, int connection, buf *out)
{
    run *r = data;
    char worker[16], count[16];
    int replies = give_back(r, connection, out);
    if (r->asked >= r->task->jobs)
        return replies;
    (void) snprintf(worker, sizeof worker, "w%d", connection);
    (void) snprintf(count, sizeof count, "%d", r->task->batch);
    const char *const words[] = {"XREADGROUP", "GROUP",   "workers", worker, "COUNT",
                                 count,        "STREAMS", "jobs",    ">"};
    resp_append_command(out, words, sizeof words / sizeof words[0], 0);
    r->asked += r->task->batch;
    return replies + 1;
}

static ssize_t take_jobs(void *data, int connection, const char *bytes, size_t size)
{
    run *r = data;
    ssize_t whole = resp_value_size(bytes, size);
    if (whole > 0 && bytes[0] == '*')
        r->count[connection] += (size_t) resp_entry_ids(bytes, (size_t) whole, &r->ids[connection]);
    return whole;
}

static status *drain(void *own, const peer_task *task, peer_result *ret)
{
    run r = {.task = task};
    pump how = {.ask = ask_jobs, .take = take_jobs};
    return run_pump(own, &r, &how, ret);
}

// ---- the server ----

static int ask_group(void *data, int connection, buf *out)
{
    static const char *const words[] = {"XGROUP", "CREATE", "jobs", "workers", "0", "MKSTREAM"};
    run *r = data;
    (void) connection;
    if (r->asked++ > 0)
        return 0;
    resp_append_command(out, words, 6, 0);
    return 1;
}

static status *make_group(const peer_host *host)
{
    peer_result ignored;
    const peer_task task = {.clients = 1, .timeout_s = 10};
    run r = {.task = &task};
    pump how = {.ask = ask_group, .take = take_any};
    return run_pump(host, &r, &how, &ignored);
}

static status *start(const bench_options *options, void **ret_own)
{
    char data[4200], log[4200];
    AUTO(peer_host) host = NULL;
    AUTO_FREE char *program = peer_find_program("redis-server");
    status *failure = peer_host_new(options, &host);
    if (failure)
        return failure;
    (void) snprintf(data, sizeof data, "%s/data", peer_host_folder(host));
    (void) snprintf(log, sizeof log, "%s/log", peer_host_folder(host));
    const char *const words[] = {program,
                                 "--port",
                                 "0",
                                 "--unixsocket",
                                 peer_host_socket(host),
                                 "--dir",
                                 data,
                                 "--save",
                                 "",
                                 "--logfile",
                                 log,
                                 "--appendonly",
                                 "yes",
                                 "--appendfsync",
                                 "always",
                                 NULL};
    char *argv[sizeof words / sizeof words[0]];
    memcpy(argv, words, sizeof words);  // exec does not write to them
    failure = peer_host_start(host, argv, false);
    if (!failure)
        failure = make_group(host);
    if (!failure)
        *ret_own = TAKE(host);
    return failure;
}

static void stop(void *own)
{
    peer_host_free(own);
}

const peer peer_redis = {
    .name = "Redis streams",
    .durable = "every command (appendfsync always); no result",
    .programs = "skipped: redis-server is not installed",
    .program = "redis-server",
    .share = 1,
    .start = start,
    .stop = stop,
    .enqueue = enqueue,
    .drain = drain,
};
