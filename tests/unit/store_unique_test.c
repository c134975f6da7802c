// store_unique - conformance: a unique key belongs to one unfinished job.
#include "unit/store_rig.h"

static store_new_job keyed(rig *r, const char *key)
{
    store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
    job.row.unique_key = job_key("q", key);
    return job;
}

static job_row submit_keyed(rig *r, const char *key)
{
    rig_begin(r);
    store_new_job job = keyed(r, key);
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_commit(r);
    return job.row;
}

static int64_t holder(rig *r, const char *key)
{
    job_row row;
    uuid unique = job_key("q", key);
    rig_ok(r->store->ops->find_unique(r->store, &unique, 1, &row));
    return row.seq;
}

CONFORMS(the_holder_of_a_unique_key_is_found)
{
    job_row rows[4];
    job_row a = submit_keyed(r, "a"), b = submit_keyed(r, "b");
    uuid nil = {{0}};
    const uuid keys[4] = {job_key("q", "b"), job_key("q", "none"), nil, job_key("q", "a")};
    rig_submit(r);  // without a key, like the nil one
    rig_reopen(r);
    rig_ok(r->store->ops->find_unique(r->store, keys, 4, rows));
    rig_assert_same_row(&rows[0], &b);
    assert_int_equal(rows[1].seq, 0);
    assert_int_equal(rows[2].seq, 0);
    rig_assert_same_row(&rows[3], &a);
    rig_ok(r->store->ops->find_unique(r->store, NULL, 0, NULL));
}

CONFORMS(a_unique_key_is_found_in_its_own_transaction_and_undone_with_it)
{
    rig_begin(r);
    store_new_job job = keyed(r, "a");
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    assert_int_equal(holder(r, "a"), job.row.seq);
    r->store->ops->rollback(r->store);
    assert_int_equal(holder(r, "a"), 0);
    submit_keyed(r, "a");
}

CONFORMS(a_taken_key_already_exists)
{
    submit_keyed(r, "a");
    rig_begin(r);
    store_new_job job = keyed(r, "a");
    char id[UUID_TEXT_SIZE];
    AUTO(status) failure = r->store->ops->insert(r->store, &job, 1);
    assert_int_equal(status_code_of(failure), STATUS_ALREADY_EXISTS);
    assert_non_null(strstr(failure->message, "unique key"));
    assert_non_null(strstr(failure->message, uuid_format(&job.row.id, id)));
    r->store->ops->rollback(r->store);
}

// However it ends.
CONFORMS(a_key_is_free_again_once_its_job_has_ended)
{
    for (int state = JOB_SUCCEEDED; state <= JOB_EXPIRED; state++) {
        job_row row = submit_keyed(r, "a"), before = row;
        row.state = JOB_RUNNING;
        rig_change(r, &before, &row);
        assert_int_equal(holder(r, "a"), row.seq);
        before = row;
        row.state = (job_state) state;
        row.finish_us = T0;
        rig_change(r, &before, &row);
        assert_int_equal(holder(r, "a"), 0);
    }
    job_row row = submit_keyed(r, "a");
    assert_int_equal(holder(r, "a"), row.seq);
    rig_remove(r, &row);
    assert_int_equal(holder(r, "a"), 0);
}

CONFORMS(a_retried_job_holds_its_key_again_unless_it_is_taken)
{
    job_row ended = rig_finish(r, submit_keyed(r, "a")), before = ended;
    job_row next = submit_keyed(r, "a");
    ended.state = JOB_READY;
    rig_begin(r);
    AUTO(status) failure = r->store->ops->save(r->store, &before, &ended, 1);
    assert_non_null(failure);
    r->store->ops->rollback(r->store);
    rig_finish(r, next);
    rig_change(r, &before, &ended);
    assert_int_equal(holder(r, "a"), ended.seq);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_holder_of_a_unique_key_is_found),
    cmocka_unit_test(a_unique_key_is_found_in_its_own_transaction_and_undone_with_it),
    cmocka_unit_test(a_taken_key_already_exists),
    cmocka_unit_test(a_key_is_free_again_once_its_job_has_ended),
    cmocka_unit_test(a_retried_job_holds_its_key_again_unless_it_is_taken),
};

UNIT_TEST_MAIN(tests)
