// assign - jobs handed to workers: parked Lease calls, and the answers to them.
#include "engine/internal.h"

#include "base/log.h"
#include "job/rules.h"

#include <stdlib.h>

// Jobs in one answer, whatever the worker asks for.
#define MAX_ASSIGNMENTS 4096

static engine_lease *lease_command(const parked *p)
{
    return (engine_lease *) p->command;
}

static void answer(engine *e, engine_lease *command)
{
    session *s = session_find(e, &command->worker_id);
    if (s != NULL && !session_notices(s, command->memory, &command->notices))
        engine_refuse(e, &command->command, no_memory());
    else
        engine_answer(e, &command->command);
}

void assign_leave(engine *e, parked *p)
{
    session *s = session_find(e, &lease_command(p)->worker_id);
    if (s != NULL && s->parked == lease_command(p))
        s->parked = NULL;
    DL_DELETE(e->idle, p);
}

static void answer_parked(engine *e, parked *p)
{
    assign_leave(e, p);
    answer(e, (engine_lease *) unpark(e, p));
}

static void assign_late(void *context, timer *t)
{
    answer_parked(context, park_of(t));
}

void assign_release_parked(engine *e)
{
    parked *p, *next;
    DL_FOREACH_SAFE(e->idle, p, next)
    answer_parked(e, p);
}

// ---- filling an answer ----

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

static status *fill(engine *e, const job_row *row, arena *memory, engine_assignment *ret)
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
        !engine_check(e, e->store->ops->save(e->store, before, &row, 1)))
        return false;
    lease *l = lease_open(e, s, &row);
    if (l == NULL)
        return engine_check(e, no_memory());
    status *failure =
        fill(e, &row, command->memory, &command->assignments[command->assignment_count]);
    if (is_damage(failure))
        return end_damaged(e, l, failure);
    command->assignment_count++;
    return engine_check(e, failure);
}

static bool is_ready(engine *e, int32_t route)
{
    return e->store->ops->count(e->store, route, JOB_READY) > 0;
}

// Routes of the session that have a READY job. Not in the command's arena: a parked Lease is looked
// at again and again.
static size_t ready_routes(engine *e, session *s, int32_t **ret)
{
    session_routes(e, s);
    int32_t *routes = malloc((s->route_count + 1) * sizeof *routes);
    size_t count = 0;
    for (size_t i = 0; routes != NULL && i < s->route_count; i++)
        if (is_ready(e, s->routes[i]))
            routes[count++] = s->routes[i];
    *ret = routes;
    return count;
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

static void take(engine *e, session *s, engine_lease *command)
{
    AUTO_FREE int32_t *routes = NULL;
    size_t route_count = ready_routes(e, s, &routes);
    size_t jobs = wanted(e, command), found = 0, bytes = 0;
    if (route_count == 0 || jobs == 0)
        return;
    AUTO_FREE job_row *rows = malloc(jobs * sizeof *rows);
    if (rows == NULL ||
        !engine_check(
            e, e->store->ops->take_ready(e->store, routes, route_count, jobs, rows, &found)) ||
        found == 0)
        return;
    command->assignments = arena_alloc(command->memory, found * sizeof *command->assignments);
    if (command->assignments == NULL)
        return;
    for (size_t i = 0; i < found && bytes < e->options.max_reply_bytes; i++) {
        size_t taken = command->assignment_count;
        if (!take_one(e, s, command, &rows[i])) {
            command->assignment_count = 0;  // the round will be undone
            return;
        }
        if (command->assignment_count > taken)
            bytes += assignment_bytes(&command->assignments[taken]);
    }
    if (command->assignment_count == 0) {
        inbox_poke(&e->inbox);  // none could be read: there may be others
        return;
    }
    s->lease_sequence = command->lease_sequence;
    // From its first job on, a batch of outcomes that comes early is known to be early.
    if (!s->stored && !s->unknown)
        session_save_ack(e, s);
}

// Looked at once in a round, so that many parked workers cost nothing while there are no jobs.
static bool anything_ready(engine *e)
{
    size_t count;
    const store_route *routes = e->store->ops->routes(e->store, &count);
    for (size_t i = 0; i < count; i++)
        if (is_ready(e, routes[i].route))
            return true;
    return false;
}

void assign_ready(engine *e)
{
    parked *p, *next;
    if (e->idle == NULL || !anything_ready(e))
        return;
    DL_FOREACH_SAFE(e->idle, p, next)
    {
        engine_lease *command = lease_command(p);
        session *s = session_find(e, &command->worker_id);
        if (e->trouble != NULL)
            return;
        if (s == NULL || command->max_jobs == 0)
            continue;
        take(e, s, command);
        if (command->assignment_count > 0)
            answer_parked(e, p);
    }
}

// ---- the call ----

static bool is_repeated(const lease *l, const engine_lease *command)
{
    return l->row.lease_sequence == command->lease_sequence && !l->orphan;
}

// The same call again: the same jobs again.
static bool repeat(engine *e, session *s, engine_lease *command)
{
    lease *l;
    size_t count = 0;
    DL_FOREACH(s->leases, l)
    count += is_repeated(l, command);
    if (count == 0)
        return false;
    command->assignments = arena_alloc(command->memory, count * sizeof *command->assignments);
    if (command->assignments == NULL)
        return false;
    DL_FOREACH(s->leases, l)
    {
        if (!is_repeated(l, command))
            continue;
        status *failure =
            fill(e, &l->row, command->memory, &command->assignments[command->assignment_count]);
        if (failure == NULL)
            command->assignment_count++;
        else if (is_damage(failure))
            status_free(failure);  // it ends when its lease does
        else
            engine_check(e, failure);
    }
    return true;
}

static void confirm(session *s, int64_t lease_sequence)
{
    lease *l;
    DL_FOREACH(s->leases, l)
    {
        if (l->row.lease_sequence < lease_sequence)
            l->confirmed = true;
    }
}

static void drop_older(engine *e, session *s)
{
    parked *p, *next;
    if (s->parked == NULL)
        return;
    DL_FOREACH_SAFE(e->idle, p, next)
    {
        if (lease_command(p) == s->parked) {
            answer_parked(e, p);
            return;
        }
    }
}

static void park_lease(engine *e, session *s, engine_lease *command)
{
    parked *p = park(e, &command->command, command->ticket, command->deadline_us, assign_late);
    if (p == NULL)
        return;
    s->parked = command;
    DL_APPEND(e->idle, p);
}

void assign_apply(engine *e, engine_lease *command)
{
    status *failure = NULL;
    session *s = session_touch(e, &command->worker_id, &failure);
    if (s == NULL || !session_describe(s, command->worker)) {
        engine_refuse(e, &command->command, s == NULL ? failure : no_memory());
        return;
    }
    if (command->lease_sequence == 1)
        s->unknown = false;  // a worker's first call: it has reported nothing yet
    drop_older(e, s);
    confirm(s, command->lease_sequence);
    bool repeated = repeat(e, s, command);
    bool stale = command->lease_sequence < s->lease_sequence;
    if (!repeated && !stale && command->max_jobs > 0 && !atomic_load(&e->draining))
        take(e, s, command);
    if (repeated || stale || command->assignment_count > 0 || command->deadline_us <= e->mono_us ||
        atomic_load(&e->draining))
        answer(e, command);
    else
        park_lease(e, s, command);
}
