// sqlite_list - pages of jobs, newest first, at a bounded cost whatever the filter.
#include "store/sqlite_reader_internal.h"
#include "store/sqlite_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// A call ends at whichever it meets first; the caller goes on from there.
#define MAX_ROWS      10000
#define MAX_NS        INT64_C(50000000)
#define ROWS_A_LOOK   128  // rows between looks at the clock
#define MAX_PAGE_SIZE ((size_t) 8 << 20)

typedef struct scan {
    store_reader *reader;
    const store_filter *filter;
    int32_t *routes;  // of the filter's queue and kind, in order; NULL: any
    size_t route_count;
    store_job *jobs;
    size_t count, capacity, limit;
    size_t bytes;      // of the parts read
    size_t rows;       // looked at
    int64_t end_ns;    // when to stop
    int64_t last_seq;  // of the rows looked at
} scan;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int compare_routes(const void *a, const void *b)
{
    int32_t left = *(const int32_t *) a;
    int32_t right = *(const int32_t *) b;
    return left < right ? -1 : left > right;
}

static bool matches(const scan *s, const job_row *row)
{
    if (s->filter->state != 0 && row->state != s->filter->state)
        return false;
    return !s->routes || bsearch(&row->route, s->routes, s->route_count, sizeof *s->routes,
                                 compare_routes) != NULL;
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the list");
}

static status *add_route(scan *s, int32_t route, size_t *capacity)
{
    if (s->route_count == *capacity) {
        size_t larger = *capacity * 2;
        int32_t *moved = realloc(s->routes, larger * sizeof *moved);
        if (!moved)
            return no_memory();
        s->routes = moved;
        *capacity = larger;
    }
    s->routes[s->route_count++] = route;
    return NULL;
}

// Looks up the routes of a queue, or of all, with the filter's kind.
static status *add_routes_of(scan *s, const char *queue, size_t *capacity)
{
    sqlite3_stmt *statement = sqlite_reader_statement(s->reader, READ_ROUTES);
    bool row = true;
    sqlite3_bind_text(statement, 1, queue, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, s->filter->kind, -1, SQLITE_STATIC);
    status *failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        failure = add_route(s, sqlite3_column_int(statement, 0), capacity);
        if (!failure)
            failure = sqlite_step_row(statement, &row);
    }
    sqlite3_reset(statement);
    return failure;
}

// Looks up the routes that the filter's names mean.
static status *read_routes(scan *s)
{
    const store_filter *filter = s->filter;
    size_t capacity = 16;
    s->routes = malloc(capacity * sizeof *s->routes);
    if (!s->routes)
        return no_memory();
    if (filter->queue && !queue_set_has(filter->queues, filter->queue))
        return NULL;
    if (filter->queue || !filter->queues)
        return add_routes_of(s, filter->queue, &capacity);
    status *failure = NULL;
    for (size_t i = 0; i < filter->queues->count && !failure; i++)
        failure = add_routes_of(s, filter->queues->names[i], &capacity);
    qsort(s->routes, s->route_count, sizeof *s->routes, compare_routes);
    return failure;
}

// Room for one more job; NULL when the arena is used up.
static store_job *next_slot(scan *s, arena *memory)
{
    if (s->count < s->capacity)
        return &s->jobs[s->count];
    size_t capacity = s->capacity ? s->capacity * 2 : 32;
    store_job *larger = arena_alloc(memory, capacity * sizeof *larger);
    if (!larger)
        return NULL;
    if (s->count > 0)
        memcpy(larger, s->jobs, s->count * sizeof *larger);
    s->jobs = larger;
    s->capacity = capacity;
    return &larger[s->count];
}

static size_t bytes_of(const store_job *job)
{
    size_t bytes = job->spec.size + job->result.size + job->progress.size;
    for (size_t i = 0; i < job->attempt_count; i++)
        bytes += job->attempts[i].size;
    return bytes;
}

static status *look_at_row(scan *s, sqlite3_stmt *statement, unsigned parts, arena *memory)
{
    job_row row;
    status *failure = sqlite_row_read(statement, &row);
    if (failure)
        return failure;
    s->rows++;
    s->last_seq = row.seq;
    if (!matches(s, &row))
        return NULL;
    store_job *job = next_slot(s, memory);
    if (!job)
        return no_memory();
    *job = (store_job){.row = row};
    failure = sqlite_reader_parts(s->reader, parts, memory, job);
    if (failure)
        return failure;
    s->bytes += bytes_of(job);
    s->count++;
    return NULL;
}

static bool is_enough(const scan *s)
{
    if (s->count == s->limit || s->rows == MAX_ROWS || s->bytes >= MAX_PAGE_SIZE)
        return true;
    return s->rows % ROWS_A_LOOK == 0 && now_ns() >= s->end_ns;
}

static int best_order(const store_filter *filter)
{
    if (filter->label_key)
        return READ_NEWEST_LABELLED;
    return filter->state > JOB_SUCCEEDED ? READ_NEWEST_ENDED : READ_NEWEST;
}

// The statement that gives the rows to look at, newest first. Labels have an index, and so have
// jobs that ended without success: they are what people look for among many.
static sqlite3_stmt *start(scan *s, int64_t before)
{
    int order = best_order(s->filter);
    sqlite3_stmt *statement = sqlite_reader_statement(s->reader, order);
    sqlite3_bind_int64(statement, 1, before > 0 ? before : INT64_MAX);
    if (order == READ_NEWEST_ENDED)
        sqlite3_bind_int(statement, 2, (int) s->filter->state);
    if (order == READ_NEWEST_LABELLED) {
        sqlite3_bind_text(statement, 2, s->filter->label_key, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, s->filter->label_value, -1, SQLITE_STATIC);
    }
    return statement;
}

static status *run(scan *s, int64_t before, unsigned parts, arena *memory, int64_t *ret_next)
{
    sqlite3_stmt *statement = start(s, before);
    bool row = true, enough = false;
    status *failure = NULL;
    while (!failure && row && !enough) {
        failure = sqlite_step_row(statement, &row);
        if (!failure && row)
            failure = look_at_row(s, statement, parts, memory);
        enough = is_enough(s);
    }
    if (!failure && row)  // there is an end only behind a row that is not there
        failure = sqlite_step_row(statement, &row);
    sqlite3_reset(statement);
    if (!failure)
        *ret_next = row ? s->last_seq : 0;
    return failure;
}

// NOLINTNEXTLINE(readability-function-size): the signature is that of store_reader_ops
status *sqlite_list(store_reader *r, const store_filter *filter, int64_t before, size_t limit,
                    unsigned parts, arena *memory, store_job **ret, size_t *ret_count,
                    int64_t *ret_next)
{
    scan s = {.reader = r, .filter = filter, .limit = limit, .end_ns = now_ns() + MAX_NS};
    int64_t next = 0;
    status *failure = sqlite_reader_begin(r);
    if (failure)
        return failure;
    if (filter->queue || filter->queues || filter->kind)
        failure = read_routes(&s);
    if (!failure && limit > 0)
        failure = run(&s, before, parts, memory, &next);
    sqlite_reader_end(r);
    free(s.routes);
    if (failure)
        return failure;
    *ret = s.jobs;
    *ret_count = s.count;
    *ret_next = next;
    return NULL;
}
