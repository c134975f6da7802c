// engine_rig - an engine over a store in a folder of its own, and a clock that stands still.
//
// The monotonic clock of the rig is far ahead of the real one: the engine's thread sleeps until it
// is posted something, so that nothing happens but in rounds that a test asks for.
#ifndef ERRAND_TESTS_UNIT_ENGINE_RIG_H
#define ERRAND_TESTS_UNIT_ENGINE_RIG_H

#include "unit/engine_disk.h"
#include "unit/store_rig.h"

#include "base/clock.h"
#include "engine/internal.h"
#include "job/spec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define SECOND     INT64_C(1000000)
#define MONO0      INT64_C(1000000000000000)
#define PATIENCE_S 30  // then a test that waits for the engine fails

// A command under way. Lives until the rig stops.
typedef struct call {
    union {
        engine_command command;
        engine_submit submit;
        engine_wait wait;
        engine_lease lease;
        engine_heartbeat heartbeat;
        engine_outcomes outcomes;
        engine_control control;
        engine_control_many many;
        engine_queue queue;
        engine_queues queues;
        engine_explain explain;
        engine_workers workers;
        engine_stats stats;
        engine_numbers numbers;
        engine_feed feed;
    };
    Errand__V1__Worker worker;
    arena *memory;
    bool done;                        // guarded by erig.lock
    int order;                        // of being done
    void (*then)(struct call *call);  // runs on the engine's thread
    struct call *next;
} call;

static struct {
    char place[64];
    store *store;
    atomic_llong wall_us, mono_us;
    clock_source clock;
    engine_options options;
    engine *engine;
    arena *memory;  // of the test's own thread
    call *calls;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int done_count;
    bool hold, held;  // guarded by lock
} erig = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

// ---- the clock ----

// The engine's thread comes by here once in each round, after it took what waits.
static inline void erig_hold_here(void)
{
    pthread_mutex_lock(&erig.lock);
    erig.held = erig.hold;
    pthread_cond_broadcast(&erig.changed);
    while (erig.hold)
        pthread_cond_wait(&erig.changed, &erig.lock);
    pthread_mutex_unlock(&erig.lock);
}

static inline int64_t erig_wall(void *data)
{
    (void) data;
    erig_hold_here();
    return atomic_load(&erig.wall_us);
}

static inline int64_t erig_mono(void *data)
{
    (void) data;
    return atomic_load(&erig.mono_us);
}

// Time goes on, but nothing happens before the next command.
static inline void erig_pass(int64_t us)
{
    atomic_fetch_add(&erig.wall_us, us);
    atomic_fetch_add(&erig.mono_us, us);
}

// ---- start and stop ----

static inline void erig_open_store(void)
{
    rig_ok(store_sqlite_open(erig.place, &erig.store));
    edisk_make_faulty(erig.store);
}

static inline void erig_run(void)
{
    erig.options.store = erig.store;
    rig_ok(engine_start(&erig.options, &erig.engine));
}

static inline void erig_prepare(void)
{
    rig_make_place(erig.place);
    erig.memory = arena_new(0);
    atomic_store(&erig.wall_us, T0);
    atomic_store(&erig.mono_us, MONO0);
    atomic_store(&edisk.begun, 0);
    atomic_store(&edisk.committed, 0);
    edisk_mend();
    erig.clock = (clock_source){erig_wall, erig_mono, NULL};
    engine_options_init(&erig.options);
    erig.options.clock = &erig.clock;
    erig.options.seed = 7;
    erig_open_store();
}

// Instead of the one that stands still. The rig's own is of the test's start.
static inline void erig_take_system_clock(void)
{
    erig.options.clock = NULL;
    atomic_store(&erig.wall_us, clock_wall_us(clock_system()));
    atomic_store(&erig.mono_us, clock_mono_us(clock_system()));
}

static inline int erig_start(void **state)
{
    (void) state;
    erig_prepare();
    erig_run();
    return 0;
}

static inline int erig_start_with_two_sessions(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_sessions = 2;
    erig_run();
    return 0;
}

// What the engine has in memory is what the store says is running, unless it knows better.
static inline void erig_compare_memory(void)
{
    if (erig.engine->stale)
        return;
    enum { MOST = 2000 };
    static job_row rows[MOST];
    size_t count;
    rig_ok(edisk.real->due(erig.store, JOB_LANE_RUNNING, INT64_MAX, MOST, rows, &count));
    assert_int_equal(count, HASH_COUNT(erig.engine->leases));
    for (size_t i = 0; i < count; i++) {
        lease *l = NULL;
        HASH_FIND(hh, erig.engine->leases, &rows[i].seq, sizeof rows[i].seq, l);
        assert_non_null(l);
        rig_assert_same_row(&l->row, &rows[i]);
        assert_true(uuid_equal(&l->holder->id, &rows[i].worker));
    }
}

