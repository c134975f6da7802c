// engine_feed - what is told to those who watch a queue: all of it, once, in order, or that
// something is missing.
#include "unit/engine_watcher.h"

static void assert_item(const engine_feed *told, size_t index, const job_row *job, job_state state)
{
    assert_true(index < told->count);
    assert_true(uuid_equal(&told->items[index].id, &job->id));
    assert_string_equal(job_state_name(told->items[index].state), job_state_name(state));
    assert_string_equal(told->items[index].kind, "k");
}

// ---- what is told ----

static void a_watch_begins_with_the_queue_as_it_is(void **state)
{
    (void) state;
    submit("q", "k");
    const engine_feed *told = feed_now(from_now);
    assert_int_equal(told->count, 0);
    assert_int_equal(told->reset, ENGINE_FEED_WHOLE);
    assert_true(told->has_info);
    assert_string_equal(told->info.name, "q");
    assert_int_equal(told->info.depth[JOB_READY], 1);
    assert_nothing(feed_now(told->place));
}

static void each_change_of_a_job_is_told_once_in_order(void **state)
{
    (void) state;
    submit("q", "k");
    engine_feed_place place = place_now();
    job_row job = submit("q", "k"), other = submit("p", "k");
    job_row first = lease_one(1, 1);
    (void) other;
    report(1, 1, success(&first));
    const engine_feed *told = feed_later(place);
    assert_int_equal(told->count, 3);
    assert_item(told, 0, &job, JOB_READY);
    assert_item(told, 1, &first, JOB_RUNNING);
    assert_item(told, 2, &first, JOB_SUCCEEDED);
    assert_int_equal(told->items[1].attempt, 1);
    assert_true(told->items[2].revision > told->items[1].revision);
    assert_true(told->has_info);
    assert_int_equal(told->info.depth[JOB_SUCCEEDED], 1);
    assert_nothing(feed_now(told->place));
}

static void a_watch_that_waits_is_answered_by_the_change(void **state)
{
    (void) state;
    submit("q", "k");
    erig_later(PACE);
    call *watch = feed_post("q", place_now(), LONG);
    assert_waits(watch);
    submit("p", "k");
    assert_waits(watch);
    job_row job = submit("q", "k");
    const engine_feed *told = &erig_fine(watch)->feed;
    assert_int_equal(told->count, 1);
    assert_item(told, 0, &job, JOB_READY);
    assert_true(told->has_info);
}

static void a_watch_ends_at_its_deadline_without_news(void **state)
{
    (void) state;
    submit("q", "k");
    call *watch = feed_post("q", place_now(), LONG);
    assert_waits(watch);
    erig_later(LONG);
    assert_nothing(&erig_fine(watch)->feed);
}

static void changes_that_come_close_together_are_told_together(void **state)
{
    (void) state;
    submit("q", "k");
    engine_feed_place place = place_now();
    submit("q", "k");
    const engine_feed *told = feed_now(place);
    assert_int_equal(told->count, 1);
    for (int i = 0; i < 5; i++)
        submit("q", "k");
    call *watch = feed_post("q", told->place, LONG);
    assert_waits(watch);
    erig_later(30000);
    told = &erig_fine(watch)->feed;
    assert_int_equal(told->count, 5);
    assert_false(told->has_info);
    watch = feed_post("q", told->place, LONG);
    assert_waits(watch);
    erig_later(PACE);
    told = &erig_fine(watch)->feed;
    assert_int_equal(told->count, 0);
    assert_true(told->has_info);
    assert_int_equal(told->info.depth[JOB_READY], 7);
}

static void settings_of_the_queue_are_told(void **state)
{
    (void) state;
    submit("q", "k");
    call *watch = feed_post("q", place_now(), LONG);
    assert_waits(watch);
    queue_pause("q", true);
    const engine_feed *told = &erig_fine(watch)->feed;
    assert_int_equal(told->count, 0);
    assert_true(told->has_info && told->info.settings.paused);
}

