// peer_postgres - a table as a queue, rows taken with FOR UPDATE SKIP LOCKED. A job is locked by
// the transaction in which it is worked on, and gone with its commit.
#include "base/buf.h"
#include "bench/peer.h"
#include "bench/peer_host.h"
#include "bench/usage.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_CLIENTS  64
#define INFO_SIZE     4300
#define START_SECONDS 20

typedef struct run {
    const peer_task *task;
    int64_t asked;                    // jobs so far, by all connections
    const char *first, *next, *last;  // statements; last: after all the others, NULL: none
    PGconn *each[MOST_CLIENTS];
    enum { FRESH, GOING, ENDING, THROUGH } where[MOST_CLIENTS];
    int active;
} run;

static status *complain(const char *message)
{
    return status_new(STATUS_INTERNAL, "%.*s", (int) strcspn(message, "\n"), message);
}

static void conninfo(const peer_host *host, char *ret, size_t size)
{
    (void) snprintf(ret, size, "host=%s port=5432 user=postgres dbname=postgres",
                    peer_host_folder(host));
}

static status *connect_to(const peer_host *host, PGconn **ret)
{
    char how[INFO_SIZE];
    conninfo(host, how, sizeof how);
    *ret = PQconnectdb(how);
    return PQstatus(*ret) == CONNECTION_OK ? NULL : complain(PQerrorMessage(*ret));
}

// It listens before it takes anybody.
static status *wait_until_open(const peer_host *host)
{
    char how[INFO_SIZE];
    const struct timespec pause = {.tv_nsec = 10 * 1000000L};
    double end_s = monotonic_s() + START_SECONDS;
    conninfo(host, how, sizeof how);
    while (PQping(how) != PQPING_OK) {
        if (monotonic_s() > end_s)
            return status_new(STATUS_DEADLINE_EXCEEDED, "it was not ready in time");
        (void) nanosleep(&pause, NULL);
    }
    return NULL;
}

static status *execute(PGconn *c, const char *statements)
{
    PGresult *result = PQexec(c, statements);
    ExecStatusType type = PQresultStatus(result);
    PQclear(result);
    return type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK ? NULL : complain(PQerrorMessage(c));
}

// ---- one connection ----

// What a connection asks next; NULL: it is through.
static const char *next_statement(run *r, int i)
{
    if (r->asked < r->task->jobs) {
        bool fresh = r->where[i] == FRESH;
        r->asked += r->task->batch;
        r->where[i] = GOING;
        return fresh ? r->first : r->next;
    }
    if (r->where[i] == GOING && r->last) {
        r->where[i] = ENDING;
        return r->last;
    }
    r->where[i] = THROUGH;
    r->active--;
    return NULL;
}

static status *ask(run *r, int i)
{
    const char *statement = next_statement(r, i);
    return !statement || PQsendQuery(r->each[i], statement) ? NULL
                                                            : complain(PQerrorMessage(r->each[i]));
}

// take_results reads all answers to what was asked, when they are there.
static status *take_results(run *r, int i, bool *ret_all)
{
    PGconn *c = r->each[i];
    *ret_all = false;
    if (!PQconsumeInput(c))
        return complain(PQerrorMessage(c));
    while (!PQisBusy(c)) {
        PGresult *result = PQgetResult(c);
        ExecStatusType type = PQresultStatus(result);
        PQclear(result);
        *ret_all = !result;
        if (!result)
            return NULL;
        if (type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK)
            return complain(PQerrorMessage(c));
    }
    return NULL;
}

static status *serve(run *r, int i)
{
    bool all;
    status *failure = take_results(r, i, &all);
    return failure || !all ? failure : ask(r, i);
}

// ---- all of them ----

static status *turn(run *r)
{
    struct pollfd sockets[MOST_CLIENTS];
    status *failure = NULL;
    for (int i = 0; i < r->task->clients; i++)
        sockets[i] = (struct pollfd){.fd = r->where[i] == THROUGH ? -1 : PQsocket(r->each[i]),
                                     .events = POLLIN};
    (void) poll(sockets, (nfds_t) r->task->clients, 100);
    for (int i = 0; !failure && i < r->task->clients; i++)
        if (sockets[i].revents)
            failure = serve(r, i);
    return failure;
}

static status *run_all(run *r, double *ret_seconds)
{
    status *failure = NULL;
    double start_s = monotonic_s(), end_s = start_s + (double) r->task->timeout_s;
    r->active = r->task->clients;
    for (int i = 0; !failure && i < r->task->clients; i++)
        failure = ask(r, i);
    while (!failure && r->active > 0)
        failure = monotonic_s() < end_s ? turn(r)
                                        : status_new(STATUS_DEADLINE_EXCEEDED, "not over in time");
    *ret_seconds = monotonic_s() - start_s;
    return failure;
}

