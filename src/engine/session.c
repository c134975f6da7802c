// session - worker processes: what they serve, what they hold, what they have yet to be told.
#include "engine/internal.h"
#include "job/served.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// A worker that holds nothing and has been silent for so many leases gives up what it takes for
// handing jobs to it. One that ever had jobs stays known for a day: its outcomes are numbered, and
// a batch that comes early or twice is known to.
#define QUIET_LEASES    10
#define SESSION_KEPT_US (24LL * 3600 * 1000000)

// Not told yet; further ones are dropped. Who never had a job has nothing to report.
#define MAX_REJECTED          1000
#define MAX_STRANGER_REJECTED 100

session *session_find(engine *e, const uuid *id)
{
    session *s = NULL;
    HASH_FIND(hh, e->sessions, id, sizeof *id, s);
    return s;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

// Forgets what it serves; its next Lease call tells that again.
static void session_forget_served(engine *e, session *s)
{
    idle_forget(e, s);
    free_names(s->queues, s->queue_count);
    free_names(s->kinds, s->kind_count);
    free(s->credits);
    free(s->named);
    free(s->candidates);
    s->queues = s->kinds = NULL;
    s->queue_count = s->kind_count = 0;
    s->credits = NULL;
    s->named = s->candidates = NULL;
    e->served -= s->served;
    s->served = 0;
}

static void session_free(engine *e, session *s)
{
    revoked_forget_all(e, s);
    HASH_DEL(e->sessions, s);
    timers_clear(&e->timers, &s->idle);
    session_forget_served(e, s);
    free(s->host);
    free(s->rejected);
    free(s);
}

static bool session_is_idle(const session *s)
{
    return s->leases == NULL && s->parked == NULL;
}

static void forget_rejections(session *s)
{
    free(s->rejected);
    s->rejected = NULL;
    s->rejected_count = s->rejected_told = s->rejected_before = 0;
}

static void wait_for_silence(engine *e, session *s)
{
    s->quiet = false;
    timers_set(&e->timers, &s->idle, e->mono_us + QUIET_LEASES * e->options.lease_us);
}

static void session_rest(void *context, timer *t)
{
    engine *e = context;
    session *s = (session *) ((char *) t - offsetof(session, idle));
    if (!session_is_idle(s)) {
        wait_for_silence(e, s);
    } else if (s->quiet || !s->stored) {
        session_free(e, s);
    } else {
        session_forget_served(e, s);
        forget_rejections(s);
        s->quiet = true;
        timers_set(&e->timers, &s->idle, e->mono_us + SESSION_KEPT_US);
    }
}

// Makes room at the cap: the longest known session that holds nothing goes.
static bool make_room(engine *e)
{
    if (HASH_COUNT(e->sessions) < e->options.max_sessions)
        return true;
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    if (session_is_idle(s)) {
        session_free(e, s);
        return true;
    }
    return false;
}

static session *session_make(engine *e, const uuid *id)
{
    session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->id = *id;
    s->unknown = true;
    s->idle.fire = session_rest;
    if (timers_reserve(&e->timers, 1))
        HASH_ADD(hh, e->sessions, id, sizeof s->id, s);
    if (s->hh.tbl == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

session *session_recall(engine *e, const uuid *id)
{
    session *s = session_find(e, id);
    if (s == NULL)
        s = session_make(e, id);
    if (s == NULL)
        return NULL;
    wait_for_silence(e, s);
    s->heard_us = e->now_us;
    return s;
}

session *session_touch(engine *e, const uuid *id, status **ret_failure)
{
    bool room = session_find(e, id) != NULL || make_room(e);
    session *s = room ? session_recall(e, id) : NULL;
    if (!room)
        *ret_failure = status_new(STATUS_RESOURCE_EXHAUSTED,
                                  "too many workers hold jobs or wait for some: at most %zu, the "
                                  "server's max_sessions",
                                  e->options.max_sessions);
    else if (s == NULL)
        *ret_failure = no_memory();
    return s;
}

void session_meet(session *s, const Errand__V1__Worker *worker)
{
    s->pid = worker->pid;
    s->concurrency = worker->concurrency;
    if (s->host != NULL && strcmp(s->host, worker->host) == 0)
        return;
    char *host = strdup(worker->host);
    if (host == NULL)
        return;
    free(s->host);
    s->host = host;
}

static bool same_names(char **names, size_t count, char *const *wanted, size_t wanted_count)
{
    if (count != wanted_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], wanted[i]) != 0)
            return false;
    return true;
}

static bool copy_names(char ***names, size_t *count, char *const *wanted, size_t wanted_count)
{
    char **copy = calloc(wanted_count + 1, sizeof *copy);
    bool complete = copy != NULL;
    for (size_t i = 0; complete && i < wanted_count; i++)
        complete = (copy[i] = strdup(wanted[i])) != NULL;
    if (!complete) {
        if (copy != NULL)
            free_names(copy, wanted_count);
        return false;
    }
    free_names(*names, *count);
    *names = copy;
    *count = wanted_count;
    return true;
}

// Room for each queue that it names.
static bool make_lists(session *s, size_t queues)
{
    free(s->credits);
    free(s->named);
    free(s->candidates);
    s->credits = calloc(queues + 1, sizeof *s->credits);
    s->named = calloc(queues + 1, sizeof(job_queue *));
    s->candidates = calloc(queues + 1, sizeof(job_queue *));
    return s->credits != NULL && s->named != NULL && s->candidates != NULL;
}

// Those that are silent make room for others.
static bool make_served_room(engine *e, size_t wanted)
{
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    {
        if (e->served + wanted <= e->options.max_served)
            break;
        if (session_is_idle(s) && s->served > 0)
            session_forget_served(e, s);
    }
    return e->served + wanted <= e->options.max_served;
}

static bool learn_served(engine *e, session *s, const Errand__V1__Worker *worker)
{
    s->weighted = weights_any(worker->queues, worker->n_queues);
    return make_lists(s, worker->n_queues) &&
           copy_names(&s->queues, &s->queue_count, worker->queues, worker->n_queues) &&
           copy_names(&s->kinds, &s->kind_count, worker->kinds, worker->n_kinds) && idle_meet(e, s);
}

status *session_describe(engine *e, session *s, const Errand__V1__Worker *worker)
{
    if (s->posts != NULL &&
        same_names(s->queues, s->queue_count, worker->queues, worker->n_queues) &&
        same_names(s->kinds, s->kind_count, worker->kinds, worker->n_kinds))
        return NULL;
    size_t served =
        worker->n_queues + worker->n_kinds + idle_post_count(worker->n_queues, worker->n_kinds);
    session_forget_served(e, s);
    if (!make_served_room(e, served))
        return status_new(STATUS_RESOURCE_EXHAUSTED,
                          "the connected workers name too many queues and kinds: at most %zu names "
                          "and pairs of them in all, and this one %zu",
                          e->options.max_served, served);
    s->served = served;
    e->served += served;
    if (learn_served(e, s, worker))
        return NULL;
    session_forget_served(e, s);
    return no_memory();
}

// Queues stay for ever.
job_queue *session_queue(engine *e, session *s, size_t index)
{
    const char *name = s->queues[index];
    if (s->named[index] == NULL)
        HASH_FIND(hh, e->queues, name, served_name_size(name), s->named[index]);
    return s->named[index];
}

bool session_runs(const session *s, const char *kind)
{
    for (size_t i = 0; i < s->kind_count; i++)
        if (strcmp(s->kinds[i], kind) == 0)
            return true;
    return s->kind_count == 0;
}

// A queue may be followed by =WEIGHT.
bool session_serves(const session *s, const job_route *r)
{
    size_t size = strlen(r->queue->name);
    bool named = s->queue_count == 0;
    for (size_t i = 0; !named && i < s->queue_count; i++)
        named = served_name_size(s->queues[i]) == size &&
                memcmp(s->queues[i], r->queue->name, size) == 0;
    return named && session_runs(s, r->kind->name);
}

// What was told in an answer is forgotten once the round of that answer is over.
static void begin_rejections(engine *e, session *s)
{
    if (s->rejected_round == e->round)
        return;
    s->rejected_round = e->round;
    s->rejected_count -= s->rejected_told;
    if (s->rejected_told > 0)
        memmove(s->rejected, s->rejected + s->rejected_told,
                s->rejected_count * sizeof *s->rejected);
    s->rejected_told = 0;
    s->rejected_before = s->rejected_count;
}

void session_undo(engine *e, session *s)
{
    if (s->rejected_round != e->round)
        return;
    s->rejected_count = s->rejected_before;
    s->rejected_told = 0;
}

void session_reject(engine *e, session *s, const engine_rejection *rejection)
{
    begin_rejections(e, s);
    if (s->rejected_count >= (s->lease_sequence > 0 ? MAX_REJECTED : MAX_STRANGER_REJECTED))
        return;
    engine_rejection *more = realloc(s->rejected, (s->rejected_count + 1) * sizeof *more);
    if (more == NULL)
        return;
    s->rejected = more;
    s->rejected[s->rejected_count++] = *rejection;
}

static bool tell_rejections(engine *e, session *s, arena *memory, engine_notices *ret)
{
    begin_rejections(e, s);
    size_t count = s->rejected_count - s->rejected_told;
    ret->rejected = NULL;
    ret->rejected_count = 0;
    if (count == 0)
        return true;
    ret->rejected = arena_copy(memory, s->rejected + s->rejected_told, count * sizeof *s->rejected);
    if (ret->rejected == NULL)
        return false;
    ret->rejected_count = count;
    s->rejected_told = s->rejected_count;
    return true;
}

bool session_notices(engine *e, session *s, arena *memory, engine_notices *ret)
{
    ret->acked_outcome_sequence = s->acked;
    return revoked_notices(s, memory, ret) && tell_rejections(e, s, memory, ret);
}

bool session_save_ack(engine *e, session *s)
{
    store_worker worker = {
        .id = s->id,
        .acked_outcome_sequence = s->acked,
        .lease_sequence = s->lease_sequence,
        .seen_us = s->heard_us,
    };
    s->stored = engine_write(e) && engine_check(e, e->store->ops->save_worker(e->store, &worker));
    return s->stored;
}

void session_free_all(engine *e)
{
    session *s, *next;
    HASH_ITER(hh, e->sessions, s, next)
    session_free(e, s);
}
