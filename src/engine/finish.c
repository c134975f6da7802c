// finish - the ends of an attempt, and what follows from the end of a job: its callback, those who
// wait for it, the parent that may be purged.
//
// Each function is false when the store refused: then the round is undone as a whole.
#include "engine/internal.h"

#include "base/log.h"
#include "job/callback.h"
#include "job/rules.h"
#include "job/spec.h"
#include "job/time.h"

#include <stdio.h>
#include <stdlib.h>

// ---- callbacks ----

static bool insert_callback(engine *e, job_row *parent, const Errand__V1__Job *parent_spec,
                            arena *memory)
{
    Errand__V1__Job *spec;
    store_new_job fresh = {0};
    uint8_t hash[JOB_HASH_BYTES];
    const store_ops *ops = e->store->ops;
    fresh.hash = hash;
    if (!engine_check(
            e, job_callback_make(parent, parent_spec, memory, e->now_us, &spec, &fresh.row)) ||
        !engine_check(e, job_spec_encode(spec, memory, &fresh.spec, hash)) ||
        !engine_check(
            e, ops->route(e->store, job_spec_queue(spec), job_spec_kind(spec), &fresh.row.route)))
        return false;
    fresh.row.id = uuid_new_v7(e->now_us);
    fresh.row.seq = ops->next_seq(e->store);
    fresh.row.create_us = e->now_us;
    const job_queue *q = queue_of(e, fresh.row.route);
    fresh.row.aging_us = q != NULL ? q->settings.aging_us : 0;
    job_start_life(&fresh.row, e->now_us);
    parent->callbacks_open++;
    tally_note(e, fresh.row.route, TALLY_SUBMITTED, 1);
    feed_note_job(e, NULL, &fresh.row);
    return engine_check(e, ops->insert(e->store, &fresh, 1));
}

// Nobody knows any more where it should go; the job itself ends all the same.
static bool give_callback_up(const job_row *row, status *failure)
{
    char id[UUID_TEXT_SIZE];
    log_error("callback_lost", LOG_STR("job", uuid_format(&row->id, id)), LOG_STATUS(failure));
    status_free(failure);
    return true;
}

static bool call_back(engine *e, job_row *row)
{
    if (!row->has_callback)
        return true;
    slice bytes;
    Errand__V1__Job *spec = NULL;
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL)
        return engine_check(e, no_memory());
    status *failure = e->store->ops->load_spec(e->store, row->seq, memory, &bytes, NULL);
    if (failure == NULL)
        failure = job_spec_decode(bytes, memory, &spec);
    if (is_damage(failure))
        return give_callback_up(row, failure);
    if (!engine_check(e, failure))
        return false;
    return !job_callback_wanted(spec, row->state) || insert_callback(e, row, spec, memory);
}

bool finish_parent_of(engine *e, const job_row *callback, job_row *ret)
{
    *ret = (job_row){0};
    if (!engine_check(e, e->store->ops->load(e->store, &callback->parent_seq, 1, ret)))
        return false;
    // A callback is made in the moment of the end that it tells about.
    if (ret->finish_us != callback->create_us)
        *ret = (job_row){0};
    return true;
}

// The parent may run again meanwhile: its lease has a copy of the row.
static bool set_callbacks_open(engine *e, const job_row *before, int32_t count)
{
    job_row after = *before;
    lease *l = lease_by_seq(e, before->seq);
    after.callbacks_open = count;
    if (l != NULL)
        l->row.callbacks_open = count;
    return engine_write(e) && engine_save(e, before, &after);
}

bool finish_keep_parent(engine *e, const job_row *callback)
{
    job_row parent;
    if (!finish_parent_of(e, callback, &parent))
        return false;
    return parent.seq == 0 || set_callbacks_open(e, &parent, parent.callbacks_open + 1);
}

// The parent of a callback that has ended need not be kept for it any longer.
static bool let_parent_go(engine *e, const job_row *row)
{
    job_row parent;
    if (row->parent_seq == 0)
        return true;
    if (!engine_check(e, e->store->ops->load(e->store, &row->parent_seq, 1, &parent)))
        return false;
    return parent.seq == 0 || parent.callbacks_open == 0 ||
           set_callbacks_open(e, &parent, parent.callbacks_open - 1);
}

