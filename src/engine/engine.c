// engine - the one writer: one thread at a time does the rounds, the engine's own or a caller's.
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#define LEADERS_STACK ((size_t) 1 << 20)

// ---- posting ----

uint64_t engine_ticket(engine *e)
{
    return atomic_fetch_add(&e->last_ticket, 1) + 1;
}

static void gone_done(engine_command *command)
{
    status_free(command->failure);
    free(command->owner);
}

void engine_gone(engine *e, uint64_t ticket, bool answered)
{
    gone_command *gone = calloc(1, sizeof *gone);
    if (gone == NULL)
        return;  // its deadline will end it
    gone->command = (engine_command){.verb = ENGINE_GONE, .done = gone_done, .owner = gone};
    gone->ticket = ticket;
    gone->answered = answered;
    inbox_put(&e->inbox, &gone->command);
}

size_t engine_queue_length(const engine *e)
{
    return atomic_load_explicit(&e->inbox.length, memory_order_relaxed);
}

// ---- who does the rounds ----

static void sleep_till_next_round(engine *e)
{
    int64_t until = e->sleeps_until_us = round_next(e);
    (void) pthread_mutex_unlock(&e->rounds);
    inbox_wait(&e->inbox, until);
    (void) pthread_mutex_lock(&e->rounds);
}

// A round takes some 300 kB of stack; threads of libraries may have less than that in all.
static bool has_stack(void)
{
    static _Thread_local enum { UNKNOWN, ENOUGH, TOO_LITTLE } room;
    if (room == UNKNOWN) {
        pthread_attr_t attributes;
        size_t size = 0;
        if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
            (void) pthread_attr_getstacksize(&attributes, &size);
            (void) pthread_attr_destroy(&attributes);
        }
        room = size >= LEADERS_STACK ? ENOUGH : TOO_LITTLE;
    }
    return room == ENOUGH;
}

// At a low load a caller does the round itself: waking a thread takes longer than the command. One
// with many jobs is left to the engine's thread, so that the caller can read the next one
// meanwhile.
static bool lead_round(engine *e, engine_command *commands)
{
    if (!e->options.callers_lead || !atomic_load_explicit(&e->quiet, memory_order_relaxed) ||
        !round_is_light(commands) || !has_stack() || pthread_mutex_trylock(&e->rounds) != 0)
        return false;
    bool free = !atomic_load(&e->stopping) && engine_queue_length(e) == 0;
    if (free) {
        round_all(e, commands);
        if (round_next(e) < e->sleeps_until_us)
            inbox_poke(&e->inbox);
    }
    (void) pthread_mutex_unlock(&e->rounds);
    return free;
}

// ---- together ----

// What this thread has posted since engine_together; the end of the list is only right while there
// is one.
static _Thread_local struct {
    engine *engine;  // NULL: each command goes at once
    engine_command *first, **end;
} together;

static void keep_together(engine_command *command)
{
    command->next = NULL;
    if (together.first == NULL)
        together.end = &together.first;
    *together.end = command;
    together.end = &command->next;
}

engine_command *engine_collect(engine *e)
{
    engine_command *commands = together.first;
    together.engine = e;
    together.first = NULL;
    return commands;
}

void engine_together(engine *e, bool begins)
{
    engine_command *commands = engine_collect(begins ? e : NULL);
    if (commands != NULL && !lead_round(e, commands))
        inbox_put_all(&e->inbox, commands);
}

void engine_post(engine *e, engine_command *command)
{
    command->failure = NULL;
    command->next = NULL;
    if (together.engine == e)
        keep_together(command);
    else if (!lead_round(e, command))
        inbox_put(&e->inbox, command);
}

static void *run(void *argument)
{
    engine *e = argument;
    (void) pthread_mutex_lock(&e->rounds);
    round_all(e, NULL);  // what became due meanwhile comes before the first command
    while (!atomic_load(&e->stopping)) {
        sleep_till_next_round(e);
        round_all(e, inbox_take(&e->inbox, 0));
        upkeep_space(e);
    }
    answers_stop(&e->answerer);
    do  // an answer may post another command
        round_last(e, inbox_take(&e->inbox, 0));
    while (engine_queue_length(e) > 0);
    (void) pthread_mutex_unlock(&e->rounds);
    return NULL;
}

// ---- start and stop ----

static status *start_threads(engine *e)
{
    status *failure = recover(e);
    if (failure != NULL)
        return failure;
    failure = answers_start(&e->answerer);
    if (failure != NULL)
        return failure;
    int error = pthread_create(&e->thread, NULL, run, e);
    if (error == 0)
        return NULL;
    answers_stop(&e->answerer);
    return status_errno(error, "engine thread");
}

status *engine_start(const engine_options *options, engine **ret)
{
    engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return no_memory();
    e->options = *options;
    e->store = options->store;
    e->clock = options->clock != NULL ? options->clock : clock_system();
    e->round = 1;
    e->start_us = e->store->ops->last_time_us(e->store);
    e->now_us = e->start_us + 1;
    e->mono_us = clock_mono_us(e->clock);
    engine_seed_random(e, options->seed);
    (void) pthread_mutex_init(&e->rounds, NULL);
    status *failure = inbox_init(&e->inbox);
    if (failure != NULL) {
        free(e);
        return failure;
    }
    round_read_clocks(e);
    upkeep_start(e);
    failure = start_threads(e);
    if (failure != NULL) {
        engine_free(e);
        return failure;
    }
    *ret = e;
    return NULL;
}

void engine_drain(engine *e)
{
    atomic_store(&e->draining, true);
    inbox_poke(&e->inbox);
}

void engine_stop(engine *e)
{
    atomic_store(&e->stopping, true);
    inbox_poke(&e->inbox);
    pthread_join(e->thread, NULL);
}

void engine_free(engine *e)
{
    if (e == NULL)
        return;
    lease_free_all(e);
    free(e->ends);
    session_free_all(e);
    feed_free_all(e);
    queues_free(e);
    tally_free(e);
    supply_free(e);
    idle_free(e);
    free(e->scratch);
    timers_fini(&e->timers);
    inbox_fini(&e->inbox);
    free(e);
}