static void a_deleted_job_is_told(void **state)
{
    (void) state;
    job_row job = submit("q", "k");
    engine_feed_place place = place_now();
    control(ENGINE_DELETE, &job.id);
    const engine_feed *told = feed_later(place);
    assert_int_equal(told->count, 1);
    assert_item(told, 0, &job, JOB_READY);
    assert_true(told->items[0].deleted);
    assert_int_equal(told->info.depth[JOB_READY], 0);
}

static void a_job_that_is_purged_is_told(void **state)
{
    (void) state;
    engine_new_job fresh = fresh_job();
    fresh.row.policy.retention_us = SECOND;
    job_row job = submit_new(fresh);
    control(ENGINE_CANCEL, &job.id);
    engine_feed_place place = place_now();
    erig_later(10 * SECOND);
    const engine_feed *told = feed_later(place);
    assert_int_equal(told->count, 1);
    assert_item(told, 0, &job, JOB_CANCELLED);
    assert_true(told->items[0].deleted);
}

static void progress_is_no_change_of_state(void **state)
{
    (void) state;
    static const slice halfway = {(const uint8_t *) "\x1a\x04half", 6};
    submit("q", "k");
    job_row job = lease_one(1, 1);
    engine_feed_place place = place_now();
    engine_lease_ref ref = ref_of(&job);
    call *c = heartbeat_call(1, &ref, 1, 0);
    c->heartbeat.progress = &halfway;
    erig_fine(erig_post(c));
    assert_nothing(feed_later(place));
}

static void a_long_list_is_told_in_pieces(void **state)
{
    (void) state;
    enum { JOBS = 25, PIECE = 10 };
    submit("q", "k");
    engine_feed_place place = place_now();
    job_row jobs[JOBS];
    for (int i = 0; i < JOBS; i++)
        jobs[i] = submit("q", "k");
    erig_later(PACE);
    for (int i = 0; i < JOBS; i += PIECE) {
        call *c = erig_call(ENGINE_FEED);
        c->feed.queue = "q";
        c->feed.place = place;
        c->feed.limit = PIECE;
        c->feed.memory = c->memory;
        erig_fine(erig_post(c));
        assert_int_equal(c->feed.count, JOBS - i < PIECE ? JOBS - i : PIECE);
        for (size_t k = 0; k < c->feed.count; k++)
            assert_item(&c->feed, k, &jobs[(size_t) i + k], JOB_READY);
        place = c->feed.place;
    }
    assert_nothing(feed_now(place));
}

static void a_queue_that_does_not_exist_is_not_found(void **state)
{
    (void) state;
    erig_failed(feed_post("q", from_now, LONG), STATUS_NOT_FOUND);
}

static void a_caller_that_goes_ends_its_watch(void **state)
{
    (void) state;
    submit("q", "k");
    call *watch = feed_post("q", place_now(), LONG);
    assert_waits(watch);
    engine_gone(erig.engine, watch->feed.ticket, false);
    erig_failed(watch, STATUS_CANCELLED);
    watch = feed_post("q", place_now(), LONG);
    assert_waits(watch);
    erig_halt();
    erig_failed(watch, STATUS_UNAVAILABLE);
    erig_run();
}

// ---- what is missing ----

static void a_restart_is_told_as_a_reset(void **state)
{
    (void) state;
    submit("q", "k");
    engine_feed_place place = place_now();
    erig_restart();
    erig_pass(SECOND);
    const engine_feed *told = feed_now(place);
    assert_int_equal(told->reset, ENGINE_FEED_RESTARTED);
    assert_true(told->has_info);
    assert_int_equal(told->info.depth[JOB_READY], 1);
    assert_nothing(feed_now(told->place));
}

