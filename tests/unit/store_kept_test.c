// store_kept - conformance: what a store remembers besides jobs: routes, numbers, times, workers.
#include "unit/store_rig.h"

CONFORMS(a_pair_keeps_its_number)
{
    rig_begin(r);
    int32_t first = rig_route(r, "q", "k");
    int32_t second = rig_route(r, "q", "other");
    int32_t third = rig_route(r, "other", "k");
    rig_commit(r);
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
    assert_int_equal(third, 3);
    rig_reopen(r);
    assert_int_equal(rig_route(r, "q", "other"), second);
    assert_int_equal(rig_route(r, "other", "k"), third);
}

CONFORMS(names_that_join_alike_are_different_pairs)
{
    rig_begin(r);
    assert_int_not_equal(rig_route(r, "a", "b.c"), rig_route(r, "a.b", "c"));
    assert_int_not_equal(rig_route(r, "a", "bc"), rig_route(r, "ab", "c"));
    rig_commit(r);
}

CONFORMS(a_route_survives_a_rollback_and_is_stored_by_the_next_commit)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    r->store->ops->rollback(r->store);
    rig_begin(r);
    assert_int_equal(rig_route(r, "q", "k"), route);
    job_row row = rig_insert(r, route, 0, 0);
    rig_commit(r);
    rig_reopen(r);
    assert_int_equal(rig_route(r, "q", "k"), route);
    assert_int_equal(rig_find(r, &row.id).route, route);
}

CONFORMS(a_new_route_needs_a_transaction)
{
    int32_t route = 0;
    rig_fails(STATUS_INTERNAL, r->store->ops->route(r->store, "q", "k", &route));
}

CONFORMS(all_routes_are_listed_by_number)
{
    char kind[16];
    size_t count = 0;
    rig_begin(r);
    for (int i = 0; i < 300; i++) {
        snprintf(kind, sizeof kind, "kind-%d", i);
        assert_int_equal(rig_route(r, "q", kind), i + 1);
    }
    rig_commit(r);
    rig_reopen(r);
    const store_route *routes = r->store->ops->routes(r->store, &count);
    assert_int_equal(count, 300);
    assert_int_equal(routes[299].route, 300);
    assert_string_equal(routes[299].queue, "q");
    assert_string_equal(routes[299].kind, "kind-299");
}

CONFORMS(an_unknown_route_counts_nothing)
{
    assert_int_equal(rig_count(r, 0, JOB_READY), 0);
    assert_int_equal(rig_count(r, 5, JOB_READY), 0);
    assert_int_equal(rig_count(r, -1, JOB_READY), 0);
}

CONFORMS(no_seq_is_handed_out_twice)
{
    int64_t last = rig_submit(r).seq;
    for (int i = 0; i < 5; i++) {
        rig_begin(r);
        int64_t lost = rig_insert(r, 1, 0, 0).seq;
        assert_true(lost > last);
        r->store->ops->rollback(r->store);
        int64_t kept = rig_submit(r).seq;
        assert_true(kept > lost);
        rig_reopen(r);
        last = kept;
    }
    assert_true(r->store->ops->next_seq(r->store) > last);
}

CONFORMS(a_seq_is_not_reused_when_its_job_is_gone)
{
    job_row row = rig_submit(r);
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, &row, 1));
    rig_commit(r);
    rig_reopen(r);
    assert_true(r->store->ops->next_seq(r->store) > row.seq);
}

CONFORMS(the_largest_time_stored_is_remembered)
{
    assert_int_equal(r->store->ops->last_time_us(r->store), 0);
    job_row row = rig_submit(r);
    assert_int_equal(r->store->ops->last_time_us(r->store), T0);
    r->now_us = T0 + 1000;
    rig_finish(r, row);
    r->now_us = T0 + 500;  // the wall clock went back
    rig_submit(r);
    rig_reopen(r);
    assert_int_equal(r->store->ops->last_time_us(r->store), T0 + 1000);
}

CONFORMS(a_time_to_come_is_no_time_that_was)
{
    rig_begin(r);
    rig_insert(r, rig_route(r, "q", "k"), 0, T0 + 3600000000);
    rig_commit(r);
    assert_int_equal(r->store->ops->last_time_us(r->store), T0);
}

static const store_worker *worker_of(const store_worker *list, size_t count, const uuid *id)
{
    for (size_t i = 0; i < count; i++)
        if (uuid_equal(&list[i].id, id))
            return &list[i];
    return NULL;
}

CONFORMS(workers_are_remembered_replaced_and_forgotten)
{
    store_worker *list = NULL;
    size_t count = 99;
    store_worker one = {uuid_new_v7(T0), 5, 6, T0}, two = {uuid_new_v7(T0), 7, 8, T0 + 100};
    rig_ok(r->store->ops->load_workers(r->store, r->memory, &list, &count));
    assert_int_equal(count, 0);
    rig_begin(r);
    rig_ok(r->store->ops->save_worker(r->store, &one));
    rig_ok(r->store->ops->save_worker(r->store, &two));
    one.acked_outcome_sequence = 50;
    rig_ok(r->store->ops->save_worker(r->store, &one));
    rig_commit(r);
    rig_reopen(r);
    rig_ok(r->store->ops->load_workers(r->store, r->memory, &list, &count));
    assert_int_equal(count, 2);
    assert_int_equal(worker_of(list, count, &one.id)->acked_outcome_sequence, 50);
    assert_int_equal(worker_of(list, count, &two.id)->lease_sequence, 8);
    assert_int_equal(worker_of(list, count, &two.id)->seen_us, T0 + 100);
    rig_begin(r);
    rig_ok(r->store->ops->forget_workers(r->store, T0 + 100));
    rig_commit(r);
    rig_ok(r->store->ops->load_workers(r->store, r->memory, &list, &count));
    assert_int_equal(count, 1);
    assert_true(uuid_equal(&list[0].id, &two.id));
}

