// store_inserts - conformance: new jobs that may be written late, and who sees them before that.
#include "unit/store_rig.h"

#define MANY 9000  // more than wait to be written at one time
#define SOME 24    // enough to be looked up, and numbered, together

static store_new_job lasting(rig *r, int32_t route, int32_t priority)
{
    store_new_job job = rig_new_job(r, route, priority, 0);
    job.lasts = true;
    return job;
}

static job_row insert(rig *r, int32_t route, int32_t priority)
{
    store_new_job job = lasting(r, route, priority);
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    return job.row;
}

static job_row leased(rig *r, job_row row)
{
    uuid worker = uuid_new_v7(r->now_us);
    rig_ok(job_lease(&row, &worker, 1, r->now_us));
    return row;
}

static job_row lease(rig *r, const job_row *row)
{
    job_row after = leased(r, *row);
    rig_save(r, row, &after);
    return after;
}

static void assert_is(rig *r, const job_row *row)
{
    job_row found = rig_find(r, &row->id), loaded = rig_load(r, row->seq);
    rig_assert_same_row(row, &found);
    rig_assert_same_row(row, &loaded);
}

static void assert_has_input(rig *r, const job_row *row)
{
    slice spec;
    uint8_t hash[JOB_HASH_BYTES];
    store_new_job made = rig_new_job(r, row->route, 0, 0);
    rig_ok(r->store->ops->load_spec(r->store, row->seq, r->memory, &spec, hash));
    assert_int_equal(spec.size, made.spec.size);
    assert_memory_equal(spec.bytes, made.spec.bytes, spec.size);
    assert_memory_equal(hash, made.hash, JOB_HASH_BYTES);
}

// The READY jobs of some routes are these, in order.
static void assert_ready(rig *r, const int32_t *routes, size_t route_count, const job_row *wanted,
                         size_t count)
{
    job_row found[16];
    size_t found_count = 0;
    rig_ok(r->store->ops->take_ready(r->store, routes, route_count, 16, found, &found_count));
    assert_int_equal(found_count, count);
    for (size_t i = 0; i < count; i++)
        rig_assert_same_row(&wanted[i], &found[i]);
}

CONFORMS(a_new_job_is_seen_by_each_read_of_its_transaction)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row row = insert(r, route, 0);
    assert_is(r, &row);
    assert_has_input(r, &row);
    assert_ready(r, &route, 1, &row, 1);
    assert_int_equal(rig_count(r, route, JOB_READY), 1);
    rig_commit(r);
    assert_is(r, &row);
    assert_has_input(r, &row);
    assert_ready(r, &route, 1, &row, 1);
}

CONFORMS(a_job_that_is_leased_as_it_comes_is_stored_as_running)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row first = insert(r, route, 0), second = insert(r, route, 0);
    job_row running = lease(r, &first);
    assert_is(r, &running);
    assert_has_input(r, &running);
    assert_ready(r, &route, 1, &second, 1);
    rig_commit(r);
    rig_reopen(r);
    assert_is(r, &running);
    assert_has_input(r, &running);
    assert_ready(r, &route, 1, &second, 1);
    assert_int_equal(rig_count(r, route, JOB_READY), 1);
    assert_int_equal(rig_count(r, route, JOB_RUNNING), 1);
}

CONFORMS(a_job_can_be_leased_before_those_that_came_before_it)
{
    job_row rows[3];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    for (int i = 0; i < 3; i++)
        rows[i] = insert(r, route, 0);
    (void) lease(r, &rows[1]);
    assert_ready(r, &route, 1, (const job_row[]){rows[0], rows[2]}, 2);
    (void) lease(r, &rows[2]);
    job_row last = insert(r, route, 0);
    assert_ready(r, &route, 1, (const job_row[]){rows[0], last}, 2);
    rig_commit(r);
    assert_ready(r, &route, 1, (const job_row[]){rows[0], last}, 2);
}

CONFORMS(new_jobs_stand_among_those_that_are_stored)
{
    rig_begin(r);
    const int32_t routes[] = {rig_route(r, "q", "k"), rig_route(r, "q", "other")};
    job_row low = insert(r, routes[0], 1), high = insert(r, routes[1], 5);
    rig_commit(r);
    r->now_us++;
    rig_begin(r);
    job_row highest = insert(r, routes[0], 9), same = insert(r, routes[0], 5);
    job_row lowest = insert(r, routes[1], 0);
    assert_ready(r, routes, 1, (const job_row[]){highest, same, low}, 3);
    assert_ready(r, routes, 2, (const job_row[]){highest, high, same, low, lowest}, 5);
    rig_commit(r);
    assert_ready(r, routes, 2, (const job_row[]){highest, high, same, low, lowest}, 5);
}

