// scenario_forward - URLs come over HTTP, are fetched, and what came is posted on: by Errand, with
// everything on disk, and by a program with a pool of threads, which keeps nothing.
#include "bench/child.h"
#include "bench/folder.h"
#include "bench/http_host.h"
#include "bench/origin.h"
#include "bench/pump.h"
#include "bench/scenario.h"
#include "bench/usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS 32
#define LOOK_MS     20
#define PYTHON      "/usr/bin/python3"
#define URL_SIZE    128
#define PATH_SIZE   (FOLDER_PATH_SIZE + 32)

typedef struct contestant {
    const char *name;
    const char *durable;
    const char *threads;  // of the pool; NULL: it is Errand
    int64_t fast_jobs, slow_jobs;
} contestant;

// As many jobs as take some seconds.
// clang-format off
static const contestant contestants[] = {
    {"Errand",              "job, lease, result, callback", NULL, 20000, 20000},
    {"aiohttp, 6 threads",  "nothing",                      "6",  4000,  300},
    {"aiohttp, 64 threads", "nothing",                      "64", 4000,  3000},
};
// clang-format on

typedef struct run {
    const bench_options *options;
    const contestant *who;
    child *origin, *sink, *program;
    char folder[FOLDER_PATH_SIZE];
    int64_t jobs, asked;
    char body[4 * URL_SIZE];
    int64_t counted;  // by the sink
} run;

// ---- programs ----

static status *start_errandd(run *r)
{
    char program[PATH_SIZE], data[PATH_SIZE], workers[24];
    (void) snprintf(program, sizeof program, "%s", r->options->errandd);
    (void) snprintf(data, sizeof data, "%s/data", r->folder);
    (void) snprintf(workers, sizeof workers, "%lld", (long long) r->options->workers);
    char data_flag[] = "--data", rpc_flag[] = "--rpc", results_flag[] = "--results";
    char http_flag[] = "--http", any_http[] = "127.0.0.1:0", any_port[] = "tcp://127.0.0.1:0";
    char workers_flag[] = "--workers", level_flag[] = "--log-level", level[] = "warn";
    char *argv[] = {program,      data_flag,  data,      rpc_flag, any_port,
                    results_flag, any_port,   http_flag, any_http, workers_flag,
                    workers,      level_flag, level,     NULL};
    (void) snprintf(r->body, sizeof r->body,
                    "{\"http\":{\"url\":\"%s\"},\"callback\":{\"url\":\"%s\",\"format\":\"RAW\"}}",
                    child_url(r->origin, "origin", 0), child_url(r->sink, "origin", 0));
    return child_start(argv, 3, &r->program);
}

static status *start_peer(run *r)
{
    char python[] = PYTHON, script[] = ERRAND_BENCH_FORWARD_PEER, threads[24], sink[URL_SIZE];
    (void) snprintf(threads, sizeof threads, "%s", r->who->threads);
    (void) snprintf(sink, sizeof sink, "%s", child_url(r->sink, "origin", 0));
    char *argv[] = {python, script, threads, sink, NULL};
    (void) snprintf(r->body, sizeof r->body, "{\"url\":\"%s\"}", child_url(r->origin, "origin", 0));
    return child_start(argv, 1, &r->program);
}

static int port_of(const child *c, const char *name)
{
    const char *url = child_url(c, name, 0);
    const char *colon = url ? strrchr(url, ':') : NULL;
    return colon ? (int) strtol(colon + 1, NULL, 10) : 0;
}

// ---- HTTP, as much as it takes ----

static ssize_t answer_size(const char *bytes, size_t size, const char **ret_body)
{
    const char *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    char head[2048];
    size_t length = (size_t) (end - bytes);
    if (length >= sizeof head || size < 10 || bytes[9] != '2')
        return -1;
    memcpy(head, bytes, length);
    head[length] = '\0';
    const char *field = strcasestr(head, "\r\ncontent-length:");
    size_t body = field ? strtoul(strchr(field, ':') + 1, NULL, 10) : 0;
    *ret_body = end + 4;
    return size < length + 4 + body ? 0 : (ssize_t) (length + 4 + body);
}

