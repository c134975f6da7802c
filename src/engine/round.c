// round - applies commands to the store in batches.
//
// A round: take all commands that wait, apply each, do what is due, hand ready jobs to parked
// workers, commit, answer. When the disk refuses, everything in memory is read anew from the store,
// so that a round happens as a whole or not at all.
#include "engine/internal.h"

#include "base/log.h"

// A round takes no more commands once they have so many jobs, so that answers need not wait long.
#define ROUND_JOBS 8192

// Waking a thread takes longer than so many jobs, and not as long as many more.
#define LIGHT_JOBS 32

#define DISK_RETRY_US 1000000

bool engine_write(engine *e)
{
    if (e->trouble != NULL)
        return false;
    if (!e->writing)
        e->writing = engine_check(e, e->store->ops->begin(e->store));
    return e->writing;
}

bool engine_check(engine *e, status *failure)
{
    if (failure == NULL)
        return true;
    if (e->trouble == NULL)
        e->trouble = failure;
    else
        status_free(failure);
    return false;
}

bool engine_save(engine *e, const job_row *before, const job_row *row)
{
    if (!engine_check(e, e->store->ops->save(e->store, before, row, 1)))
        return false;
    wait_tell(e, row);
    feed_note_job(e, before, row);
    return true;
}

static void append(command_list *list, engine_command *first, engine_command *last)
{
    if (list->last != NULL)
        list->last->next = first;
    else
        list->first = first;
    list->last = last;
}

// Workers come first: a job starts the sooner.
void engine_answer(engine *e, engine_command *command)
{
    command->next = NULL;
    append(command->verb == ENGINE_LEASE ? &e->to_workers : &e->to_others, command, command);
}

void engine_refuse(engine *e, engine_command *command, status *failure)
{
    status_free(command->failure);
    command->failure = failure;
    engine_answer(e, command);
}

// NULL: the command can be applied.
static const char *why_not(const engine *e, engine_verb verb)
{
    bool writes = verb == ENGINE_SUBMIT || verb == ENGINE_LEASE || verb == ENGINE_OUTCOMES;
    if (e->stale && verb != ENGINE_GONE)
        return "the store can not be read";
    return writes && engine_rests(e) ? "the store can not be written" : NULL;
}

static void leave(engine *e, gone_command *command)
{
    if (command->answered)
        park_hurry(e, command->ticket);
    else
        park_gone(e, command->ticket);
    engine_answer(e, &command->command);
}

static void apply(engine *e, engine_command *command)
{
    const char *why = why_not(e, command->verb);
    if (why != NULL) {
        engine_refuse(e, command, status_new(STATUS_UNAVAILABLE, "%s", why));
        return;
    }
    switch (command->verb) {
    case ENGINE_SUBMIT:
        (void) submit_apply(e, command, &(size_t){1});
        break;
    case ENGINE_WAIT:
        wait_apply(e, (engine_wait *) command);
        break;
    case ENGINE_LEASE:
        assign_apply(e, (engine_lease *) command);
        break;
    case ENGINE_HEARTBEAT:
        heartbeat_apply(e, (engine_heartbeat *) command);
        break;
    case ENGINE_OUTCOMES:
        outcomes_apply(e, (engine_outcomes *) command);
        break;
    case ENGINE_CONTROL:
        control_apply(e, (engine_control *) command);
        break;
    case ENGINE_CONTROL_MANY:
        control_many_apply(e, (engine_control_many *) command);
        break;
    case ENGINE_QUEUE:
        queue_apply(e, (engine_queue *) command);
        break;
    case ENGINE_QUEUES:
        queues_apply(e, (engine_queues *) command);
        break;
    case ENGINE_EXPLAIN:
        explain_apply(e, (engine_explain *) command);
        break;
    case ENGINE_WORKERS:
        workers_apply(e, (engine_workers *) command);
        break;
    case ENGINE_STATS:
        stats_apply(e, (engine_stats *) command);
        break;
    case ENGINE_NUMBERS:
        numbers_apply(e, (engine_numbers *) command);
        break;
    case ENGINE_FEED:
        feed_apply(e, (engine_feed *) command);
        break;
    case ENGINE_GONE:
        leave(e, (gone_command *) command);
        break;
    }
}

// Wall time follows jumps forward. Where the clock was set back it goes on from where it was, at
// the monotonic clock's pace: what is due is not late by as much as that.
void round_read_clocks(engine *e)
{
    int64_t wall = clock_wall_us(e->clock), mono = clock_mono_us(e->clock);
    e->now_us += mono - e->mono_us;
    if (wall > e->now_us)
        e->now_us = wall;
    e->mono_us = mono;
}

// Until that has worked, what is in memory must not be told to anybody.
static void read_anew(engine *e)
{
    status *unreadable = recover(e);
    e->stale = unreadable != NULL;
    e->retry_us = e->mono_us + DISK_RETRY_US;
    if (unreadable != NULL)
        log_error("store_read_failed", LOG_STATUS(unreadable));
    status_free(unreadable);
}

// Everything in memory that a failed transaction may have changed is read anew.
static void undo_round(engine *e)
{
    log_error("store_write_failed", LOG_STATUS(e->trouble));
    if (e->writing)
        e->store->ops->rollback(e->store);
    e->writing = false;
    e->refusals++;
    read_anew(e);
}

