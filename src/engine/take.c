// take - READY jobs chosen for one Lease call, within the limits of their queues.
//
// Routes of queues without limits are read together, in one order. Each queue with limits is asked
// by itself how many of its jobs may start. Who comes first changes from call to call, unless the
// worker gives its queues weights (weights.c).
#include "engine/take.h"

#include "base/log.h"
#include "job/rules.h"

#include <stdlib.h>

// Jobs in one answer, whatever the worker asks for.
#define MAX_ASSIGNMENTS 4096

// Jobs read at one time, and jobs that may be set aside in one call because their key is full.
#define STEP      256
#define MAX_HOLDS 1024

// About what it takes in the answer: the server's own fields of a job too.
static size_t assignment_bytes(const engine_assignment *a)
{
    return 1024 + a->spec.size + a->parent_spec.size + a->parent_result.size +
           a->parent_attempt.size;
}

static status *load_parent(engine *e, engine_assignment *a, arena *memory)
{
    const store_ops *ops = e->store->ops;
    int64_t parent = a->row.parent_seq;
    if (parent == 0)
        return NULL;
    status *failure = ops->load(e->store, &parent, 1, &a->parent_row);
    if (failure != NULL || a->parent_row.seq == 0)
        return failure;
    a->has_parent = true;
    failure = ops->load_spec(e->store, parent, memory, &a->parent_spec, NULL);
    if (failure == NULL)
        failure = ops->load_result(e->store, parent, memory, &a->parent_result);
    if (failure == NULL)
        failure = ops->load_last_attempt(e->store, parent, memory, &a->parent_attempt);
    return failure;
}

status *take_fill(engine *e, const job_row *row, arena *memory, engine_assignment *ret)
{
    *ret = (engine_assignment){.row = *row, .token = engine_token_make(row->seq, row->attempt)};
    status *failure = e->store->ops->load_spec(e->store, row->seq, memory, &ret->spec, NULL);
    return failure != NULL ? failure : load_parent(e, ret, memory);
}

// A job whose bytes are lost ends, and the others go on.
static bool end_damaged(engine *e, lease *l, status *damage)
{
    char id[UUID_TEXT_SIZE];
    job_failure failure = {.retryable = false};
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    log_error("job_damaged", LOG_STR("job", uuid_format(&l->row.id, id)), LOG_STATUS(damage));
    error.code = ERRAND__RPC__V1__CODE__DATA_LOSS;
    error.message = damage->message;
    bool ended = finish_failed(e, l, &failure, &error);
    status_free(damage);
    return ended;
}

static bool take_one(engine *e, session *s, engine_lease *command, const job_row *before)
{
    job_row row = *before;
    if (!engine_write(e) ||
        !engine_check(e, job_lease(&row, &s->id, command->lease_sequence, e->now_us)) ||
        !engine_save(e, before, &row))
        return false;
    lease *l = lease_open(e, s, &row);
    if (l == NULL)
        return engine_check(e, no_memory());
    tally_note(e, row.route, TALLY_WAIT, e->now_us - before->due_us);
    status *failure =
        take_fill(e, &row, command->memory, &command->assignments[command->assignment_count]);
    if (is_damage(failure))
        return end_damaged(e, l, failure);
    command->assignment_count++;
    return engine_check(e, failure);
}

static size_t wanted(engine *e, const engine_lease *command)
{
    size_t running = HASH_COUNT(e->leases);
    size_t free_leases = running < e->options.max_leases ? e->options.max_leases - running : 0;
    size_t jobs = (size_t) command->max_jobs;
    if (jobs > MAX_ASSIGNMENTS)
        jobs = MAX_ASSIGNMENTS;
    return jobs < free_leases ? jobs : free_leases;
}

// The array has room for all that the call may ask for, since it may be parked and filled later.
static bool make_room(taking *t)
{
    engine_lease *command = t->command;
    if (command->assignments == NULL)
        command->assignments = arena_alloc(command->memory, t->room * sizeof *command->assignments);
    return command->assignments != NULL || engine_check(t->engine, no_memory());
}

bool take_is_full(const taking *t)
{
    return t->room == 0 || t->holds >= MAX_HOLDS || t->bytes >= t->engine->options.max_reply_bytes;
}

// A callback of a job that was deleted or tried again has nothing to tell.
static bool cancel_if_pointless(engine *e, const job_row *row, bool *ret_cancelled)
{
    job_row parent;
    if (row->parent_seq == 0)
        return true;
    if (!finish_parent_of(e, row, &parent))
        return false;
    *ret_cancelled = parent.seq == 0;
    return parent.seq != 0 || finish_pointless(e, row);
}

// Its time to start has passed, and the round has not come to what is due yet.
static bool is_late(const engine *e, const job_row *row)
{
    return row->attempt == 0 && row->expire_us != 0 && row->expire_us <= e->now_us;
}

// One job leased, or set aside. q is NULL when its queue has no limits. False: the round is lost.
static bool take_row(taking *t, job_queue *q, const job_row *row)
{
    engine *e = t->engine;
    if (is_late(e, row)) {
        t->holds++;
        return finish_expired(e, row);
    }
    if (q != NULL && hold_needed(e, q, row)) {
        t->holds++;
        return hold(e, row);
    }
    bool cancelled = false;
    if (!cancel_if_pointless(e, row, &cancelled))
        return false;
    if (cancelled) {
        t->holds++;
        t->changed_seq = row->parent_seq;
        return true;
    }
    size_t taken = t->command->assignment_count;
    if (!make_room(t) || !take_one(e, t->session, t->command, row))
        return false;
    if (t->command->assignment_count == taken)
        return true;  // it was damaged, and has ended
    t->bytes += assignment_bytes(&t->command->assignments[taken]);
    t->room--;
    job_queue *own = q != NULL ? q : queue_of(e, row->route);
    if (own != NULL)
        limits_started(e, own);
    return true;
}

