// sqlite_lanes - jobs in the order of their lanes: what is ready, what is due, when the next is.
#include "store/sqlite_internal.h"

#include <stdlib.h>
#include <string.h>

// The cached first of a lane that waits for a time; NULL for the lanes of ready jobs.
static lane_first *first_of(sqlite_store *s, int32_t lane)
{
    return lane < 0 && lane > -LANE_CACHE_SIZE ? &s->first[-lane] : NULL;
}

// The lane of a route: those who wait for its jobs are to know.
static void enter_route(sqlite_store *s, int32_t route)
{
    route_counts *counts = (size_t) route <= s->routes.count ? &s->routes.counts[route - 1] : NULL;
    if (!counts || counts->entered)
        return;
    counts->entered = true;
    s->routes.entered[s->routes.entered_count++] = route;
}

const int32_t *sqlite_lanes_entered(store *base, size_t *ret_count)
{
    sqlite_store *s = sqlite_store_of(base);
    *ret_count = s->routes.entered_count;
    for (size_t i = 0; i < *ret_count; i++)
        s->routes.counts[s->routes.entered[i] - 1].entered = false;
    s->routes.entered_count = 0;
    return s->routes.entered;
}

void sqlite_lanes_enter(sqlite_store *s, int32_t lane, int64_t rank)
{
    if (lane > 0)
        enter_route(s, lane);
    lane_first *first = first_of(s, lane);
    if (first && first->known && rank < first->rank)
        first->rank = rank;
}

void sqlite_lanes_leave(sqlite_store *s, int32_t lane, int64_t rank)
{
    lane_first *first = first_of(s, lane);
    if (first && first->known && rank <= first->rank)
        first->known = false;
}

void sqlite_lanes_forget(sqlite_store *s)
{
    for (size_t i = 0; i < LANE_CACHE_SIZE; i++)
        s->first[i].known = false;
    s->expiry.known = false;
}

// Jobs that wait to be inserted are READY or RUNNING.
static status *write_lane(store *s, int32_t lane)
{
    return lane > 0 || lane == JOB_LANE_RUNNING ? sqlite_inserts_write(sqlite_store_of(s)) : NULL;
}

status *sqlite_next_due(store *base, job_lane lane, int64_t *ret)
{
    lane_first *first = first_of(sqlite_store_of(base), lane);
    if (first && first->known) {
        *ret = first->rank;
        return NULL;
    }
    sqlite3_stmt *statement = sqlite_writer(base, WRITE_LANE_FIRST);
    bool found = false;
    sqlite3_bind_int(statement, 1, lane);
    status *failure = write_lane(base, lane);
    if (!failure)
        failure = sqlite_saves_write(sqlite_store_of(base));
    if (!failure)
        failure = sqlite_step_row(statement, &found);
    int64_t rank = found ? sqlite3_column_int64(statement, 0) : INT64_MAX;
    sqlite3_reset(statement);
    if (failure)
        return failure;
    if (first)
        *first = (lane_first){.rank = rank, .known = true};
    *ret = rank;
    return NULL;
}

static void bind_lane(sqlite3_stmt *statement, int32_t lane, int64_t until, size_t limit)
{
    sqlite3_bind_int(statement, 1, lane);
    sqlite3_bind_int64(statement, 2, until);
    sqlite3_bind_int64(statement, 3, (int64_t) limit);
}

static status *read_lane(store *s, int32_t lane, int64_t until, size_t limit, job_row *ret_rows,
                         size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LANE_ROWS);
    bind_lane(statement, lane, until, limit);
    return sqlite_load_rows(s, statement, limit, ret_rows, ret_count);
}

status *sqlite_due(store *s, job_lane lane, int64_t until, size_t limit, job_row *ret_rows,
                   size_t *ret_count)
{
    status *failure = write_lane(s, lane);
    return failure ? failure : read_lane(s, lane, until, limit, ret_rows, ret_count);
}

status *sqlite_ended(store *s, int64_t until, size_t limit, job_row *ret_rows, size_t *ret_count)
{
    return read_lane(s, JOB_LANE_FINISHED, until, limit, ret_rows, ret_count);
}

status *sqlite_lane_behind(store *s, int32_t lane, const store_place *behind, size_t limit,
                           job_row *ret_rows, size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LANE_BEHIND);
    status *failure = write_lane(s, lane);
    if (failure)
        return failure;
    sqlite3_bind_int(statement, 1, lane);
    sqlite3_bind_int64(statement, 2, behind->rank);
    sqlite3_bind_int64(statement, 3, behind->seq);
    sqlite3_bind_int64(statement, 4, (int64_t) limit);
    return sqlite_load_rows(s, statement, limit, ret_rows, ret_count);
}

// The best jobs of the routes looked at so far, in order.
typedef struct key {
    int64_t rank;
    int64_t seq;
} key;

typedef struct key_list {
    key *keys;
    size_t count;
    size_t limit;
} key_list;

static bool comes_before(const key *a, const key *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->seq < b->seq;
}

