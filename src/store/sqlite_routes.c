// sqlite_routes - numbers for (queue, kind) pairs, kept in memory and on disk.
//
// A new route gets its number at once and is written with the next commit. A rollback takes it from
// the transaction, not from memory: whoever remembers the number can go on using it.
#include "store/sqlite_internal.h"

#include <stdio.h>
#include <string.h>

#define HASH_NONFATAL_OOM         1
#define uthash_nonfatal_oom(node) ((node)->lost = true)
#include <uthash.h>

#define MAX_ROUTES INT32_C(1000000)
#define NAME_SIZE  160  // queue, kind, the slash between them

struct route_node {
    int32_t route;
    bool lost;  // no memory for the hash table's own needs
    UT_hash_handle hh;
    char name[];
};

// "queue/kind": neither holds a slash.
static bool join_names(const char *queue, const char *kind, char name[static NAME_SIZE])
{
    return snprintf(name, NAME_SIZE, "%s/%s", queue, kind) < NAME_SIZE;
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "the store ran out of memory");
}

static bool grow(route_table *table)
{
    if (table->count < table->capacity)
        return true;
    size_t capacity = table->capacity ? table->capacity * 2 : 64;
    store_route *list = realloc(table->list, capacity * sizeof *list);
    table->list = list ? list : table->list;
    route_counts *counts = realloc(table->counts, capacity * sizeof *counts);
    table->counts = counts ? counts : table->counts;
    int32_t *changed = realloc(table->changed, capacity * sizeof *changed);
    table->changed = changed ? changed : table->changed;
    int32_t *entered = realloc(table->entered, capacity * sizeof *entered);
    table->entered = entered ? entered : table->entered;
    if (!list || !counts || !changed || !entered)
        return false;
    table->capacity = capacity;
    return true;
}

static route_node *make_node(route_table *table, const char *name, int32_t number)
{
    size_t size = strlen(name);
    route_node *node = calloc(1, sizeof *node + size + 1);
    if (!node)
        return NULL;
    memcpy(node->name, name, size + 1);
    node->route = number;
    HASH_ADD_STR(table->by_name, name, node);
    if (node->lost) {
        free(node);
        return NULL;
    }
    return node;
}

// Room is doubled whenever the count is a power of two.
static bool grow_queues(route_table *table)
{
    size_t count = table->queue_count;
    if ((count & (count - 1)) != 0)
        return true;
    count_sums *sums = realloc(table->queues, (count > 0 ? 2 * count : 1) * sizeof *sums);
    table->queues = sums ? sums : table->queues;
    return sums != NULL;
}

// The index of a queue's sums. Queues stand in the hash table too: their names have no slash.
static bool find_queue(route_table *table, const char *queue, size_t *ret)
{
    route_node *node = NULL;
    HASH_FIND_STR(table->by_name, queue, node);
    *ret = node ? (size_t) node->route : table->queue_count;
    if (node)
        return true;
    if (!grow_queues(table) || !make_node(table, queue, (int32_t) table->queue_count))
        return false;
    table->queues[table->queue_count++] = (count_sums){0};
    return true;
}

// Adds the next route to the tables in memory.
static status *add_route(route_table *table, const char *queue, const char *kind, int32_t *ret)
{
    char name[NAME_SIZE];
    if (!join_names(queue, kind, name))
        return status_new(STATUS_INVALID_ARGUMENT, "the names of queue and kind are too long");
    if (table->count >= MAX_ROUTES)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "%d pairs of queue and kind exist already",
                          MAX_ROUTES);
    AUTO_FREE char *own_queue = strdup(queue);
    AUTO_FREE char *own_kind = strdup(kind);
    int32_t route = (int32_t) table->count + 1;
    size_t queue_index;
    if (!own_queue || !own_kind || !grow(table) || !find_queue(table, queue, &queue_index) ||
        !make_node(table, name, route))
        return no_memory();
    table->list[table->count] = (store_route){route, TAKE(own_queue), TAKE(own_kind)};
    table->counts[table->count] = (route_counts){.queue = queue_index};
    table->count++;
    *ret = route;
    return NULL;
}