// Statements are prepared once a connection, so that only their execution is measured.
static status *open_all(const peer_host *host, run *r, const char *prepare)
{
    status *failure = NULL;
    for (int i = 0; !failure && i < r->task->clients; i++) {
        failure = connect_to(host, &r->each[i]);
        if (!failure)
            failure = execute(r->each[i], prepare);
    }
    return failure;
}

static status *measure(const peer_host *host, run *r, const char *prepare, peer_result *ret)
{
    status *failure = open_all(host, r, prepare);
    double server_s = peer_host_cpu_s(host), own_s = usage_cpu_s(getpid());
    if (!failure)
        failure = run_all(r, &ret->seconds);
    ret->server_cpu_s = peer_host_cpu_s(host) - server_s;
    ret->client_cpu_s = usage_cpu_s(getpid()) - own_s;
    for (int i = 0; i < r->task->clients; i++)
        PQfinish(r->each[i]);
    return failure;
}

// A batch is one statement with an array of payloads.
static char *put_statement(int batch)
{
    AUTO_BUF text = {0};
    buf_append_text(&text, "EXECUTE put('{");
    for (int i = 0; i < batch; i++)
        buf_append_format(&text, "%s\"%s\"", i ? "," : "", peer_payload);
    buf_append_text(&text, "}')");
    const char *whole = buf_text(&text);
    return whole ? strdup(whole) : NULL;
}

static status *enqueue(void *own, const peer_task *task, peer_result *ret)
{
    AUTO_FREE char *put = put_statement(task->batch);
    run r = {.task = task, .first = put, .next = put};
    if (!put)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    return measure(own, &r, "PREPARE put(text[]) AS INSERT INTO job(payload) SELECT unnest($1)",
                   ret);
}

static status *drain(void *own, const peer_task *task, peer_result *ret)
{
    char prepare[512];
    run r = {.task = task,
             .first = "BEGIN; EXECUTE take",
             .next = "COMMIT; BEGIN; EXECUTE take",
             .last = "COMMIT"};
    (void) snprintf(prepare, sizeof prepare,
                    "PREPARE take AS DELETE FROM job WHERE id = ANY(ARRAY(SELECT id FROM job "
                    "ORDER BY id LIMIT %d FOR UPDATE SKIP LOCKED)) RETURNING id, payload",
                    task->batch);
    return measure(own, &r, prepare, ret);
}

// ---- the server ----

static status *make_data(peer_host *host)
{
    char folder[4200], sync_flag[] = "--no-sync", quiet[] = "--auth=trust", user[] = "-Upostgres";
    char data_flag[] = "-D";
    AUTO_FREE char *program = peer_find_program("initdb");
    if (!program)
        return status_new(STATUS_NOT_FOUND, "no initdb");
    (void) snprintf(folder, sizeof folder, "%s/data", peer_host_folder(host));
    char *argv[] = {program, data_flag, folder, quiet, user, sync_flag, NULL};
    return peer_host_run(host, argv, true);
}

static status *start_server(peer_host *host)
{
    char data[4200];
    AUTO_FREE char *program = peer_find_program("postgres");
    (void) snprintf(data, sizeof data, "%s/data", peer_host_folder(host));
    const char *const words[] = {program,
                                 "-D",
                                 data,
                                 "-k",
                                 peer_host_folder(host),
                                 "-c",
                                 "listen_addresses=",
                                 "-c",
                                 "log_min_messages=panic",
                                 "-c",
                                 "fsync=on",
                                 "-c",
                                 "synchronous_commit=on",
                                 NULL};
    char *argv[sizeof words / sizeof words[0]];
    memcpy(argv, words, sizeof words);  // exec does not write to them
    return peer_host_start(host, argv, true);
}

static status *make_table(const peer_host *host)
{
    PGconn *c = NULL;
    status *failure = connect_to(host, &c);
    if (!failure)
        failure = execute(c, "CREATE TABLE job(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
                             " payload text NOT NULL)");
    PQfinish(c);
    return failure;
}

static status *start(const bench_options *options, void **ret_own)
{
    AUTO(peer_host) host = NULL;
    status *failure = peer_host_new(options, &host);
    if (failure)
        return failure;
    peer_host_name_socket(host, ".s.PGSQL.5432");
    failure = make_data(host);
    if (!failure)
        failure = start_server(host);
    if (!failure)
        failure = wait_until_open(host);
    if (!failure)
        failure = make_table(host);
    if (!failure)
        *ret_own = TAKE(host);
    return failure;
}

static void stop(void *own)
{
    peer_host_free(own);
}

const peer peer_postgres = {
    .name = "PostgreSQL",
    .durable = "every transaction; no result",
    .programs = "skipped: postgresql is not installed",
    .program = "postgres",
    .share = 1,
    .start = start,
    .stop = stop,
    .enqueue = enqueue,
    .drain = drain,
};
