// scenario_backlog - very many queued jobs: what one costs in memory and on disk, what new ones
// cost behind them, how soon a server is there again, and what is left when they are gone.
#include "bench/place.h"
#include "bench/scenario.h"
#include "bench/server.h"
#include "bench/usage.h"

#include "errand/v1/queue_service.pb-c.h"

#include <stdio.h>

#define ROUNDS     5
#define ROUND_JOBS 2000
#define FEW        1000
#define FULL_SHARE 2  // times --backlog: 10,000,000 unless it is said otherwise
#define PURGE_MS   (INT64_C(20) * 60 * 1000)

typedef struct bench {
    const bench_options *options;
    place_case cases[2];
    place *few, *many;
    const char *row;
    report *report;
} bench;

static void add(const bench *b, const char *name, const char *unit, double value)
{
    report_add(b->report, b->row, name, unit, value);
}

// A queued job's memory is what a server has more than one with hardly any.
static void add_memory(const bench *b)
{
    double few = usage_rss_mib(server_pid(place_server(b->few)));
    double many = usage_rss_mib(server_pid(place_server(b->many)));
    double jobs = (double) b->cases[1].backlog;
    add(b, "memory, queued", "bytes/job", (many > few ? many - few : 0) * 1024 * 1024 / jobs);
}

static status *purge(const bench *b)
{
    char queue[] = "default";
    ProtobufCMessage *reply;
    AUTO(rpc_client) client = NULL;
    Errand__V1__PurgeQueueRequest request = ERRAND__V1__PURGE_QUEUE_REQUEST__INIT;
    const rpc_call_options options = {.timeout_ms = PURGE_MS};
    request.queue = queue;
    status *failure = server_client(place_server(b->many), &client);
    double start_s = monotonic_s();
    if (!failure)
        failure = rpc_client_call(client, &errand__v1__queue_service__descriptor, "Purge",
                                  &request.base, &options, &reply);
    if (failure)
        return failure;
    double count = (double) ((const Errand__V1__PurgeQueueResponse *) reply)->count;
    protobuf_c_message_free_unpacked(reply, NULL);
    add(b, "purge rate", "jobs/s", count / (monotonic_s() - start_s));
    return NULL;
}

// A server that was stopped starts over the same folder.
static status *restart(const bench *b, const char *name)
{
    double seconds;
    status *failure = server_restart(b->options, 0, place_server(b->many), &seconds);
    if (!failure)
        add(b, name, "ms", seconds * 1000);
    return failure;
}

static status *take_away(const bench *b)
{
    status *failure = restart(b, "start, all queued");
    if (!failure)
        failure = purge(b);
    if (!failure)
        failure = restart(b, "start, none queued");
    if (!failure)
        add(b, "store size, none queued", "MiB", server_folder_mib(place_server(b->many)));
    return failure;
}

static status *measure(const bench *b)
{
    status *failure = NULL;
    size_t jobs = (size_t) scenario_count(b->options, ROUND_JOBS);
    for (int i = 0; !failure && i < ROUNDS; i++) {
        failure = place_measure(b->few, jobs);
        if (!failure)
            failure = place_measure(b->many, jobs);
    }
    if (failure)
        return failure;
    place_report(b->few, b->few, b->report);
    place_report(b->many, b->few, b->report);
    return take_away(b);
}

static status *open_and_measure(bench *b)
{
    status *failure = place_open(b->options, &b->cases[0], &b->few);
    if (!failure)
        failure = place_open(b->options, &b->cases[1], &b->many);
    if (failure)
        return failure;
    add_memory(b);
    failure = measure(b);
    if (!failure)
        failure = place_stop(TAKE(b->many));
    return failure ? failure : place_stop(TAKE(b->few));
}

status *scenario_backlog(const bench_options *options, report *r)
{
    char row[REPORT_ROW_SIZE];
    bench b = {.options = options, .row = row, .report = r};
    int64_t full = options->backlog * FULL_SHARE;
    (void) snprintf(row, sizeof row, "%.3g million queued", (double) full / 1e6);
    b.cases[0] = (place_case){.row = "1k queued", .backlog = FEW};
    b.cases[1] = (place_case){.row = row, .backlog = full};
    status *failure = open_and_measure(&b);
    place_close(b.few);
    place_close(b.many);
    return failure;
}
