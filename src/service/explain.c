// explain - Explain: why a job is not running now, in words.
//
// What takes long to find out, its place in a long line, is read before the engine is asked, on the
// thread of the call: whoever waits for the engine does not wait for that.
#include "service/internal.h"

#include "base/clock.h"
#include "job/time.h"

#include <stdarg.h>
#include <stdio.h>

#define MAX_POSITION 10000
#define MAX_BLOCKERS 100
#define MAX_REASONS  9

typedef struct explain_state {
    engine_explain explain;
    rpc_call *call;
    // Read before the engine was asked, of the job as it was then.
    job_state state;
    size_t position;
    uuid *blockers;
    size_t blocker_count;
    Errand__V1__Explanation reply;
    Errand__V1__Reason *reasons[MAX_REASONS];
} explain_state;

static arena *memory_of(explain_state *state)
{
    return rpc_call_arena(state->call);
}

__attribute__((format(printf, 3, 4))) static Errand__V1__Reason *
add_reason(explain_state *state, Errand__V1__Reason__Type type, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void) vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    Errand__V1__Reason *reason = arena_alloc(memory_of(state), sizeof *reason);
    char *message = arena_strdup(memory_of(state), text);
    if (reason == NULL || message == NULL || state->reply.n_reasons == MAX_REASONS) {
        return NULL;
    }
    errand__v1__reason__init(reason);
    reason->type = type;
    reason->message = message;
    state->reasons[state->reply.n_reasons++] = reason;
    return reason;
}

static Google__Protobuf__Timestamp *time_of(explain_state *state, int64_t us)
{
    Google__Protobuf__Timestamp *time = arena_alloc(memory_of(state), sizeof *time);
    if (time != NULL) {
        google__protobuf__timestamp__init(time);
        time_to_timestamp(us, time);
    }
    return time;
}

static void until(explain_state *state, Errand__V1__Reason *reason, int64_t us)
{
    if (reason != NULL && us != 0) {
        reason->until = time_of(state, us);
    }
}

static void estimate(explain_state *state, int64_t us)
{
    state->reply.estimated_start_time = time_of(state, us);
}

// ---- by state ----

static void why_blocked(explain_state *state)
{
    size_t count = state->blocker_count;
    Errand__V1__Reason *reason =
        add_reason(state, ERRAND__V1__REASON__TYPE__DEPENDENCY, "it waits for %d job%s to succeed",
                   state->explain.row.blockers, state->explain.row.blockers == 1 ? "" : "s");
    if (reason == NULL) {
        return;
    }
    reason->jobs = arena_alloc(memory_of(state), (count + 1) * sizeof *reason->jobs);
    for (size_t i = 0; reason->jobs != NULL && i < count; i++) {
        char *text = arena_alloc(memory_of(state), UUID_TEXT_SIZE);
        if (text == NULL) {
            break;
        }
        reason->jobs[reason->n_jobs++] = uuid_format(&state->blockers[i], text);
    }
}

static void why_paused(explain_state *state)
{
    if (state->explain.settings.paused) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__PAUSED, "the queue is paused");
    }
}

// Whatever becomes of the jobs that it waits for, it does not run before its time.
static void why_not_yet(explain_state *state)
{
    int64_t due_us = state->explain.row.due_us;
    if (due_us > clock_wall_us(clock_system())) {
        until(state, add_reason(state, ERRAND__V1__REASON__TYPE__TIME, "its time has not come"),
              due_us);
    }
}

static void why_scheduled(explain_state *state)
{
    const job_row *row = &state->explain.row;
    Errand__V1__Reason *reason =
        add_reason(state, ERRAND__V1__REASON__TYPE__TIME,
                   row->failures > 0 ? "it waits for its next attempt" : "its time has not come");
    until(state, reason, row->due_us);
    why_paused(state);
    if (!state->explain.settings.paused) {
        estimate(state, row->due_us);
    }
}

static const char *jobs_run(int64_t count)
{
    return count == 1 ? "job runs" : "jobs run";
}

static void limits_in_the_way(explain_state *state)
{
    const engine_explain *e = &state->explain;
    const queue_settings *s = &e->settings;
    why_paused(state);
    if (s->max_running != QUEUE_NO_LIMIT && e->queue_running >= s->max_running) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__MAX_RUNNING,
                          "%lld %s in the queue, its max_running", (long long) e->queue_running,
                          jobs_run(e->queue_running));
    }
    if (s->max_per_key != QUEUE_NO_LIMIT && !uuid_is_nil(&e->row.concurrency_key) &&
        e->key_running >= s->max_per_key) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__CONCURRENCY_KEY,
                          "%lld %s with its concurrency key, the queue's max_per_key",
                          (long long) e->key_running, jobs_run(e->key_running));
    }
    if (e->held_back_us != 0) {
        until(state,
              add_reason(state, ERRAND__V1__REASON__TYPE__RATE_LIMIT,
                         "an answer with Retry-After holds the queue back"),
              e->held_back_us);
    } else if (e->probing && e->queue_running > 0) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__RATE_LIMIT,
                          "after a Retry-After one job at a time is tried until one succeeds");
    }
    if (e->next_token_us != 0) {
        until(
            state,
            add_reason(state, ERRAND__V1__REASON__TYPE__RATE_LIMIT, "the rate limit of the queue"),
            e->next_token_us);
    }
}