static int ask_post(void *data, int connection, buf *out)
{
    run *r = data;
    (void) connection;
    if (r->asked++ >= r->jobs)
        return 0;
    buf_append_format(out,
                      "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      r->who->threads ? "/jobs" : "/v1/jobs", strlen(r->body), r->body);
    return 1;
}

static ssize_t take_answer(void *data, int connection, const char *bytes, size_t size)
{
    const char *ignored;
    (void) data;
    (void) connection;
    return answer_size(bytes, size, &ignored);
}

// The sink is asked again and again, with a pause, until it has everything.
static int ask_count(void *data, int connection, buf *out)
{
    run *r = data;
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    (void) connection;
    if (r->counted >= r->jobs)
        return 0;
    (void) nanosleep(&pause, NULL);
    buf_append_text(out, "GET /count HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    return 1;
}

static ssize_t take_count(void *data, int connection, const char *bytes, size_t size)
{
    run *r = data;
    const char *body;
    (void) connection;
    ssize_t whole = answer_size(bytes, size, &body);
    if (whole > 0)
        r->counted = strtoll(body, NULL, 10);
    return whole;
}

// ---- measuring ----

static status *work(run *r, double *ret_seconds)
{
    double ignored, start_s = monotonic_s();
    const pump post = {.port = port_of(r->program, "http"),
                       .connections = CONNECTIONS,
                       .timeout_s = r->options->timeout_s,
                       .data = r,
                       .ask = ask_post,
                       .take = take_answer};
    const pump look = {.port = port_of(r->sink, "origin"),
                       .connections = 1,
                       .timeout_s = r->options->timeout_s,
                       .data = r,
                       .ask = ask_count,
                       .take = take_count};
    status *failure = pump_run(&post, &ignored);
    if (!failure)
        failure = pump_run(&look, &ignored);
    *ret_seconds = monotonic_s() - start_s;
    return failure;
}

static status *start_all(run *r, int64_t delay_ms)
{
    status *failure = folder_make(r->options, r->folder);
    if (!failure)
        failure = origin_start(r->options->body, delay_ms, &r->origin);
    if (!failure)
        failure = origin_start(0, 0, &r->sink);
    if (failure)
        return failure;
    return r->who->threads ? start_peer(r) : start_errandd(r);
}

static status *measure(run *r, int64_t delay_ms, const char *row, report *figures)
{
    double seconds, jobs = (double) r->jobs;
    status *failure = start_all(r, delay_ms);
    if (failure)
        return failure;
    double cpu_s = usage_cpu_s(child_pid(r->program));
    failure = work(r, &seconds);
    if (failure)
        return failure;
    report_add(figures, row, "rate", "jobs/s", jobs / seconds);
    report_add(figures, row, "cpu", "us/job",
               (usage_cpu_s(child_pid(r->program)) - cpu_s) * 1e6 / jobs);
    report_add(figures, row, "peak memory", "MiB", usage_peak_rss_mib(child_pid(r->program)));
    report_durable(figures, row, r->who->durable);
    return child_stop(TAKE(r->program));
}

static status *run_one(const bench_options *options, const contestant *who, int64_t delay_ms,
                       report *figures)
{
    char row[REPORT_ROW_SIZE];
    run r = {.options = options, .who = who};
    r.jobs = scenario_count(options, delay_ms ? who->slow_jobs : who->fast_jobs);
    (void) snprintf(row, sizeof row, "%s: %s", who->name, delay_ms ? "slow origin" : "fast origin");
    status *failure = measure(&r, delay_ms, row, figures);
    child_kill(r.program);
    child_kill(r.origin);
    child_kill(r.sink);
    folder_remove(r.folder);
    return failure;
}

status *scenario_forward(const bench_options *options, report *r)
{
    status *failure = NULL;
    bool peers = http_host_has_aiohttp();
    for (size_t i = 0; !failure && i < sizeof contestants / sizeof contestants[0]; i++) {
        const contestant *who = &contestants[i];
        if (who->threads && !peers) {
            report_skip(r, who->name, "skipped: python3-aiohttp is not installed");
            continue;
        }
        failure = run_one(options, who, 0, r);
        if (!failure)
            failure = run_one(options, who, options->delay_ms, r);
    }
    return failure;
}
