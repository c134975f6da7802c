// supply - the rings of routes and queues that have jobs which may start.
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

// ---- what there is ----

job_kind *supply_kind(engine *e, const char *name)
{
    job_kind *kind = NULL;
    HASH_FIND_STR(e->supply.kinds, name, kind);
    return kind;
}

static job_kind *make_kind(engine *e, const char *name)
{
    job_kind *kind = supply_kind(e, name);
    if (kind != NULL)
        return kind;
    kind = calloc(1, sizeof *kind);
    if (kind == NULL)
        return NULL;
    kind->name = strdup(name);
    if (kind->name != NULL)
        HASH_ADD_KEYPTR(hh, e->supply.kinds, kind->name, strlen(kind->name), kind);
    if (kind->hh.tbl == NULL) {
        free(kind->name);
        free(kind);
        return NULL;
    }
    return kind;
}

static bool make_route(engine *e, const store_route *named)
{
    job_queue *q = queue_make(e, named->queue);
    job_kind *kind = make_kind(e, named->kind);
    if (q == NULL || kind == NULL)
        return false;
    job_route **routes = realloc(q->routes, (q->route_count + 1) * sizeof(job_route *));
    if (routes == NULL)
        return false;
    q->routes = routes;
    job_route *r = calloc(1, sizeof *r);
    if (r == NULL)
        return false;
    *r = (job_route){.number = named->route, .queue = q, .kind = kind};
    q->routes[q->route_count++] = r;
    e->supply.routes[e->supply.known++] = r;
    return true;
}

static bool grow(engine *e, size_t count)
{
    if (count <= e->supply.size)
        return true;
    size_t size = count < 2 * e->supply.size ? 2 * e->supply.size : count;
    job_route **routes = realloc(e->supply.routes, size * sizeof(job_route *));
    if (routes == NULL)
        return false;
    e->supply.routes = routes;
    e->supply.size = size;
    return true;
}

bool supply_know(engine *e)
{
    size_t count;
    const store_route *named = e->store->ops->routes(e->store, &count);
    if (!grow(e, count))
        return false;
    while (e->supply.known < count)
        if (!make_route(e, &named[e->supply.known]))
            return false;
    return true;
}

// Routes are numbered from 1 without gaps.
job_route *supply_route(engine *e, int32_t number)
{
    size_t index = (size_t) number - 1;
    if (index >= e->supply.known)
        (void) supply_know(e);
    return index < e->supply.known ? e->supply.routes[index] : NULL;
}

job_route *supply_find(engine *e, const job_queue *q, const char *kind)
{
    int32_t number = e->store->ops->find_route(e->store, q->name, kind);
    return number != 0 ? supply_route(e, number) : NULL;
}

// ---- the rings ----

static void enter_ready(engine *e, job_queue *q)
{
    DL_APPEND2(e->supply.ready, q, prev_ready, next_ready);
    e->supply.ready_count++;
}

static void leave_ready(engine *e, job_queue *q)
{
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it is in the ring
    DL_DELETE2(e->supply.ready, q, prev_ready, next_ready);
    e->supply.ready_count--;
}

static void enter_kind(job_route *r)
{
    DL_APPEND(r->kind->ring, r);
    r->kind->listed++;
}

static void leave_kind(job_route *r)
{
    DL_DELETE(r->kind->ring, r);  // NOLINT(clang-analyzer-core.NullDereference): it is there
    r->kind->listed--;
}

static void put_aside(job_route *r)
{
    r->aside = true;
    DL_APPEND(r->queue->aside, r);
}

static void take_back(job_route *r)
{
    r->aside = false;
    DL_DELETE(r->queue->aside, r);  // NOLINT(clang-analyzer-core.NullDereference): it is there
}

static void list(engine *e, job_route *r)
{
    job_queue *q = r->queue;
    if (r->listed)
        return;
    r->listed = true;
    DL_APPEND2(q->here, r, prev_here, next_here);
    if (q->blocked)
        put_aside(r);
    else
        enter_kind(r);
    if (q->listed++ == 0 && !q->blocked)
        enter_ready(e, q);
}