// Puts a key in its place, no earlier than at index from; false when it is not among the first
// limit.
static bool add_key(key_list *list, const key *added, size_t *from)
{
    if (list->count == list->limit && !comes_before(added, &list->keys[list->count - 1]))
        return false;
    size_t at = *from;
    while (at < list->count && comes_before(&list->keys[at], added))
        at++;
    if (at < list->count && list->keys[at].seq == added->seq)
        return true;  // the caller named the route twice
    size_t kept = list->count < list->limit ? list->count : list->limit - 1;
    memmove(&list->keys[at + 1], &list->keys[at], (kept - at) * sizeof(key));
    list->keys[at] = *added;
    list->count = kept + 1;
    *from = at + 1;
    return true;
}

// Merges the head of one route's lane into the list, reading no further than it matters.
static status *merge_stored(store *s, int32_t route, key_list *list)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LANE_KEYS);
    bool row = true;
    size_t from = 0;
    status *failure = sqlite_saves_write(sqlite_store_of(s));
    bind_lane(statement, route, INT64_MAX, list->limit);
    while (!failure && row) {
        failure = sqlite_step_row(statement, &row);
        if (failure || !row)
            break;
        key found = {sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)};
        row = add_key(list, &found, &from);
    }
    sqlite3_reset(statement);
    return failure;
}

// The same with those that wait to be inserted.
static void merge_waiting(const sqlite_store *s, int32_t route, key_list *list)
{
    const job_row *row;
    uint16_t place = 0;
    size_t from = 0;
    do {
        row = sqlite_inserts_next(s, route, &place);
    } while (row && add_key(list, &(key){job_row_rank(row), row->seq}, &from));
}

static status *merge_lane(store *base, int32_t route, key_list *list)
{
    sqlite_store *s = sqlite_store_of(base);
    status *failure = sqlite_inserts_are_all(s, route) ? NULL : merge_stored(base, route, list);
    if (!failure)
        merge_waiting(s, route, list);
    return failure;
}

static status *load_keys(store *s, const key_list *list, job_row *ret_rows, size_t *ret_count)
{
    AUTO_FREE int64_t *seqs = calloc(list->limit, sizeof *seqs);
    if (!seqs)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    for (size_t i = 0; i < list->count; i++)
        seqs[i] = list->keys[i].seq;
    status *failure = sqlite_load(s, seqs, list->count, ret_rows);
    if (!failure)
        *ret_count = list->count;
    return failure;
}

static status *take_merged(store *s, const int32_t *routes, size_t route_count, size_t limit,
                           job_row *ret_rows, size_t *ret_count)
{
    AUTO_FREE key *keys = calloc(limit, sizeof *keys);
    key_list list = {.keys = keys, .limit = limit};
    status *failure = NULL;
    if (!keys)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
    for (size_t i = 0; i < route_count && !failure; i++)
        if (sqlite_count(s, routes[i], JOB_READY) > 0)
            failure = merge_lane(s, routes[i], &list);
    return failure ? failure : load_keys(s, &list, ret_rows, ret_count);
}

static bool stands_before(const job_row *a, const job_row *b)
{
    const key left = {job_row_rank(a), a->seq}, right = {job_row_rank(b), b->seq};
    return comes_before(&left, &right);
}

// Puts a row into its place among others, unless they are as many as may be and all come before it.
static bool add_row(const job_row *added, size_t limit, job_row *rows, size_t *count)
{
    size_t at = *count;
    while (at > 0 && stands_before(added, &rows[at - 1]))
        at--;
    if (at == limit)
        return false;
    size_t kept = *count < limit ? *count : limit - 1;
    memmove(&rows[at + 1], &rows[at], (kept - at) * sizeof *rows);
    rows[at] = *added;
    *count = kept + 1;
    return true;
}

static status *take_only(store *base, int32_t route, size_t limit, job_row *ret_rows,
                         size_t *ret_count)
{
    sqlite_store *s = sqlite_store_of(base);
    status *failure = NULL;
    const job_row *row;
    uint16_t place = 0;
    *ret_count = 0;
    if (!sqlite_inserts_are_all(s, route))
        failure = read_lane(base, route, INT64_MAX, limit, ret_rows, ret_count);
    if (failure)
        return failure;
    do {
        row = sqlite_inserts_next(s, route, &place);
    } while (row && add_row(row, limit, ret_rows, ret_count));
    return NULL;
}

status *sqlite_take_ready(store *s, const int32_t *routes, size_t route_count, size_t limit,
                          job_row *ret_rows, size_t *ret_count)
{
    int32_t only = 0;
    size_t busy = 0;
    for (size_t i = 0; i < route_count && busy < 2; i++)
        if (sqlite_count(s, routes[i], JOB_READY) > 0) {
            only = routes[i];
            busy++;
        }
    if (busy == 0 || limit == 0) {
        *ret_count = 0;
        return NULL;
    }
    if (busy == 1)
        return take_only(s, only, limit, ret_rows, ret_count);
    return take_merged(s, routes, route_count, limit, ret_rows, ret_count);
}