static void what_the_ring_has_lost_is_told_as_a_reset(void **state)
{
    (void) state;
    submit("q", "k");
    engine_feed_place place = place_now(), middle;
    for (int i = 0; i < 100; i++)
        submit("q", "k");
    erig_later(PACE);
    middle = feed_now(place)->place;
    for (int i = 0; i < 300; i++)
        submit("q", "k");
    const engine_feed *told = feed_later(place);
    assert_int_equal(told->reset, ENGINE_FEED_OVERRUN);
    assert_int_equal(told->count, 0);
    assert_int_equal(told->info.depth[JOB_READY], 401);
    assert_int_equal(feed_now(middle)->reset, ENGINE_FEED_OVERRUN);
    job_row job = submit("q", "k");
    told = feed_later(told->place);
    assert_int_equal(told->reset, ENGINE_FEED_WHOLE);
    assert_int_equal(told->count, 1);
    assert_item(told, 0, &job, JOB_READY);
}

static int start_small(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_feed_changes = 512;
    erig_run();
    return 0;
}

static void a_ring_is_no_larger_than_it_may_be(void **state)
{
    (void) state;
    for (int i = 0; i < 3; i++) {
        const char *queue = &"abc"[i];
        submit(queue, "k");
        erig_fine(feed_post(queue, from_now, 0));
        for (int k = 0; k < 400; k++)
            submit(queue, "k");
    }
    erig_round();
    assert_true(erig.engine->feeds.places <= 512);
}

static void a_queue_that_nobody_watches_any_more_keeps_nothing(void **state)
{
    (void) state;
    submit("q", "k");
    engine_feed_place place = place_now();
    job_row job = submit("q", "k");
    erig_later(LONG - SECOND);
    const engine_feed *told = feed_now(place);
    assert_item(told, 0, &job, JOB_READY);
    erig_later(LONG - SECOND);
    assert_int_equal(erig.engine->feeds.count, 1);
    erig_later(2 * SECOND);
    assert_int_equal(erig.engine->feeds.count, 0);
    assert_int_equal(erig.engine->feeds.places, 0);
    submit("q", "k");
    assert_int_equal(feed_now(told->place)->reset, ENGINE_FEED_OVERRUN);
}

static void a_queue_that_is_watched_is_kept(void **state)
{
    (void) state;
    submit("q", "k");
    call *watch = feed_post("q", place_now(), 10 * LONG);
    for (int i = 0; i < 5; i++)
        erig_later(LONG);
    assert_int_equal(erig.engine->feeds.count, 1);
    submit("q", "k");
    assert_int_equal(erig_fine(watch)->feed.count, 1);
}

static void a_round_that_is_undone_has_not_happened(void **state)
{
    (void) state;
    submit("q", "k");
    engine_feed_place place = place_now();
    edisk_break(FAULT_COMMIT, 1);
    engine_new_job refused = fresh_job();
    erig_failed(submit_post(&refused, 1), STATUS_UNAVAILABLE);
    erig_pass(10 * SECOND);
    job_row job = submit("q", "k");
    const engine_feed *told = feed_later(place);
    assert_int_equal(told->count, 1);
    assert_item(told, 0, &job, JOB_READY);
    assert_int_equal(told->info.depth[JOB_READY], 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_watch_begins_with_the_queue_as_it_is, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(each_change_of_a_job_is_told_once_in_order, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_watch_that_waits_is_answered_by_the_change, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_watch_ends_at_its_deadline_without_news, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(changes_that_come_close_together_are_told_together, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(settings_of_the_queue_are_told, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_deleted_job_is_told, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_job_that_is_purged_is_told, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(progress_is_no_change_of_state, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_long_list_is_told_in_pieces, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_that_does_not_exist_is_not_found, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_caller_that_goes_ends_its_watch, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_restart_is_told_as_a_reset, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(what_the_ring_has_lost_is_told_as_a_reset, start_small,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_ring_is_no_larger_than_it_may_be, start_small, erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_that_nobody_watches_any_more_keeps_nothing, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_that_is_watched_is_kept, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_round_that_is_undone_has_not_happened, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