CONFORMS(no_more_are_taken_than_were_asked_for)
{
    job_row found[2];
    size_t count = 0;
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row stored = insert(r, route, 1);
    rig_commit(r);
    rig_begin(r);
    job_row sooner = insert(r, route, 2);
    (void) insert(r, route, 0);
    rig_ok(r->store->ops->take_ready(r->store, &route, 1, 2, found, &count));
    assert_int_equal(count, 2);
    rig_assert_same_row(&sooner, &found[0]);
    rig_assert_same_row(&stored, &found[1]);
    rig_commit(r);
}

CONFORMS(a_job_that_would_stand_before_others_does_so)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row low = insert(r, route, 0), high = insert(r, route, 9), middle = insert(r, route, 5);
    assert_ready(r, &route, 1, (const job_row[]){high, middle, low}, 3);
    rig_commit(r);
    assert_ready(r, &route, 1, (const job_row[]){high, middle, low}, 3);
}

CONFORMS(a_job_can_end_and_go_in_the_transaction_that_brings_it)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row gone = insert(r, route, 0), cancelled = insert(r, route, 0), before = cancelled;
    rig_ok(r->store->ops->remove(r->store, &gone, 1));
    rig_ok(job_cancel(&cancelled, r->now_us));
    rig_save(r, &before, &cancelled);
    assert_int_equal(rig_find(r, &gone.id).seq, 0);
    assert_is(r, &cancelled);
    rig_commit(r);
    assert_int_equal(rig_find(r, &gone.id).seq, 0);
    assert_is(r, &cancelled);
    assert_ready(r, &route, 1, NULL, 0);
}

CONFORMS(a_rollback_leaves_nothing_of_new_jobs)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    job_row first = insert(r, route, 0), second = insert(r, route, 0);
    (void) lease(r, &first);
    r->store->ops->rollback(r->store);
    rig_begin(r);
    job_row kept = insert(r, route, 0);
    rig_commit(r);
    assert_int_equal(rig_find(r, &first.id).seq, 0);
    assert_int_equal(rig_find(r, &second.id).seq, 0);
    assert_ready(r, &route, 1, &kept, 1);
}

CONFORMS(however_many_come_all_are_written)
{
    static job_row rows[MANY];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    for (size_t i = 0; i < MANY; i++)
        rows[i] = insert(r, route, 0);
    for (size_t i = 0; i < MANY; i += 3)
        rows[i] = lease(r, &rows[i]);
    rig_commit(r);
    rig_reopen(r);
    assert_int_equal(rig_count(r, route, JOB_RUNNING), MANY / 3);
    for (size_t i = 0; i < MANY; i += 100)
        assert_is(r, &rows[i]);
}

CONFORMS(the_same_id_twice_is_refused_by_the_commit_at_the_latest)
{
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    store_new_job job = lasting(r, route, 0), again = lasting(r, route, 0);
    again.row.id = job.row.id;
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    status *failure = r->store->ops->insert(r->store, &again, 1);
    if (failure)
        r->store->ops->rollback(r->store);
    else
        failure = r->store->ops->commit(r->store);
    rig_fails(STATUS_ALREADY_EXISTS, failure);
    assert_int_equal(rig_find(r, &job.row.id).seq, 0);
    assert_int_equal(rig_count(r, route, JOB_READY), 0);
}

// ---- many at a time ----

// Puts new jobs into the array and inserts them together.
static void insert_many(rig *r, int32_t route, store_new_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        jobs[i] = lasting(r, route, 0);
    rig_ok(r->store->ops->insert(r->store, jobs, count));
}

static void assert_are(rig *r, const store_new_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_is(r, &jobs[i].row);
}

// Looks up all at once, into rows that are not empty.
static void find_many(rig *r, const uuid *ids, job_row *ret_rows)
{
    memset(ret_rows, 0xff, SOME * sizeof *ret_rows);
    rig_ok(r->store->ops->find(r->store, ids, SOME, ret_rows));
}

CONFORMS(many_new_ids_are_not_there)
{
    uuid ids[SOME];
    job_row found[SOME];
    (void) rig_submit(r);
    for (size_t i = 0; i < SOME; i++)
        ids[SOME - 1 - i] = uuid_new_v7(r->now_us);
    (void) rig_submit(r);
    find_many(r, ids, found);
    for (size_t i = 0; i < SOME; i++)
        assert_int_equal(found[i].seq, 0);
}

