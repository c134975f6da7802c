// sqlite_take - the first READY jobs of some routes, and their inputs.
#include "store/sqlite_internal.h"

#include "store/sqlite_rows.h"

#include <stdlib.h>
#include <string.h>

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
    sqlite3_bind_int(statement, 1, route);
    sqlite3_bind_int64(statement, 2, (int64_t) list->limit);
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

// ---- one route ----

void sqlite_taken_forget(sqlite_store *s)
{
    s->taken.count = s->taken.next = 0;
}

// The row that the statement stands on, and the input that stands in it.
static status *read_taken(taken_inputs *taken, sqlite3_stmt *statement, job_row *ret)
{
    const void *input = sqlite3_column_blob(statement, JOB_SELECT_COUNT);
    size_t size = (size_t) sqlite3_column_bytes(statement, JOB_SELECT_COUNT);
    status *failure = sqlite_row_read(statement, ret);
    if (failure || !input || size > BATCH_SMALL_INPUT || taken->count == TAKEN_ROWS)
        return failure;
    taken->seqs[taken->count] = ret->seq;
    taken->sizes[taken->count] = size;
    memcpy(taken->inputs[taken->count++], input, size);
    return NULL;
}

// Those that were taken are asked for in their order.
slice sqlite_taken_input(sqlite_store *s, int64_t seq)
{
    taken_inputs *taken = &s->taken;
    size_t at = taken->next;
    while (at < taken->count && taken->seqs[at] != seq)
        at++;
    if (at == taken->count)
        return (slice){NULL, 0};
    taken->next = at + 1;
    return (slice){taken->inputs[at], taken->sizes[at]};
}

static status *read_stored(store *base, int32_t route, size_t limit, job_row *ret_rows,
                           size_t *ret_count)
{
    sqlite_store *s = sqlite_store_of(base);
    sqlite3_stmt *statement = sqlite_writer(base, WRITE_LANE_TAKE);
    bool row = true;
    status *failure = sqlite_saves_write(s);
    sqlite_taken_forget(s);
    sqlite3_bind_int(statement, 1, route);
    sqlite3_bind_int64(statement, 2, (int64_t) limit);
    while (!failure && row && *ret_count < limit) {
        failure = sqlite_step_row(statement, &row);
        if (!failure && row)
            failure = read_taken(&s->taken, statement, &ret_rows[(*ret_count)++]);
    }
    sqlite3_reset(statement);
    return failure;
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
        failure = read_stored(base, route, limit, ret_rows, ret_count);
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