// How fast its queue goes: as lately, or as fast as the limit lets it.
static double speed_of(const engine_explain *e)
{
    if (e->settings.rate_count == 0) {
        return e->starts_a_second;
    }
    return (double) e->settings.rate_count * 1e6 / (double) e->settings.rate_per_us;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// With a rate limit the first of the line starts with the next token.
static void estimate_start(explain_state *state, size_t position)
{
    const engine_explain *e = &state->explain;
    double speed = speed_of(e);
    if (e->settings.paused || !e->has_worker || speed <= 0) {
        return;
    }
    int64_t from_us =
        later(clock_wall_us(clock_system()), later(e->next_token_us, e->held_back_us));
    size_t before = position + (e->settings.rate_count > 0 ? 0 : 1);
    estimate(state, from_us + (int64_t) ((double) before / speed * 1e6));
}

// A job that became ready only now has a place that was not looked up: it is told as not exact.
static void place_in_line(explain_state *state)
{
    size_t position = state->position;
    if (state->state != JOB_READY) {
        return;
    }
    state->reply.position_exact = position <= MAX_POSITION;
    state->reply.position = (int64_t) (position <= MAX_POSITION ? position : MAX_POSITION);
    if (position > 0) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__POSITION, "%s%lld job%s first",
                          position > MAX_POSITION ? "at least " : "",
                          (long long) state->reply.position, position == 1 ? " comes" : "s come");
    }
    estimate_start(state, position);
}

static void why_ready(explain_state *state)
{
    limits_in_the_way(state);
    if (!state->explain.has_worker) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__NO_WORKER,
                          "no connected worker serves its queue and kind");
    } else if (!state->explain.has_room) {
        (void) add_reason(state, ERRAND__V1__REASON__TYPE__BUSY,
                          "all connected workers that serve its queue and kind are busy");
    }
    place_in_line(state);
}

static void explain_done(engine_command *command)
{
    explain_state *state = command->owner;
    char id[UUID_TEXT_SIZE];
    if (command->failure != NULL) {
        rpc_call_fail(state->call, command->failure);
        return;
    }
    errand__v1__explanation__init(&state->reply);
    state->reply.id = uuid_format(&state->explain.id, id);
    state->reply.state = (Errand__V1__Job__State) state->explain.row.state;
    state->reply.reasons = state->reasons;
    if (state->explain.row.state == JOB_BLOCKED) {
        why_blocked(state);
        why_not_yet(state);
        why_paused(state);
    } else if (state->explain.row.state == JOB_SCHEDULED) {
        why_scheduled(state);
    } else if (state->explain.row.state == JOB_READY) {
        why_ready(state);
    }
    rpc_call_answer(state->call, &state->reply.base);
}

// ---- what is read before ----

static status *read_blockers(explain_state *state, store_reader *reader, int64_t seq)
{
    state->blockers = arena_alloc(memory_of(state), MAX_BLOCKERS * sizeof *state->blockers);
    if (state->blockers == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return reader->ops->blockers(reader, seq, MAX_BLOCKERS, state->blockers, &state->blocker_count);
}

static status *read_ahead(service *s, explain_state *state)
{
    store_job stored;
    status *failure = reader_get(&s->readers, &state->explain.id, 0, memory_of(state), &stored);
    if (failure != NULL) {
        return failure;
    }
    state->state = stored.row.state;
    if (state->state != JOB_READY && state->state != JOB_BLOCKED) {
        return NULL;
    }
    store_reader *reader = reader_take(&s->readers);
    failure = state->state == JOB_BLOCKED
                  ? read_blockers(state, reader, stored.row.seq)
                  : reader->ops->position(reader, &stored.row, MAX_POSITION + 1, &state->position);
    reader_return(&s->readers, reader);
    return failure;
}

void explain_call(service *s, const Errand__V1__ExplainJobRequest *request, rpc_call *call)
{
    explain_state *state = arena_zalloc(rpc_call_arena(call), sizeof *state);
    if (state == NULL) {
        answer_no_memory(call);
        return;
    }
    state->call = call;
    status *failure = job_find(s, call, request->id, &state->explain.id);
    if (failure == NULL) {
        failure = read_ahead(s, state);
    }
    if (failure != NULL) {
        rpc_call_fail(call, failure);
        return;
    }
    state->explain.command =
        (engine_command){.verb = ENGINE_EXPLAIN, .done = explain_done, .owner = state};
    engine_post(s->options.engine, &state->explain.command);
}
