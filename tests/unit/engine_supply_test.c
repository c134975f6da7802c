// engine_supply - which queue gives jobs next, and which worker gets them.
#include "unit/engine_life.h"

#define MANY_QUEUES 40
#define MANY_KINDS  40

static void submit_some(const char *queue, int count)
{
    for (int i = 0; i < count; i++)
        submit(queue, "k");
}

static size_t given_by(const engine_lease *got, const job_row *first, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < got->assignment_count; i++)
        found += got->assignments[i].row.seq >= first->seq &&
                 got->assignments[i].row.seq < first->seq + (int64_t) count;
    return found;
}

static call *ask(uint8_t worker, const char *queue, const char *kind, int32_t max_jobs,
                 int64_t wait_us)
{
    static int64_t sequence;
    return erig_post(serving(lease_call(worker, ++sequence, max_jobs, wait_us), queue, kind));
}

static const engine_lease *lease_of(uint8_t worker, const char *queue, const char *kind,
                                    int32_t max_jobs)
{
    return &erig_fine(ask(worker, queue, kind, max_jobs, 0))->lease;
}

static bool has_job(call *asking, const job_row *job)
{
    const engine_lease *got = &erig_fine(asking)->lease;
    return got->assignment_count == 1 && uuid_equal(&got->assignments[0].row.id, &job->id);
}

// ---- queues ----

static void assert_turns(const char *kind)
{
    bool seen[4] = {false};
    for (int i = 0; i < 3; i++) {
        const engine_lease *got = lease_of(1, NULL, kind, 1);
        assert_int_equal(got->assignment_count, 1);
        int32_t route = got->assignments[0].row.route;
        assert_in_range(route, 1, 3);
        assert_false(seen[route]);
        seen[route] = true;
    }
}

static void queues_take_turns(void **state)
{
    (void) state;
    submit_some("a", 9);
    submit_some("b", 9);
    submit_some("c", 9);
    for (int i = 0; i < 3; i++)
        assert_turns("k");
    for (int i = 0; i < 3; i++)
        assert_turns(NULL);
}

static void a_call_is_filled_whoever_has_the_jobs(void **state)
{
    (void) state;
    job_row few = submit("a", "k");
    submit_some("a", 2);
    submit_some("b", 50);
    const engine_lease *got = lease_of(1, NULL, "k", 40);
    assert_int_equal(got->assignment_count, 40);
    assert_int_equal(given_by(got, &few, 3), 3);
    assert_int_equal(lease_of(1, NULL, "k", 40)->assignment_count, 13);
    assert_int_equal(lease_of(1, NULL, "k", 40)->assignment_count, 0);
}

static const engine_lease *lease_of_both(int32_t max_jobs)
{
    static char b[] = "b", none[] = "none", a[] = "a", *queues[] = {b, none, a};
    call *c = lease_call(1, 1, max_jobs, 0);
    c->worker.queues = queues;
    c->worker.n_queues = COUNT(queues);
    return &erig_fine(erig_post(c))->lease;
}

static void queues_that_are_named_give_equal_shares(void **state)
{
    (void) state;
    job_row first = submit("a", "k");
    submit_some("a", 19);
    submit_some("b", 20);
    const engine_lease *got = lease_of_both(10);
    assert_int_equal(got->assignment_count, 10);
    assert_int_equal(given_by(got, &first, 20), 5);
}

static void a_queue_that_is_empty_comes_back_with_its_next_job(void **state)
{
    (void) state;
    for (int i = 0; i < 3; i++) {
        submit("a", "k");
        assert_int_equal(lease_of(1, NULL, NULL, 9)->assignment_count, 1);
        assert_int_equal(lease_of(1, "a", "k", 9)->assignment_count, 0);
        submit("a", "k");
        assert_int_equal(lease_of(1, NULL, "k", 9)->assignment_count, 1);
        assert_int_equal(lease_of(1, NULL, "k", 9)->assignment_count, 0);
    }
}

static void a_queue_that_is_held_back_comes_back(void **state)
{
    (void) state;
    queue_settings settings = no_limits();
    settings.max_running = 1;
    queue_change("a", settings);
    submit_some("a", 3);
    submit_some("b", 1);
    assert_int_equal(lease_of(1, NULL, "k", 9)->assignment_count, 2);
    call *asking = ask(2, NULL, "k", 9, LONG);
    assert_waits(asking);
    settings.max_running = 2;
    queue_change("a", settings);
    assert_int_equal(erig_fine(asking)->lease.assignment_count, 1);
}

// ---- workers ----