// ---- the end of an attempt ----

// Saves a row after a move, with all that follows from its end. result: of a success; or NULL.
static bool save_move(engine *e, const job_row *before, job_row *row, const slice *result)
{
    if (!engine_write(e))
        return false;
    bool ended = job_state_is_final(row->state);
    if (ended && (!call_back(e, row) || !let_parent_go(e, row)))
        return false;
    if (!engine_save(e, before, row))
        return false;
    if (!ended)
        return true;
    tally_note(e, row->route, TALLY_FINISHED, row->state);
    wait_wake(e, row, result);
    return true;
}

// A READY job leaves the line: its turn goes to the next of its key, unless it stood aside itself.
static bool leave_line(engine *e, const job_row *before)
{
    return before->state != JOB_READY || before->held || hold_release_key(e, before);
}

// Frees what the lease kept from others.
static bool end_lease(engine *e, lease *l)
{
    job_row row = l->row;
    lease_end(e, l);
    return hold_release_key(e, &row);
}

// The same for a job that runs. The lease is gone then.
static bool settle_with(engine *e, lease *l, status *refused, const job_row *before,
                        const slice *result)
{
    job_row row = l->row;
    return engine_check(e, refused) && save_move(e, before, &row, result) && end_lease(e, l);
}

static bool settle(engine *e, lease *l, status *refused, const job_row *before)
{
    return settle_with(e, l, refused, before, NULL);
}

static bool pack_attempt(engine *e, int64_t seq, const Errand__V1__Attempt *attempt)
{
    size_t size = errand__v1__attempt__get_packed_size(attempt);
    AUTO_FREE uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL)
        return engine_check(e, no_memory());
    errand__v1__attempt__pack(attempt, bytes);
    slice packed = {.bytes = bytes, .size = size};
    return engine_write(e) &&
           engine_check(e, e->store->ops->put_attempt(e->store, seq, attempt->number, packed));
}

// Why a job ended that was never tried is kept like a failed attempt, with the number 0.
static bool put_reason(engine *e, int64_t seq, Errand__Rpc__V1__Code code, char *message)
{
    Errand__V1__Attempt attempt = ERRAND__V1__ATTEMPT__INIT;
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    error.code = code;
    error.message = message;
    attempt.error = &error;
    return pack_attempt(e, seq, &attempt);
}

static bool put_attempt(engine *e, const lease *l, const Errand__Rpc__V1__Status *error)
{
    Errand__V1__Attempt attempt = ERRAND__V1__ATTEMPT__INIT;
    Google__Protobuf__Timestamp start = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Timestamp end = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    char worker[UUID_TEXT_SIZE];
    time_to_timestamp(l->row.start_us, &start);
    time_to_timestamp(e->now_us, &end);
    attempt.number = l->row.attempt;
    attempt.start_time = &start;
    attempt.end_time = &end;
    attempt.worker = uuid_format(&l->row.worker, worker);
    Errand__Rpc__V1__Status own = *error;
    attempt.error = &own;
    tally_note(e, l->row.route, TALLY_FAILED_ATTEMPT, 1);
    return pack_attempt(e, l->seq, &attempt);
}

bool finish_succeeded(engine *e, lease *l, slice result)
{
    job_row before = l->row;
    limits_succeeded(e, &before);
    tally_note(e, before.route, TALLY_RUN, e->now_us - before.start_us);
    if (!engine_write(e) || !engine_check(e, e->store->ops->put_result(e->store, l->seq, result)))
        return false;
    return settle_with(e, l, job_succeed(&l->row, e->now_us), &before, &result);
}

bool finish_failed(engine *e, lease *l, const job_failure *failure,
                   const Errand__Rpc__V1__Status *error)
{
    job_row before = l->row;
    limits_failed(e, &before, failure->retry_after_us);
    tally_note(e, before.route, TALLY_RUN, e->now_us - before.start_us);
    if (!put_attempt(e, l, error))
        return false;
    return settle(e, l, job_fail(&l->row, failure, engine_random(e), e->now_us), &before);
}