static void commit_round(engine *e)
{
    if (e->trouble == NULL)
        (void) queues_save(e);
    if (e->trouble == NULL && e->writing) {
        e->writing = false;  // a failed commit has rolled back
        if (engine_check(e, e->store->ops->commit(e->store)))
            e->refusals = 0;
    }
    tally_end(e, e->trouble == NULL);
    feed_end(e, e->trouble == NULL);
    if (e->trouble != NULL)
        undo_round(e);
    e->round++;
}

// Nothing of what it would have been told has happened.
static void take_back(engine_command *command, const status *trouble)
{
    if (command->failure == NULL)
        command->failure = status_copy(trouble);
    if (command->verb == ENGINE_WAIT)
        wait_take_back((engine_wait *) command);
}

// The answers of the round that is over, in order.
static command_list take_answers(engine *e)
{
    command_list all = e->to_workers;
    if (e->to_others.first != NULL)
        append(&all, e->to_others.first, e->to_others.last);
    e->to_workers = e->to_others = (command_list){NULL, NULL};
    for (engine_command *c = all.first; c != NULL && e->trouble != NULL; c = c->next)
        take_back(c, e->trouble);
    status_free(e->trouble);
    e->trouble = NULL;
    return all;
}

static size_t jobs_of(const engine_command *command)
{
    if (command->verb == ENGINE_SUBMIT)
        return ((const engine_submit *) command)->count;
    if (command->verb == ENGINE_OUTCOMES)
        return ((const engine_outcomes *) command)->count;
    return 1;
}

bool round_is_light(const engine_command *commands)
{
    size_t jobs = 0;
    for (; commands != NULL && jobs <= LIGHT_JOBS; commands = commands->next)
        jobs += jobs_of(commands);
    return jobs <= LIGHT_JOBS;
}

// Of who waits for a job, or for the end of one.
static bool is_awaited(const engine_command *answer)
{
    return answer != NULL && (answer->verb == ENGINE_LEASE || answer->verb == ENGINE_WAIT);
}

// One or two answers are given here when nothing else waits, or when somebody waits for them:
// another thread would only have to be woken. A new job has two, of who brought it and of the
// worker that gets it, and its end has two.
static bool answer_here(const engine *e, const engine_command *first)
{
    const engine_command *second = first->next;
    return (second == NULL || second->next == NULL) && round_is_light(first) &&
           answers_idle(&e->answerer) &&
           (engine_queue_length(e) == 0 || is_awaited(first) || is_awaited(second));
}

// Returns what was posted meanwhile, such as the wait of a Submit that is done: this thread can
// carry that out as well, unless others have come.
static engine_command *give_answers(engine *e, engine_command *first)
{
    (void) engine_collect(e);
    answers_run(first);
    engine_command *posted = engine_collect(NULL);
    if (engine_queue_length(e) == 0)
        return posted;
    inbox_put_all(&e->inbox, posted);
    return NULL;
}

// Returns the commands of the next round, those that are left of this one or what was posted.
static engine_command *answer_round(engine *e, engine_command *left)
{
    command_list all = take_answers(e);
    if (all.first != NULL && left == NULL && answer_here(e, all.first))
        return give_answers(e, all.first);
    if (all.first != NULL)
        answers_put(&e->answerer, all.first, all.last);
    return left;
}

static engine_command *apply_some(engine *e, engine_command *commands)
{
    size_t room = ROUND_JOBS;
    while (commands != NULL && room > 0) {
        engine_command *command = commands;
        if (command->verb == ENGINE_SUBMIT && !e->stale && !engine_rests(e)) {
            commands = submit_apply(e, command, &room);
            continue;
        }
        commands = command->next;
        engine_use(&room, jobs_of(command));
        apply(e, command);
    }
    return commands;
}

static void do_what_is_due(engine *e)
{
    timers_run(&e->timers, e->mono_us, e);
    supply_wake(e);
    if (e->stale)
        return;
    if (e->mono_us >= e->retry_us)
        due_run(e);
    if (atomic_load(&e->draining))
        assign_release_parked(e);
    else if (!engine_rests(e))
        assign_ready(e);
}

int64_t round_next(engine *e)
{
    int64_t due = e->retry_us > e->mono_us ? e->retry_us : due_next(e);
    int64_t deadline = timers_next(&e->timers), wake = timers_next(&e->supply.wakes);
    if (deadline > wake)
        deadline = wake;
    if (deadline > e->slack_us)
        deadline = e->slack_us;
    return deadline < due ? deadline : due;
}

void round_all(engine *e, engine_command *commands)
{
    atomic_store_explicit(&e->quiet, commands == NULL || commands->next == NULL,
                          memory_order_relaxed);
    do {
        round_read_clocks(e);
        if (e->stale && e->mono_us >= e->retry_us)
            read_anew(e);
        commands = apply_some(e, commands);
        do_what_is_due(e);
        commit_round(e);
        commands = answer_round(e, commands);
    } while (commands != NULL);
}

void round_last(engine *e, engine_command *commands)
{
    while (commands != NULL)
        commands = apply_some(e, commands);
    park_refuse_all(e);
    commit_round(e);
    answers_run(take_answers(e).first);
}