static void whoever_waits_longest_gets_the_job(void **state)
{
    (void) state;
    call *by_queue = ask(1, "q", NULL, 1, LONG);
    call *by_kind = ask(2, NULL, "k", 1, LONG);
    call *other = ask(3, "p", "k", 1, LONG);
    call *by_both = ask(4, "q", "k", 1, LONG);
    call *any = ask(5, NULL, NULL, 1, LONG);
    call *same = ask(6, NULL, "k", 1, LONG);
    call *asking[] = {by_queue, by_kind, by_both, any, same};
    for (size_t i = 0; i < COUNT(asking); i++) {
        assert_waits(asking[i]);
        job_row job = submit("q", "k");
        assert_true(has_job(asking[i], &job));
    }
    assert_waits(other);
}

static void jobs_that_come_together_go_to_those_who_serve_them(void **state)
{
    (void) state;
    call *a = ask(1, "a", "k", 1, LONG), *c = ask(2, "c", "k", 1, LONG);
    call *any = ask(3, NULL, "k", 1, LONG);
    Errand__V1__Job specs[] = {job_for("a", "k"), job_for("b", "k"), job_for("c", "k")};
    engine_new_job jobs[] = {new_job(&specs[0]), new_job(&specs[1]), new_job(&specs[2])};
    erig_fine(submit_post(jobs, COUNT(jobs)));
    assert_true(has_job(a, &jobs[0].row));
    assert_true(has_job(c, &jobs[2].row));
    assert_true(has_job(any, &jobs[1].row));
}

// So many names that not each pair of them has a line of its own.
static call *ask_with_many_names(uint8_t worker, const char *prefix)
{
    call *c = lease_call(worker, 1, 1, LONG);
    c->worker.n_queues = MANY_QUEUES;
    c->worker.n_kinds = MANY_KINDS;
    c->worker.queues = arena_alloc(c->memory, MANY_QUEUES * sizeof(char *));
    c->worker.kinds = arena_alloc(c->memory, MANY_KINDS * sizeof(char *));
    for (int i = 0; i < MANY_QUEUES; i++) {
        c->worker.queues[i] = arena_alloc(c->memory, 16);
        (void) snprintf(c->worker.queues[i], 16, "q%d", i);
    }
    for (int i = 0; i < MANY_KINDS; i++) {
        c->worker.kinds[i] = arena_alloc(c->memory, 16);
        (void) snprintf(c->worker.kinds[i], 16, "%s%d", prefix, i);
    }
    return erig_post(c);
}

static void workers_with_many_names_get_what_they_serve(void **state)
{
    (void) state;
    call *first = ask_with_many_names(1, "x"), *second = ask_with_many_names(2, "y");
    assert_waits(first);
    submit("q7", "z");
    job_row job = submit("q39", "y39");
    assert_true(has_job(second, &job));
    job = submit("q0", "x0");
    assert_true(has_job(first, &job));
}

static void who_asks_for_other_jobs_gets_none_of_the_former(void **state)
{
    (void) state;
    call *before = ask(1, "a", "k", 1, LONG);
    call *after = ask(1, "b", "k", 1, LONG);
    assert_int_equal(erig_fine(before)->lease.assignment_count, 0);
    submit("a", "k");
    assert_waits(after);
    job_row job = submit("b", "k");
    assert_true(has_job(after, &job));
}

static int start_with_one_lease(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.max_leases = 1;
    erig_run();
    return 0;
}

static void who_waits_for_room_gets_it(void **state)
{
    (void) state;
    job_row jobs[] = {submit("a", "k"), submit("a", "k"), submit("b", "k")};
    job_row running = lease_one(1, 1);
    call *third = ask(3, "b", "k", 1, LONG), *second = ask(2, "a", "k", 1, LONG);
    assert_waits(third);
    assert_waits(second);
    report(1, 1, success(&running));
    assert_true(has_job(third, &jobs[2]));
    assert_waits(second);
    running = third->lease.assignments[0].row;
    report(3, 1, success(&running));
    assert_true(has_job(second, &jobs[1]));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(queues_take_turns, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_call_is_filled_whoever_has_the_jobs, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(queues_that_are_named_give_equal_shares, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_that_is_empty_comes_back_with_its_next_job, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(a_queue_that_is_held_back_comes_back, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(whoever_waits_longest_gets_the_job, erig_start, erig_stop),
    cmocka_unit_test_setup_teardown(jobs_that_come_together_go_to_those_who_serve_them, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(workers_with_many_names_get_what_they_serve, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(who_asks_for_other_jobs_gets_none_of_the_former, erig_start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(who_waits_for_room_gets_it, start_with_one_lease, erig_stop),
};

UNIT_TEST_MAIN(tests)
