// sqlite_counts - jobs by route and state: kept in memory, and written with the rows they count.
#include "store/sqlite_internal.h"

#include <string.h>

static route_counts *counts_of(sqlite_store *s, int32_t route)
{
    return route >= 1 && (size_t) route <= s->routes.count ? &s->routes.counts[route - 1] : NULL;
}

int64_t sqlite_count(store *base, int32_t route, job_state state)
{
    const route_counts *counts = counts_of(sqlite_store_of(base), route);
    return counts && (unsigned) state < JOB_STATE_COUNT ? counts->now[state] : 0;
}

int64_t sqlite_count_queue(store *base, int32_t route, job_state state)
{
    sqlite_store *s = sqlite_store_of(base);
    const route_counts *counts = counts_of(s, route);
    bool known = counts && (unsigned) state < JOB_STATE_COUNT;
    return known ? s->routes.queues[counts->queue].now[state] : 0;
}

int64_t sqlite_count_all(store *base, job_state state)
{
    return (unsigned) state < JOB_STATE_COUNT ? sqlite_store_of(base)->routes.all.now[state] : 0;
}

static void change(sqlite_store *s, route_counts *counts, int state, int64_t change)
{
    counts->now[state] += change;
    s->routes.queues[counts->queue].now[state] += change;
    s->routes.all.now[state] += change;
}

void sqlite_counts_add(sqlite_store *s, int32_t route, job_state state, int64_t by)
{
    route_counts *counts = counts_of(s, route);
    if (!counts || (unsigned) state >= JOB_STATE_COUNT)
        return;
    change(s, counts, state, by);
    if (!counts->changed) {
        counts->changed = true;
        s->routes.changed[s->routes.changed_count++] = route - 1;
    }
}

status *sqlite_total_put(sqlite_store *s, int32_t route, const int64_t *numbers)
{
    sqlite3_stmt *statement = s->link.statements[WRITE_PUT_TOTAL];
    sqlite3_bind_int(statement, 1, route);
    for (int state = 1; state < JOB_STATE_COUNT; state++)
        sqlite3_bind_int64(statement, state + 1, numbers[state - 1]);
    return sqlite_run(statement);
}

static status *flush_route(sqlite_store *s, int32_t index)
{
    const route_counts *counts = &s->routes.counts[index];
    bool same = memcmp(counts->now, counts->saved, sizeof counts->now) == 0;
    return same ? NULL : sqlite_total_put(s, index + 1, &counts->now[1]);
}

status *sqlite_counts_flush(sqlite_store *s)
{
    status *failure = NULL;
    for (size_t i = 0; i < s->routes.changed_count && !failure; i++)
        failure = flush_route(s, s->routes.changed[i]);
    return failure;
}

void sqlite_counts_committed(sqlite_store *s)
{
    for (size_t i = 0; i < s->routes.changed_count; i++) {
        route_counts *counts = &s->routes.counts[s->routes.changed[i]];
        memcpy(counts->saved, counts->now, sizeof counts->saved);
        counts->changed = false;
    }
    s->routes.changed_count = 0;
}

void sqlite_counts_rolled_back(sqlite_store *s)
{
    for (size_t i = 0; i < s->routes.changed_count; i++) {
        route_counts *counts = &s->routes.counts[s->routes.changed[i]];
        for (int state = 0; state < JOB_STATE_COUNT; state++)
            change(s, counts, state, counts->saved[state] - counts->now[state]);
        counts->changed = false;
    }
    s->routes.changed_count = 0;
}

static status *read_total(sqlite_store *s, sqlite3_stmt *statement)
{
    route_counts *counts = counts_of(s, sqlite3_column_int(statement, 0));
    if (!counts)
        return status_new(STATUS_DATA_LOSS, "the table of counters is damaged");
    for (int state = 1; state < JOB_STATE_COUNT; state++) {
        counts->saved[state] = sqlite3_column_int64(statement, state);
        change(s, counts, state, counts->saved[state] - counts->now[state]);
    }
    return NULL;
}

status *sqlite_counts_load(sqlite_store *s)
{
    sqlite3_stmt *statement = NULL;
    bool row = true;
    if (sqlite3_prepare_v2(
            s->link.db, "SELECT route, n1, n2, n3, n4, n5, n6, n7, n8 FROM total WHERE route > 0",
            -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failure(s->link.db);
    status *failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        failure = read_total(s, statement);
        if (!failure)
            failure = sqlite_step_row(statement, &row);
    }
    sqlite3_finalize(statement);
    return failure;
}
