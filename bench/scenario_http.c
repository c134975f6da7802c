// scenario_http - POST of jobs and GET of results over HTTP: the gateway within errandd and alone,
// beside the same API on aiohttp and beside what civetweb can do at all, in turns.
#include "bench/http_host.h"
#include "bench/http_jobs.h"
#include "bench/scenario.h"
#include "bench/usage.h"
#include "bench/wrk.h"

#include <stdio.h>

#define CONNECTIONS 64
#define MANY        1000
#define PLACES      3000  // connections that errandd takes

typedef struct hosts {
    http_host *hello, *aiohttp, *errandd, *gateway;
    char script[1024];        // of the POSTs
    char id[UUID_TEXT_SIZE];  // of a finished job
} hosts;

typedef struct side {
    const char *name;
    const http_host *host;    // NULL: not there
    const http_host *behind;  // whose processor time counts too; NULL: none
    const char *done;         // id of the finished job
} side;

// ---- one measurement ----

typedef struct turn {
    const bench_options *options;
    const hosts *hosts;
    report *report;
    double hello, post, get;  // rates: civetweb's, aiohttp's; 0: not there
} turn;

static double cpu_s(const side *s)
{
    return usage_cpu_s(http_host_pid(s->host)) +
           (s->behind ? usage_cpu_s(http_host_pid(s->behind)) : 0);
}

// Measures and reports all but the comparisons.
static status *measure(turn *t, const side *s, const char *row, const wrk_load *load,
                       double *ret_rate)
{
    wrk_result result;
    double before = cpu_s(s);
    status *failure = wrk_run(load, &result);
    if (failure)
        return failure;
    double requests = result.requests > 0 ? result.requests : 1;
    report_add(t->report, row, "rate", "1/s", result.rate);
    report_add(t->report, row, "server cpu", "us/request", (cpu_s(s) - before) * 1e6 / requests);
    report_add(t->report, row, "p50", "ms", result.p50_s * 1e3);
    report_add(t->report, row, "p99", "ms", result.p99_s * 1e3);
    *ret_rate = result.rate;
    return NULL;
}

static status *measure_call(turn *t, const side *s, bool post, int connections)
{
    char row[REPORT_ROW_SIZE], url[256];
    double rate;
    const wrk_load load = {.url = url,
                           .script = post ? t->hosts->script : NULL,
                           .connections = connections,
                           .time_ms = t->options->time_ms};
    (void) snprintf(row, sizeof row, "%s: %s, %d", s->name, post ? "POST" : "GET", connections);
    const char *base = http_host_url(s->host);
    if (post)
        (void) snprintf(url, sizeof url, "%s/v1/jobs", base);
    else
        (void) snprintf(url, sizeof url, "%s/v1/jobs/%s/result", base, s->done);
    status *failure = measure(t, s, row, &load, &rate);
    if (failure)
        return failure;
    if (s->host == t->hosts->aiohttp && connections == CONNECTIONS)
        *(post ? &t->post : &t->get) = rate;
    double peer = post ? t->post : t->get;
    report_add(t->report, row, "of hello", "x", rate / t->hello);
    report_add(t->report, row, "of aiohttp", "x", peer > 0 ? rate / peer : 0);
    return NULL;
}

// ---- the turns ----

static status *measure_hello(turn *t)
{
    const side s = {.name = "civetweb hello", .host = t->hosts->hello};
    const wrk_load load = {
        .url = http_host_url(s.host), .connections = CONNECTIONS, .time_ms = t->options->time_ms};
    status *failure = measure(t, &s, s.name, &load, &t->hello);
    if (failure)
        return failure;
    report_add(t->report, s.name, "of hello", "x", 1);
    report_add(t->report, s.name, "of aiohttp", "x", 0);  // another task
    return NULL;
}

static status *take_turns(const bench_options *options, const hosts *h, report *r)
{
    turn t = {.options = options, .hosts = h, .report = r};
    const side sides[] = {
        {"aiohttp", h->aiohttp, NULL, "done"},
        {"embedded", h->errandd, NULL, h->id},
        {"stand-alone", h->gateway, h->errandd, h->id},
    };
    const int connections[] = {CONNECTIONS, (int) scenario_count(options, MANY)};
    status *failure = measure_hello(&t);
    for (size_t many = 0; many < 2; many++)
        for (size_t i = 0; !failure && i < sizeof sides / sizeof sides[0]; i++)
            for (int post = 1; !failure && sides[i].host && post >= 0; post--)
                failure = measure_call(&t, &sides[i], post, connections[many]);
    return failure;
}

static status *start_all(const bench_options *options, hosts *h)
{
    status *failure = http_host_start_hello(&h->hello);
    if (!failure && http_host_has_aiohttp())
        failure = http_host_start_aiohttp(&h->aiohttp);
    if (!failure)
        failure = http_host_start_errandd(options, PLACES, &h->errandd);
    if (!failure)
        failure = http_host_start_gateway(options, h->errandd, &h->gateway);
    if (failure)
        return failure;
    (void) snprintf(h->script, sizeof h->script, "%s/post.lua", http_host_folder(h->errandd));
    failure = http_jobs_submit(h->errandd, &h->id, 1);
    if (!failure)
        failure = http_jobs_finish(h->errandd, 1);
    return failure ? failure : wrk_write_post(h->script);
}

static status *stop_all(hosts *h)
{
    http_host *all[] = {h->gateway, h->errandd, h->aiohttp, h->hello};
    status *failure = NULL;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        status *wrong = http_host_stop(all[i]);
        if (!failure)
            failure = wrong;
        else
            status_free(wrong);
    }
    return failure;
}

static void abandon_all(hosts *h)
{
    http_host_abandon(h->gateway);
    http_host_abandon(h->errandd);
    http_host_abandon(h->aiohttp);
    http_host_abandon(h->hello);
}

status *scenario_http(const bench_options *options, report *r)
{
    hosts h = {.script = ""};
    if (!wrk_is_installed()) {
        report_skip(r, "wrk", "skipped: wrk is not installed");
        return NULL;
    }
    status *failure = start_all(options, &h);
    if (!failure)
        failure = take_turns(options, &h, r);
    if (!failure && !h.aiohttp)
        report_skip(r, "aiohttp", "skipped: python3-aiohttp is not installed");
    if (!failure)
        return stop_all(&h);
    abandon_all(&h);
    return failure;
}