static inline void erig_halt(void)
{
    if (erig.engine == NULL)
        return;
    engine_stop(erig.engine);
    erig_compare_memory();
    engine_free(erig.engine);
    erig.engine = NULL;
}

static inline void erig_free_calls(void)
{
    while (erig.calls) {
        call *c = erig.calls;
        erig.calls = c->next;
        status_free(c->command.failure);
        arena_free(c->memory);
        free(c);
    }
}

static inline int erig_stop(void **state)
{
    (void) state;
    erig_halt();
    erig_free_calls();
    erig.store->ops->close(erig.store);
    arena_free(erig.memory);
    rig_remove_place(erig.place);
    return 0;
}

// The server goes down and comes up again over the same folder.
static inline void erig_restart(void)
{
    erig_halt();
    erig.store->ops->close(erig.store);
    erig_open_store();
    erig_run();
}

// ---- commands ----

static inline void erig_done(engine_command *command)
{
    call *c = command->owner;
    if (c->then)
        c->then(c);
    pthread_mutex_lock(&erig.lock);
    c->done = true;
    c->order = ++erig.done_count;
    pthread_cond_broadcast(&erig.changed);
    pthread_mutex_unlock(&erig.lock);
}

static inline call *erig_call(engine_verb verb)
{
    call *c = calloc(1, sizeof *c);
    assert_non_null(c);
    c->command = (engine_command){.verb = verb, .done = erig_done, .owner = c};
    c->memory = arena_new(0);
    errand__v1__worker__init(&c->worker);
    c->next = erig.calls;
    erig.calls = c;
    return c;
}

static inline call *erig_post(call *c)
{
    engine_post(erig.engine, &c->command);
    return c;
}

static inline bool erig_is_done(call *c)
{
    pthread_mutex_lock(&erig.lock);
    bool done = c->done;
    pthread_mutex_unlock(&erig.lock);
    return done;
}

static inline call *erig_await(call *c)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int error = 0;
    pthread_mutex_lock(&erig.lock);
    while (!c->done && error == 0)
        error = pthread_cond_timedwait(&erig.changed, &erig.lock, &until);
    pthread_mutex_unlock(&erig.lock);
    if (error != 0)
        fail_msg("the engine did not answer");
    return c;
}

static inline call *erig_fine(call *c)
{
    erig_await(c);
    if (c->command.failure)
        print_error("%s\n", c->command.failure->message);
    assert_null(c->command.failure);
    return c;
}

static inline void erig_failed(call *c, status_code code)
{
    erig_await(c);
    assert_int_equal(status_code_of(c->command.failure), code);
}

// ---- waiting ----

static inline call *wait_call(const uuid *id, int64_t wait_us)
{
    call *c = erig_call(ENGINE_WAIT);
    c->wait.id = *id;
    c->wait.ticket = engine_ticket(erig.engine);
    c->wait.deadline_us = atomic_load(&erig.mono_us) + wait_us;
    return c;
}

static inline call *wait_post(const uuid *id, int64_t wait_us)
{
    return erig_post(wait_call(id, wait_us));
}

// One round of the engine at least, from reading the clock to the commit, and its answers.
static inline void erig_round(void)
{
    static const uuid nobody = {{0}};
    for (int i = 0; i < 2; i++)
        erig_await(wait_post(&nobody, 0));
}

// Time goes on, and all that follows from it has happened.
static inline void erig_later(int64_t us)
{
    erig_pass(us);
    erig_round();
}

// ---- several commands in one round ----

// The engine's thread stands still with this command in its hands until erig_release.
static inline void erig_hold_with(call *c)
{
    pthread_mutex_lock(&erig.lock);
    erig.hold = true;
    pthread_mutex_unlock(&erig.lock);
    erig_post(c);
    pthread_mutex_lock(&erig.lock);
    while (!erig.held)
        pthread_cond_wait(&erig.changed, &erig.lock);
    pthread_mutex_unlock(&erig.lock);
}

// The engine's thread stands still until erig_release: what is posted in between is one round.
static inline void erig_hold(void)
{
    static const uuid nobody = {{0}};
    erig_hold_with(wait_call(&nobody, 0));
}

static inline void erig_release(void)
{
    pthread_mutex_lock(&erig.lock);
    erig.hold = erig.held = false;
    pthread_cond_broadcast(&erig.changed);
    pthread_mutex_unlock(&erig.lock);
}

static inline void assert_waits(call *c)
{
    erig_round();
    assert_false(erig_is_done(c));
}

#endif