CONFORMS(many_workers_are_loaded)
{
    store_worker *list = NULL;
    size_t count = 0;
    int64_t sum = 0;
    rig_begin(r);
    for (int i = 0; i < 100; i++) {
        store_worker worker = {uuid_new_v7(T0), i, i, T0};
        rig_ok(r->store->ops->save_worker(r->store, &worker));
    }
    rig_commit(r);
    rig_ok(r->store->ops->load_workers(r->store, r->memory, &list, &count));
    assert_int_equal(count, 100);
    for (size_t i = 0; i < count; i++)
        sum += list[i].lease_sequence;
    assert_int_equal(sum, 99 * 100 / 2);
}

CONFORMS(queues_are_remembered_and_replaced)
{
    store_queue *list = NULL;
    size_t count = 99;
    rig_ok(r->store->ops->load_queues(r->store, r->memory, &list, &count));
    assert_int_equal(count, 0);
    store_queue one = {"b", {(const uint8_t *) "old", 3}, 1.5, T0};
    store_queue two = {"a", {NULL, 0}, 0.25, T0 + 1};
    rig_begin(r);
    rig_ok(r->store->ops->save_queue(r->store, &one));
    rig_ok(r->store->ops->save_queue(r->store, &two));
    one.settings = (slice){(const uint8_t *) "newer", 5};
    one.tokens = 7.75;
    rig_ok(r->store->ops->save_queue(r->store, &one));
    rig_commit(r);
    rig_begin(r);
    rig_ok(r->store->ops->save_queue(r->store, &(store_queue){"c", {NULL, 0}, 0, 0}));
    r->store->ops->rollback(r->store);
    rig_reopen(r);
    rig_ok(r->store->ops->load_queues(r->store, r->memory, &list, &count));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "a");
    assert_int_equal(list[0].settings.size, 0);
    assert_true(list[0].tokens > 0.24 && list[0].tokens < 0.26);
    assert_string_equal(list[1].name, "b");
    assert_int_equal(list[1].settings.size, 5);
    assert_memory_equal(list[1].settings.bytes, "newer", 5);
    assert_true(list[1].tokens > 7.74 && list[1].tokens < 7.76);
    assert_int_equal(list[1].tokens_us, T0);
}

CONFORMS(many_queues_are_loaded)
{
    store_queue *list = NULL;
    size_t count = 0;
    char name[16];
    rig_begin(r);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "q%03d", i);
        rig_ok(r->store->ops->save_queue(r->store, &(store_queue){name, {NULL, 0}, i, i}));
    }
    rig_commit(r);
    rig_ok(r->store->ops->load_queues(r->store, r->memory, &list, &count));
    assert_int_equal(count, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list[i].tokens_us, i);
    AUTO(arena) small = arena_new(1000);
    rig_fails(STATUS_RESOURCE_EXHAUSTED,
              r->store->ops->load_queues(r->store, small, &list, &count));
}

CONFORMS(space_of_removed_jobs_is_given_back)
{
    static uint8_t large[1 << 20];
    job_row rows[40];
    bool more = true;
    rig_begin(r);
    for (int i = 0; i < 40; i++) {
        rows[i] = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
        rig_ok(r->store->ops->put_result(r->store, rows[i].seq, (slice){large, sizeof large}));
    }
    rig_commit(r);
    assert_true(r->store->ops->size_bytes(r->store) >= (int64_t) 40 << 20);
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, rows, 40));
    rig_commit(r);
    for (int steps = 0; more; steps++) {
        rig_ok(r->store->ops->maintain(r->store, &more));
        assert_true(steps < 1000);
    }
    rig_reopen(r);
    assert_true(r->store->ops->size_bytes(r->store) < (int64_t) 24 << 20);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_pair_keeps_its_number),
    cmocka_unit_test(names_that_join_alike_are_different_pairs),
    cmocka_unit_test(a_route_survives_a_rollback_and_is_stored_by_the_next_commit),
    cmocka_unit_test(a_new_route_needs_a_transaction),
    cmocka_unit_test(all_routes_are_listed_by_number),
    cmocka_unit_test(an_unknown_route_counts_nothing),
    cmocka_unit_test(no_seq_is_handed_out_twice),
    cmocka_unit_test(a_seq_is_not_reused_when_its_job_is_gone),
    cmocka_unit_test(the_largest_time_stored_is_remembered),
    cmocka_unit_test(a_time_to_come_is_no_time_that_was),
    cmocka_unit_test(workers_are_remembered_replaced_and_forgotten),
    cmocka_unit_test(many_workers_are_loaded),
    cmocka_unit_test(queues_are_remembered_and_replaced),
    cmocka_unit_test(many_queues_are_loaded),
    cmocka_unit_test(space_of_removed_jobs_is_given_back),
};

UNIT_TEST_MAIN(tests)