CONFORMS(of_many_ids_those_that_are_there_are_found)
{
    store_new_job stored[SOME], waiting[SOME];
    uuid ids[SOME];
    job_row found[SOME];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    insert_many(r, route, stored, SOME);
    rig_commit(r);
    rig_begin(r);
    insert_many(r, route, waiting, SOME);
    for (size_t i = 0; i < SOME; i++)
        ids[i] = i % 3 == 0   ? stored[i].row.id
                 : i % 3 == 1 ? waiting[i].row.id
                              : uuid_new_v7(r->now_us);
    find_many(r, ids, found);
    for (size_t i = 0; i < SOME; i++)
        if (i % 3 == 2)
            assert_int_equal(found[i].seq, 0);
        else
            rig_assert_same_row(i % 3 == 0 ? &stored[i].row : &waiting[i].row, &found[i]);
    rig_commit(r);
}

CONFORMS(one_of_many_ids_that_is_there_is_found)
{
    uuid ids[SOME];
    job_row found[SOME];
    for (size_t i = 0; i < SOME; i++)
        ids[i] = uuid_new_v7(r->now_us);
    for (size_t i = 0; i < SOME; i += SOME - 1) {  // the least, then the greatest
        rig_begin(r);
        store_new_job job = lasting(r, rig_route(r, "q", "k"), 0);
        job.row.id = ids[i];
        rig_ok(r->store->ops->insert(r->store, &job, 1));
        rig_commit(r);
        find_many(r, ids, found);
        rig_assert_same_row(&job.row, &found[i]);
        assert_int_equal(found[1].seq, 0);
    }
}

CONFORMS(many_jobs_keep_their_seqs_wherever_others_have_gone)
{
    store_new_job jobs[SOME];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    insert_many(r, route, jobs, SOME);
    rig_commit(r);
    assert_are(r, jobs, SOME);
    job_row last = rig_finish(r, jobs[SOME - 1].row);
    rig_remove(r, &last);
    for (int times = 0; times < 2; times++) {  // behind a gap, then behind the last
        rig_begin(r);
        insert_many(r, route, jobs, SOME);
        rig_commit(r);
        assert_are(r, jobs, SOME);
    }
}

CONFORMS(many_jobs_keep_their_seqs_when_some_between_them_are_not_used)
{
    store_new_job jobs[SOME];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    for (size_t i = 0; i < SOME; i++) {
        jobs[i] = lasting(r, route, 0);
        if (i == SOME / 2)
            (void) r->store->ops->next_seq(r->store);
    }
    rig_ok(r->store->ops->insert(r->store, jobs, SOME));
    rig_commit(r);
    assert_are(r, jobs, SOME);
}

CONFORMS(many_jobs_with_large_inputs_have_them)
{
    static const uint8_t large[4096] = "much to do";
    store_new_job jobs[SOME];
    slice spec;
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    for (size_t i = 0; i < SOME; i++) {
        jobs[i] = lasting(r, route, 0);
        if (i % 2 == 0)
            jobs[i].spec = (slice){large, sizeof large};
    }
    rig_ok(r->store->ops->insert(r->store, jobs, SOME));
    rig_commit(r);
    for (size_t i = 0; i < SOME; i++) {
        rig_ok(r->store->ops->load_spec(r->store, jobs[i].row.seq, r->memory, &spec, NULL));
        assert_int_equal(spec.size, jobs[i].spec.size);
        assert_memory_equal(spec.bytes, jobs[i].spec.bytes, spec.size);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_job_is_seen_by_each_read_of_its_transaction),
    cmocka_unit_test(a_job_that_is_leased_as_it_comes_is_stored_as_running),
    cmocka_unit_test(a_job_can_be_leased_before_those_that_came_before_it),
    cmocka_unit_test(new_jobs_stand_among_those_that_are_stored),
    cmocka_unit_test(no_more_are_taken_than_were_asked_for),
    cmocka_unit_test(a_job_that_would_stand_before_others_does_so),
    cmocka_unit_test(a_job_can_end_and_go_in_the_transaction_that_brings_it),
    cmocka_unit_test(a_rollback_leaves_nothing_of_new_jobs),
    cmocka_unit_test(however_many_come_all_are_written),
    cmocka_unit_test(the_same_id_twice_is_refused_by_the_commit_at_the_latest),
    cmocka_unit_test(many_new_ids_are_not_there),
    cmocka_unit_test(of_many_ids_those_that_are_there_are_found),
    cmocka_unit_test(one_of_many_ids_that_is_there_is_found),
    cmocka_unit_test(many_jobs_keep_their_seqs_wherever_others_have_gone),
    cmocka_unit_test(many_jobs_keep_their_seqs_when_some_between_them_are_not_used),
    cmocka_unit_test(many_jobs_with_large_inputs_have_them),
};

UNIT_TEST_MAIN(tests)
