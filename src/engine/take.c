// take - READY jobs chosen for one Lease call, within the limits of their queues.
//
// One queue after the other gives some of its jobs, as far as its limits allow, in the order of the
// queue. Whose turn it is goes on from call to call, unless the worker gives its queues weights
// (weights.c). Only queues with jobs that may start are visited (supply.h): each visit yields jobs,
// or takes the queue off the list.
#include "engine/take.h"

#include "base/log.h"
#include "job/rules.h"

#include <stdlib.h>

// Jobs in one answer, whatever the worker asks for.
#define MAX_ASSIGNMENTS 4096

// Jobs read at one time, and jobs that may be set aside in one call because their key is full.
#define STEP      256
#define MAX_HOLDS 1024

// Jobs that a queue gives in its turn at least, if it is asked for so many.
#define LEAST_SHARE 8

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

// One job leased, or set aside. False: the round is lost.
static bool take_row(taking *t, job_queue *q, const job_row *row)
{
    engine *e = t->engine;
    if (is_late(e, row)) {
        t->holds++;
        return finish_expired(e, row);
    }
    if (hold_needed(e, q, row)) {
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
    limits_started(e, q);
    return true;
}

static bool is_among(const job_row *rows, size_t count, int64_t seq)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].seq == seq)
            return true;
    return false;
}

// ---- one queue ----

static bool grow_scratch(engine *e, size_t count)
{
    if (count <= e->scratch_size)
        return true;
    int32_t *scratch = realloc(e->scratch, count * sizeof *scratch);
    if (scratch == NULL)
        return engine_check(e, no_memory());
    e->scratch = scratch;
    e->scratch_size = count;
    return true;
}

// Jobs of it may be ready. A route without any is taken off the list.
static bool has_jobs(engine *e, job_route *r)
{
    if (r->listed && e->store->ops->count(e->store, r->number, JOB_READY) == 0)
        supply_exhausted(e, r);
    return r->listed;
}

static void add_route(engine *e, const session *s, job_route *r, size_t *count)
{
    if (has_jobs(e, r) && session_runs(s, r->kind->name))
        e->scratch[(*count)++] = r->number;
}

// The routes of a queue that the worker serves and that may have jobs, in e->scratch.
static bool find_routes(engine *e, const session *s, const job_queue *q, size_t *ret_count)
{
    size_t count = 0;
    bool by_kind = s->kind_count > 0 && s->kind_count < q->route_count;
    size_t most = by_kind ? s->kind_count : q->route_count;
    if (!grow_scratch(e, most))
        return false;
    for (size_t i = 0; i < most; i++) {
        job_route *r = by_kind ? supply_find(e, q, s->kinds[i]) : q->routes[i];
        if (r != NULL)
            add_route(e, s, r, &count);
    }
    *ret_count = count;
    return true;
}

static void exhaust(engine *e, size_t count)
{
    for (size_t i = 0; i < count; i++)
        supply_exhausted(e, supply_route(e, e->scratch[i]));
}

// One page of READY jobs of the routes in e->scratch; of those that have changed since, the rest is
// read anew. False: the round is lost.
static bool take_page(taking *t, job_queue *q, size_t routes, size_t size)
{
    engine *e = t->engine;
    job_row rows[STEP];
    size_t found, i = 0;
    if (!engine_check(e,
                      e->store->ops->take_ready(e->store, e->scratch, routes, size, rows, &found)))
        return false;
    t->changed_seq = 0;
    for (; i < found && !take_is_full(t); i++) {
        if (!take_row(t, q, &rows[i]))
            return false;
        if (t->changed_seq != 0 && is_among(&rows[i], found - i, t->changed_seq))
            return true;
    }
    if (i == found && found < size)
        exhaust(e, routes);
    return true;
}

bool take_queue(taking *t, job_queue *q, size_t limit)
{
    engine *e = t->engine;
    size_t routes = 0, room = smaller(limit, t->room);
    if (!supply_may_start(q))
        return true;
    if (queue_is_limited(&q->settings) && (room = limits_room(e, q, room)) == 0) {
        supply_block(e, q);
        return true;
    }
    if (!find_routes(e, t->session, q, &routes))
        return false;
    while (routes > 0 && room > 0 && !take_is_full(t)) {
        size_t before = t->room;
        if (!take_page(t, q, routes, smaller(room, STEP)))
            return false;
        room -= before - t->room;
        if (!supply_route(e, e->scratch[0])->listed)
            break;  // they have no more
    }
    return true;
}

// ---- which queues ----

// The queues that a worker names and that may have jobs, in session.candidates; another one comes
// first each time.
static size_t find_candidates(taking *t)
{
    session *s = t->session;
    size_t count = 0, first = (size_t) t->engine->turn++;
    for (size_t i = 0; i < s->queue_count; i++) {
        job_queue *q = session_queue(t->engine, s, (first + i) % s->queue_count);
        if (q != NULL && supply_may_start(q))
            s->candidates[count++] = q;
    }
    return count;
}

// They take turns of equal shares; those that have no more to give drop out.
static bool take_named(taking *t)
{
    job_queue **list = t->session->candidates;
    size_t count = find_candidates(t);
    while (count > 0 && !take_is_full(t)) {
        size_t share = (t->room + count - 1) / count, kept = 0;
        for (size_t i = 0; i < count && !take_is_full(t); i++) {
            size_t before = t->room;
            if (!take_queue(t, list[i], share))
                return false;
            if (before - t->room == share)
                list[kept++] = list[i];
        }
        count = kept;
    }
    return true;
}

// The next queue in turn for a worker that serves all queues, and how many have jobs.
static job_queue *next_queue(taking *t, size_t *ret_count)
{
    engine *e = t->engine;
    const session *s = t->session;
    *ret_count = e->supply.ready_count;
    if (s->kind_count == 0)
        return supply_next(e);
    for (size_t i = 0; i < s->kind_count; i++) {
        job_kind *kind = supply_kind(e, s->kinds[e->turn++ % s->kind_count]);
        job_queue *q = kind != NULL ? supply_next_of_kind(kind) : NULL;
        if (q == NULL)
            continue;
        *ret_count = kind->listed;
        return q;
    }
    return NULL;
}

static bool take_any(taking *t)
{
    size_t count;
    while (!take_is_full(t)) {
        job_queue *q = next_queue(t, &count);
        if (q == NULL)
            return true;
        size_t share = t->room / count;
        if (!take_queue(t, q, share > LEAST_SHARE ? share : LEAST_SHARE))
            return false;
    }
    return true;
}

static bool take_all(taking *t)
{
    if (t->session->weighted)
        return take_by_weight(t);
    return t->session->queue_count > 0 ? take_named(t) : take_any(t);
}

void take(engine *e, session *s, engine_lease *command)
{
    taking t = {.engine = e, .session = s, .command = command, .room = wanted(e, command)};
    e->full = e->full || HASH_COUNT(e->leases) >= e->options.max_leases;
    supply_refresh(e);
    if (t.room == 0)
        return;
    if (!take_all(&t)) {
        command->assignment_count = 0;  // the round will be undone
        return;
    }
    if (t.holds >= MAX_HOLDS)
        assign_again(e);  // there may be more behind those
    if (command->assignment_count == 0) {
        command->assignments = NULL;  // the next time there may be more to ask for
        return;
    }
    s->lease_sequence = command->lease_sequence;
    // From its first job on, a batch of outcomes that comes early is known to be early.
    if (!s->stored && !s->unknown)
        session_save_ack(e, s);
}