static bool is_among(const job_row *rows, size_t count, int64_t seq)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].seq == seq)
            return true;
    return false;
}

// One page of READY jobs; of those that have changed since, the rest is read anew. ret_more: jobs
// were set aside, so there may be others behind them. False: the round is lost.
static bool take_page(taking *t, job_queue *q, const int32_t *routes, size_t count, size_t size,
                      bool *ret_more)
{
    engine *e = t->engine;
    job_row rows[STEP];
    size_t found, room = t->room;
    if (!engine_check(e, e->store->ops->take_ready(e->store, routes, count, size, rows, &found)))
        return false;
    t->changed_seq = 0;
    for (size_t i = 0; i < found && !take_is_full(t); i++) {
        if (!take_row(t, q, &rows[i]))
            return false;
        if (t->changed_seq != 0 && is_among(&rows[i], found - i, t->changed_seq)) {
            *ret_more = true;
            return true;
        }
    }
    *ret_more = found == size && (found == STEP || room - t->room < found);
    return true;
}

// Up to limit jobs of some routes.
static bool take_routes(taking *t, job_queue *q, const int32_t *routes, size_t count, size_t limit)
{
    bool more = true;
    while (more && limit > 0 && !take_is_full(t)) {
        size_t left = limit < t->room ? limit : t->room, before = t->room;
        if (!take_page(t, q, routes, count, left < STEP ? left : STEP, &more))
            return false;
        limit -= before - t->room;
    }
    return true;
}

// ---- which routes ----

// The scratch lists have room for all routes there are.
static bool grow_scratch(engine *e, size_t count)
{
    if (count <= e->scratch_size)
        return true;
    int32_t *routes = realloc(e->scratch_routes, count * sizeof *routes);
    if (routes != NULL)
        e->scratch_routes = routes;
    limited_route *limited = realloc(e->scratch_limited, count * sizeof *limited);
    if (limited != NULL)
        e->scratch_limited = limited;
    if (routes == NULL || limited == NULL)
        return false;
    e->scratch_size = count;
    return true;
}

static int compare(const void *a, const void *b)
{
    const limited_route *left = a, *right = b;
    int32_t first = left->queue->routes[0], second = right->queue->routes[0];
    return (first > second) - (first < second);
}

// Sorts the session's routes that have READY jobs by whether their queue is asked by itself.
static void find_routes(engine *e, session *s, size_t *ret_free, size_t *ret_limited)
{
    size_t unlimited = 0, limited = 0;
    for (size_t i = 0; i < s->route_count; i++) {
        int32_t route = s->routes[i];
        if (e->store->ops->count(e->store, route, JOB_READY) == 0)
            continue;
        job_queue *q = queue_of(e, route);
        if (q != NULL && (s->weighted || queue_is_limited(&q->settings)))
            e->scratch_limited[limited++] = (limited_route){q, route};
        else
            e->scratch_routes[unlimited++] = route;
    }
    qsort(e->scratch_limited, limited, sizeof *e->scratch_limited, compare);
    *ret_free = unlimited;
    *ret_limited = limited;
}

bool take_queue(taking *t, size_t from, size_t end, size_t limit)
{
    engine *e = t->engine;
    job_queue *q = e->scratch_limited[from].queue;
    int32_t *routes = &e->scratch_routes[e->scratch_size - (end - from)];
    size_t room = limits_room(e, q, limit < t->room ? limit : t->room);
    for (size_t i = from; i < end; i++)
        routes[i - from] = e->scratch_limited[i].route;
    return room == 0 || take_routes(t, q, routes, end - from, room);
}

static bool take_queues(taking *t, size_t count)
{
    const limited_route *list = t->engine->scratch_limited;
    size_t start = count > 0 ? t->engine->turn % count : 0, end;
    while (start > 0 && list[start].queue == list[start - 1].queue)
        start--;
    for (size_t done = 0; done < count; done += end - start, start = end % count) {
        for (end = start + 1; end < count && list[end].queue == list[start].queue; end++) {
        }
        if (take_is_full(t))
            return true;
        if (!take_queue(t, start, end, t->room))
            return false;
        if (done + (end - start) >= count)
            return true;
    }
    return true;
}

static bool take_all(taking *t)
{
    engine *e = t->engine;
    size_t unlimited, limited;
    find_routes(e, t->session, &unlimited, &limited);
    if (t->session->weighted)
        return take_by_weight(t, limited);
    bool limited_first = e->turn++ % 2 == 0;
    if (limited_first && !take_queues(t, limited))
        return false;
    if (unlimited > 0 && !take_routes(t, NULL, e->scratch_routes, unlimited, t->room))
        return false;
    return limited_first || take_queues(t, limited);
}

void take(engine *e, session *s, engine_lease *command)
{
    taking t = {.engine = e, .session = s, .command = command, .room = wanted(e, command)};
    session_routes(e, s);
    if (t.room == 0 || s->route_count == 0 || !grow_scratch(e, s->routes_seen))
        return;
    if (!take_all(&t)) {
        command->assignment_count = 0;  // the round will be undone
        return;
    }
    e->offer = e->offer || t.holds >= MAX_HOLDS;  // there may be more behind those
    if (command->assignment_count == 0) {
        command->assignments = NULL;  // the next time there may be more to ask for
        return;
    }
    s->lease_sequence = command->lease_sequence;
    // From its first job on, a batch of outcomes that comes early is known to be early.
    if (!s->stored && !s->unknown)
        session_save_ack(e, s);
}
