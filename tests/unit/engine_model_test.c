// engine_model - anything in any order, and after each step the engine's answers, its memory and
// the stored rows are what a plain model says.
//
// A step is a round of the engine with several commands; the clocks stand still but between steps,
// or go on as the round begins. ERRAND_TEST_SEED repeats a run.
#include "unit/engine_model_clock.h"
#include "unit/quick_disk.h"  // what a crash leaves behind is tested elsewhere

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define STEPS 1500
#else
#define STEPS 16000
#endif
#define MOST_COMMANDS 12
#define ROWS_EVERY    8    // steps between two looks at all rows
#define RESTART_EVERY 500  // steps, about

static model_command commands[MOST_COMMANDS];
static size_t command_count;
static long posted;

// ---- comparing ----

static void check_counts(void)
{
    const store_ops *ops = erig.store->ops;
    for (int i = 0; i < MODEL_QUEUES * MODEL_KINDS; i++) {
        int queue = i / MODEL_KINDS, kind = i % MODEL_KINDS;
        int32_t route =
            ops->find_route(erig.store, model_queue_names[queue], model_kind_names[kind]);
        for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++)
            assert_int_equal(route == 0 ? 0 : ops->count(erig.store, route, (job_state) state),
                             model_count(queue, kind, (job_state) state));
    }
    assert_int_equal(HASH_COUNT(erig.engine->leases), model_running(-1));
}

static void check_lease(const model_job *j, const job_row *row)
{
    lease *l = lease_by_seq(erig.engine, j->seq);
    uuid worker = worker_id((uint8_t) j->worker);
    assert_non_null(l);
    rig_assert_same_row(&l->row, row);
    assert_true(uuid_equal(&l->holder->id, &worker));
    assert_int_equal(l->expires_us, j->expires_us);
    assert_int_equal(l->voided_us, j->voided_us);
}

static void check_row(const model_job *j, const job_row *row)
{
    assert_int_equal(row->seq, j->seq);
    assert_string_equal(job_state_name(row->state), job_state_name(j->state));
    assert_int_equal(row->attempt, j->attempt);
    assert_int_equal(row->failures, j->failures);
    assert_int_equal(row->losses, j->losses);
    assert_int_equal(row->due_us, j->due_us);
    // Of a callback that had nothing to tell the model does not know when a worker came by it.
    if (j->parent_seq != 0 && j->state == JOB_CANCELLED)
        assert_in_range(row->finish_us, j->finish_us - ROUND_US, j->finish_us + ROUND_US);
    else
        assert_int_equal(row->finish_us, j->finish_us);
    assert_int_equal(row->aging_us, j->aging_us);
    assert_int_equal(row->has_dependants, j->has_dependants);
    if (j->state == JOB_BLOCKED)
        assert_int_equal(row->blockers, j->blockers);
    assert_int_equal(row->revision, j->revision);
    assert_int_equal(row->callbacks_open, j->callbacks_open);
    assert_int_equal(row->parent_seq, j->parent_seq);
    if (row->held)
        assert_true(j->state == JOB_READY && j->key != 0);
    if (j->state == JOB_RUNNING)
        check_lease(j, row);
}

static void check_rows(void)
{
    static uuid ids[MODEL_JOBS];
    static job_row rows[MODEL_JOBS];
    for (int i = 0; i < MODEL_JOBS; i++)
        ids[i] = model_id(i);
    rig_ok(erig.store->ops->find(erig.store, ids, MODEL_JOBS, rows));
    for (int i = 0; i < MODEL_JOBS; i++) {
        assert_int_equal(rows[i].seq != 0, model.jobs[i].there);
        if (model.jobs[i].there)
            check_row(&model.jobs[i], &rows[i]);
    }
}

static void check_parked(void)
{
    judge_waits();
    for (int i = 0; i < MODEL_WORKERS; i++)
        if (model.workers[i].asking != NULL)
            assert_false(erig_is_done(model.workers[i].asking));
}

// ---- a step ----

// Calls that were judged are not needed any more; those that are parked are.
static void sweep(void)
{
    call **place = &erig.calls;
    while (*place != NULL) {
        call *c = *place;
        if (!erig_is_done(c)) {
            place = &c->next;
            continue;
        }
        *place = c->next;
        status_free(c->command.failure);
        arena_free(c->memory);
        free(c);
    }
}

static bool has_room_for_a_wait(void)
{
    size_t waits = 0;
    for (int i = 0; i < MODEL_WAITS; i++)
        waits += model.waits[i].call != NULL;
    for (size_t i = 0; i < command_count; i++)
        waits += commands[i].judge == judge_wait;
    return waits < MODEL_WAITS;
}

static model_command any_command(void)
{
    uint64_t what = any(100);
    if (what < 22)
        return any_submit();
    if (what < 50)
        return any_lease();
    if (what < 72)
        return any_outcomes();
    if (what < 82)
        return any_heartbeat();
    if (what < 90)
        return any_control();
    if (what < 93)
        return any_many();
    if (what < 96 && has_room_for_a_wait())
        return any_wait();
    return any_queue(false);
}