static void unlist(engine *e, job_route *r)
{
    job_queue *q = r->queue;
    if (!r->listed)
        return;
    r->listed = false;
    DL_DELETE2(q->here, r, prev_here, next_here);
    if (r->aside)
        take_back(r);
    else
        leave_kind(r);
    if (--q->listed == 0 && !q->blocked)
        leave_ready(e, q);
}

bool supply_may_start(const job_queue *q)
{
    return q->listed > 0 && !q->blocked;
}

bool supply_is_open(const job_route *r)
{
    return r->listed && !r->queue->blocked;
}

static void offer_route(engine *e, job_route *r)
{
    if (r->offered || !supply_is_open(r))
        return;
    r->offered = true;
    r->next_offered = e->supply.offered;
    e->supply.offered = r;
}

void supply_exhausted(engine *e, job_route *r)
{
    unlist(e, r);
}

void supply_block(engine *e, job_queue *q)
{
    if (q->blocked)
        return;
    q->blocked = true;
    if (q->listed > 0)
        leave_ready(e, q);
}

static void list_if_ready(engine *e, job_route *r)
{
    if (e->store->ops->count(e->store, r->number, JOB_READY) == 0)
        return;
    list(e, r);
    offer_route(e, r);
}

static void reopen(engine *e, job_queue *q)
{
    if (!q->blocked)
        return;
    q->blocked = false;
    while (q->aside != NULL) {
        job_route *r = q->aside;
        take_back(r);
        enter_kind(r);
        e->supply.looked++;
    }
    if (q->listed > 0)
        enter_ready(e, q);
}

void supply_unblock(engine *e, job_queue *q)
{
    if (!q->blocked)
        return;
    reopen(e, q);
    if (q->opened || q->listed == 0)
        return;
    q->opened = true;
    q->next_opened = e->supply.opened;
    e->supply.opened = q;
}

// The first that is not blocked goes to the end. In these lists `prev` of the first is the last.
job_queue *supply_next_of_kind(job_kind *kind)
{
    job_route *r = kind->ring;
    for (; r != NULL && r->queue->blocked; r = kind->ring) {
        leave_kind(r);
        put_aside(r);
    }
    if (r == NULL || r->next == NULL)
        return r != NULL ? r->queue : NULL;
    kind->ring = r->next;
    r->prev->next = r;
    r->next = NULL;
    return r->queue;
}

job_queue *supply_next(engine *e)
{
    job_queue *q = e->supply.ready;
    if (q == NULL || q->next_ready == NULL)
        return q;
    e->supply.ready = q->next_ready;
    q->prev_ready->next_ready = q;
    q->next_ready = NULL;
    return q;
}

// ---- what changes ----

void supply_wake_at(engine *e, job_queue *q, int64_t when_us)
{
    if (timers_reserve(&e->supply.wakes, 1))
        timers_set(&e->supply.wakes, &q->wake, when_us);
    else
        supply_forget(e);
}

void supply_wake(engine *e)
{
    timers_run(&e->supply.wakes, e->mono_us, e);
}

void supply_forget(engine *e)
{
    e->supply.unknown = true;
}

// Everything is looked at: at the start, after a lost round, and when memory was short.
static void look_at_all(engine *e)
{
    job_queue *q, *next;
    if (!supply_know(e))
        return;
    e->supply.unknown = false;
    HASH_ITER(hh, e->queues, q, next)
    reopen(e, q);
    for (size_t i = 0; i < e->supply.known; i++)
        list_if_ready(e, e->supply.routes[i]);
}

void supply_refresh(engine *e)
{
    size_t count;
    supply_wake(e);
    const int32_t *entered = e->store->ops->entered(e->store, &count);
    for (size_t i = 0; i < count && !e->supply.unknown; i++) {
        job_route *r = supply_route(e, entered[i]);
        if (r == NULL) {
            supply_forget(e);
            break;
        }
        list(e, r);
        offer_route(e, r);
    }
    if (e->supply.unknown)
        look_at_all(e);
}

void supply_free(engine *e)
{
    job_kind *kind, *next;
    HASH_ITER(hh, e->supply.kinds, kind, next)
    {
        HASH_DEL(e->supply.kinds, kind);
        free(kind->name);
        free(kind);
    }
    for (size_t i = 0; i < e->supply.known; i++)
        free(e->supply.routes[i]);
    free(e->supply.routes);
    timers_fini(&e->supply.wakes);
}