// Jobs that come together mostly go the same way.
static bool is_latest(const route_table *table, const char *queue, const char *kind)
{
    const store_route *route = table->latest > 0 ? &table->list[table->latest - 1] : NULL;
    return route && strcmp(route->queue, queue) == 0 && strcmp(route->kind, kind) == 0;
}

int32_t sqlite_find_route(store *base, const char *queue, const char *kind)
{
    char name[NAME_SIZE];
    route_table *table = &sqlite_store_of(base)->routes;
    route_node *node = NULL;
    if (is_latest(table, queue, kind))
        return table->latest;
    if (join_names(queue, kind, name))
        HASH_FIND_STR(table->by_name, name, node);
    table->latest = node ? node->route : 0;
    return table->latest;
}

status *sqlite_route(store *base, const char *queue, const char *kind, int32_t *ret)
{
    *ret = sqlite_find_route(base, queue, kind);
    if (*ret != 0)
        return NULL;
    if (!sqlite_store_of(base)->in_transaction)
        return status_new(STATUS_INTERNAL, "a new route outside of a transaction");
    return add_route(&sqlite_store_of(base)->routes, queue, kind, ret);
}

const store_route *sqlite_routes(store *base, size_t *ret_count)
{
    route_table *table = &sqlite_store_of(base)->routes;
    *ret_count = table->count;
    return table->list;
}

status *sqlite_routes_flush(sqlite_store *s)
{
    sqlite3_stmt *statement = s->link.statements[WRITE_ADD_ROUTE];
    status *failure = NULL;
    for (size_t i = s->routes.stored; i < s->routes.count && !failure; i++) {
        const store_route *route = &s->routes.list[i];
        sqlite3_bind_int(statement, 1, route->route);
        sqlite3_bind_text(statement, 2, route->queue, -1, SQLITE_STATIC);
        sqlite3_bind_text(statement, 3, route->kind, -1, SQLITE_STATIC);
        failure = sqlite_run(statement);
    }
    return failure;
}

// Numbers have no gaps: they are given out in order, and written in order.
static status *read_route(sqlite_store *s, sqlite3_stmt *statement)
{
    const char *queue = (const char *) sqlite3_column_text(statement, 1);
    const char *kind = (const char *) sqlite3_column_text(statement, 2);
    int32_t route = 0;
    if (!queue || !kind || sqlite3_column_int64(statement, 0) != (int64_t) s->routes.count + 1)
        return status_new(STATUS_DATA_LOSS, "the table of routes is damaged");
    return add_route(&s->routes, queue, kind, &route);
}

status *sqlite_routes_load(sqlite_store *s)
{
    static const char text[] = "SELECT route, queue, kind FROM route ORDER BY route";
    sqlite3_stmt *statement = NULL;
    bool row = true;
    if (sqlite3_prepare_v2(s->link.db, text, -1, &statement, NULL) != SQLITE_OK)
        return sqlite_failure(s->link.db);
    status *failure = sqlite_step_row(statement, &row);
    while (!failure && row) {
        failure = read_route(s, statement);
        if (!failure)
            failure = sqlite_step_row(statement, &row);
    }
    sqlite3_finalize(statement);
    s->routes.stored = s->routes.count;
    return failure;
}

void sqlite_routes_fini(sqlite_store *s)
{
    route_node *node, *next;
    HASH_ITER(hh, s->routes.by_name, node, next)
    {
        HASH_DEL(s->routes.by_name, node);
        free(node);
    }
    for (size_t i = 0; i < s->routes.count; i++) {
        // The strings are lent out as constants, and were made by strdup.
        free((void *) (uintptr_t) s->routes.list[i].queue);
        free((void *) (uintptr_t) s->routes.list[i].kind);
    }
    free(s->routes.list);
    free(s->routes.counts);
    free(s->routes.changed);
    free(s->routes.entered);
    free(s->routes.queues);
}