// New limits come last: jobs that they let go may be had from the end of the round on.
static void post_some(void)
{
    size_t count = 1 + any(MOST_COMMANDS - 1);
    command_count = 0;
    while (command_count < count)
        commands[command_count++] = any_command();
    if (chance(4))
        commands[command_count++] = any_queue(true);
    posted += (long) command_count;
}

static void settle_all(void)
{
    do {
        erig_round();
        model_finish_round();
    } while (!model_rests());
}

// A Lease call may or may not come by a job that expires in its round: then the time passes before.
static bool any_is_late_at(int64_t now_us)
{
    MODEL_EACH(j)
    if (j->attempt == 0 && j->expire_us != 0 && j->expire_us <= now_us)
        return true;
    return false;
}

// The commands of a round, and the time that passes before it or as it begins.
static void round_of_commands(model_time t, bool late)
{
    model.coming_us = model_now_after(t) - model.now_us;
    post_some();
    call *last = wait_post(&(uuid){{0}}, 0);
    coming = t;
    atomic_store(&rounds_to_go, late ? 2 : 0);
    if (!late)
        clocks_pass(t);
    erig_release();
    erig_await(last);
    erig_round();
}

static void step(bool look_at_rows)
{
    model_time t = any_pass();
    bool late = chance(50) && !any_is_late_at(model_now_after(t) + ROUND_US);
    erig_hold();
    check_counts();
    if (look_at_rows)
        check_rows();
    round_of_commands(t, late);
    model_pass(late ? (model_time){0} : t);
    model_finish_round();  // of the round that was held
    model_pass(late ? t : (model_time){0});
    for (size_t i = 0; i < command_count; i++)
        commands[i].judge(&commands[i]);
    model_finish_round();
    settle_all();
    if (model_see_pointless())
        settle_all();
    notes_end();
    check_parked();
    sweep();
}

// ---- a restart ----

static void check_refused(call *c)
{
    if (c == NULL)
        return;
    assert_true(erig_is_done(c));
    assert_int_equal(status_code_of(c->command.failure), STATUS_UNAVAILABLE);
}

static void restart(void)
{
    model_time t = {.us = SECOND + (int64_t) any(40 * SECOND)};
    if (chance(30))
        t.jump_us = any_jump();
    erig_halt();
    for (int i = 0; i < MODEL_WORKERS; i++)
        check_refused(model.workers[i].asking);
    for (int i = 0; i < MODEL_WAITS; i++)
        check_refused(model.waits[i].call);
    sweep();
    clocks_pass(t);
    erig.store->ops->close(erig.store);
    erig_open_store();
    notes_begin(erig.store);
    erig_run();
    erig_round();
    model_wake(t);
    model_restart();
    model_finish_round();
    settle_all();
    if (model_see_pointless())
        settle_all();
    notes_end();
}

// ---- the runs ----

static void begin(const model_world *world)
{
    memset(&model, 0, sizeof model);
    model.random = dice_seed();
    model.world = *world;
    model.now_us = model.wall_us = T0;
    model.mono_us = MONO0;
    for (int i = 0; i < MODEL_QUEUES; i++)
        queue_settings_init(&model.queues[i].settings);
    notes.count = 0;
    posted = 0;
}

static void live_in(const model_world *world)
{
    begin(world);
    for (int i = 0; i < STEPS; i++) {
        step(i % ROWS_EVERY == 0);
        if (any(RESTART_EVERY) == 0)
            restart();
    }
    print_message("%ld commands in %d rounds\n", posted, STEPS);
}

static void the_engine_is_as_the_model_where_ids_and_keys_meet_often(void **state)
{
    (void) state;
    live_in(&(model_world){
        .ids = 8, .queues = 1, .keys = 2, .uniques = 2, .after = 20, .callback = 20});
}

static void the_engine_is_as_the_model_where_many_jobs_wait_in_line(void **state)
{
    (void) state;
    live_in(&(model_world){
        .ids = MODEL_IDS, .queues = 3, .keys = 3, .uniques = 30, .after = 5, .callback = 5});
}

static void the_engine_is_as_the_model_where_jobs_wait_for_each_other(void **state)
{
    (void) state;
    live_in(&(model_world){
        .ids = 24, .queues = 2, .keys = 2, .uniques = 5, .after = 60, .callback = 10});
}

static int start(void **state)
{
    (void) state;
    erig_prepare();
    erig.clock.wall_us = model_wall;
    erig.options.lease_us = LEASE_US;
    erig.options.grace_us = GRACE_US;
    erig.options.max_leases = MODEL_LEASES;
    notes_begin(erig.store);
    erig_run();
    return 0;
}

// A check that fails may leave the engine standing still.
static int stop(void **state)
{
    erig_release();
    return erig_stop(state);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_engine_is_as_the_model_where_ids_and_keys_meet_often, start,
                                    stop),
    cmocka_unit_test_setup_teardown(the_engine_is_as_the_model_where_many_jobs_wait_in_line, start,
                                    stop),
    cmocka_unit_test_setup_teardown(the_engine_is_as_the_model_where_jobs_wait_for_each_other,
                                    start, stop),
};

UNIT_TEST_MAIN(tests)