bool finish_released(engine *e, lease *l)
{
    job_row before = l->row;
    ranks_renew(e, &l->row);
    return settle(e, l, job_release(&l->row, e->now_us), &before);
}

bool finish_lost(engine *e, lease *l)
{
    job_row before = l->row;
    static char vanished[] = "the worker vanished: its lease was not renewed";
    static char poison[] = "poison: three workers vanished while they ran this job";
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    error.code = ERRAND__RPC__V1__CODE__UNAVAILABLE;
    error.message = before.losses + 1 >= JOB_MAX_LOSSES ? poison : vanished;
    if (!put_attempt(e, l, &error))
        return false;
    ranks_renew(e, &l->row);
    return settle(e, l, job_lose(&l->row, e->now_us), &before);
}

bool finish_cancelled(engine *e, const job_row *before, job_row *ret)
{
    lease *l = before->state == JOB_RUNNING ? lease_by_seq(e, before->seq) : NULL;
    *ret = *before;
    if (!engine_check(e, job_cancel(ret, e->now_us)) || !save_move(e, before, ret, NULL))
        return false;
    if (l == NULL)
        return leave_line(e, before);
    revoked_add(e, l);
    return end_lease(e, l);
}

bool finish_dependant(engine *e, const job_row *before, const job_row *ended)
{
    job_row row;
    char id[UUID_TEXT_SIZE], message[128];
    bool gone = job_row_is_gone(ended);
    (void) snprintf(message, sizeof message, "job %s, which it waited for, %s%s",
                    uuid_format(&ended->id, id), gone ? "was deleted" : "ended ",
                    gone ? "" : job_state_name(ended->state));
    return put_reason(e, before->seq, ERRAND__RPC__V1__CODE__ABORTED, message) &&
           finish_cancelled(e, before, &row);
}

bool finish_pointless(engine *e, const job_row *before)
{
    static char message[] = "the job it tells about was deleted, or tried again by hand";
    job_row row;
    return put_reason(e, before->seq, ERRAND__RPC__V1__CODE__ABORTED, message) &&
           finish_cancelled(e, before, &row);
}

bool finish_expired(engine *e, const job_row *before)
{
    static char message[] = "it was not started before its expire_time";
    job_row row = *before;
    return put_reason(e, row.seq, ERRAND__RPC__V1__CODE__DEADLINE_EXCEEDED, message) &&
           engine_check(e, job_expire(&row, e->now_us)) && save_move(e, before, &row, NULL) &&
           leave_line(e, before);
}

// Others that wait for it are told first, in their steps; then it is purged.
static bool remove_later(engine *e, const job_row *before)
{
    job_row row = *before;
    if (!job_state_is_final(row.state) && !engine_check(e, job_cancel(&row, e->now_us)))
        return false;
    row.finish_us = 0;
    row.callbacks_open = 0;
    return engine_save(e, before, &row);
}

bool finish_forgotten(engine *e, const job_row *row)
{
    upkeep_space_later(e);
    return engine_check(e, e->store->ops->remove(e->store, row, 1));
}

// Those who watch them or wait for them are told.
static void tell_removed(engine *e, const job_row *row)
{
    wait_wake_removed(e, row);
    feed_note_removed(e, row);
}

bool finish_goes_alone(const job_row *row)
{
    return !row->has_dependants && row->parent_seq == 0 && uuid_is_nil(&row->concurrency_key);
}

bool finish_removed_alone(engine *e, const job_row *rows, size_t count)
{
    if (count == 0)
        return true;
    if (!engine_write(e) || !engine_check(e, e->store->ops->remove(e->store, rows, count)))
        return false;
    upkeep_space_later(e);
    for (size_t i = 0; i < count; i++)
        tell_removed(e, &rows[i]);
    return true;
}

bool finish_removed(engine *e, const job_row *row)
{
    if (!engine_write(e) || (!job_state_is_final(row->state) && !let_parent_go(e, row)))
        return false;
    if (!(row->has_dependants ? remove_later(e, row) : finish_forgotten(e, row)) ||
        !leave_line(e, row))
        return false;
    tell_removed(e, row);
    return true;
}
