// sqlite_lanes - jobs in the order of their lanes: what is due, and when the next is.
#include "store/sqlite_internal.h"

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

status *sqlite_due(store *s, job_lane lane, int64_t until, size_t limit, job_row *ret_rows,
                   size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_LANE_ROWS);
    status *failure = write_lane(s, lane);
    if (failure)
        return failure;
    sqlite3_bind_int(statement, 1, lane);
    sqlite3_bind_int64(statement, 2, until);
    sqlite3_bind_int64(statement, 3, (int64_t) limit);
    return sqlite_load_rows(s, statement, limit, ret_rows, ret_count);
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
