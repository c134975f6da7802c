// store_rows - conformance: rows, their input, results and attempts; transactions; counters.
#include "unit/store_rig.h"

static job_row full_row(rig *r)
{
    job_row row = rig_new_job(r, rig_route(r, "q", "k"), -7, 0).row;
    row.parent_seq = 77;
    row.has_callback = true;
    row.expire_us = T0 + 5;
    row.aging_us = 7;
    row.unique_key = job_key("q", "unique");
    row.concurrency_key = job_key("q", "shared");
    row.policy = (job_policy){1, 2, 3, 4, 1.5, 6};
    return row;
}

CONFORMS(a_row_comes_back_as_it_was_stored)
{
    uint8_t hash[JOB_HASH_BYTES] = {9};
    rig_begin(r);
    store_new_job job = {.row = full_row(r), .spec = {(const uint8_t *) "x", 1}, .hash = hash};
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_commit(r);
    job_row found = rig_find(r, &job.row.id), loaded = rig_load(r, job.row.seq);
    rig_assert_same_row(&job.row, &found);
    rig_assert_same_row(&job.row, &loaded);
}

CONFORMS(every_field_that_changes_is_saved)
{
    job_row before = rig_submit(r), row = before;
    row.state = JOB_FAILED;
    row.attempt = 11;
    row.failures = 12;
    row.losses = 13;
    row.revision = 14;
    row.due_us = T0 + 15;
    row.start_us = T0 + 16;
    row.finish_us = T0 + 17;
    row.worker = uuid_new_v7(T0);
    row.lease_sequence = 18;
    row.callbacks_open = 19;
    row.retry_request = -20;
    row.expire_us = T0 + 21;
    row.aging_us = 22;
    row.blockers = 23;
    row.has_dependants = true;
    rig_begin(r);
    rig_save(r, &before, &row);
    rig_commit(r);
    rig_reopen(r);
    job_row found = rig_find(r, &row.id);
    rig_assert_same_row(&row, &found);
}

CONFORMS(default_and_zero_policies_are_told_apart)
{
    rig_begin(r);
    store_new_job jobs[2] = {rig_new_job(r, rig_route(r, "q", "k"), 0, 0),
                             rig_new_job(r, rig_route(r, "q", "k"), 0, 0)};
    jobs[0].row.policy = (job_policy){60000000, 86400000000, 1000000, 600000000, 2, 10};
    jobs[1].row.policy = (job_policy){0, 0, 0, 0, 0, 0};
    rig_ok(r->store->ops->insert(r->store, jobs, 2));
    for (int i = 0; i < 2; i++) {
        job_row found = rig_find(r, &jobs[i].row.id);
        rig_assert_same_row(&jobs[i].row, &found);
    }
    rig_commit(r);
}

CONFORMS(what_is_not_there_has_seq_zero)
{
    uuid id = uuid_new_v7(T0);
    assert_int_equal(rig_find(r, &id).seq, 0);
    assert_int_equal(rig_load(r, 4711).seq, 0);
}

CONFORMS(find_sees_inserts_of_its_own_transaction)
{
    rig_begin(r);
    job_row row = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
    assert_int_equal(rig_find(r, &row.id).seq, row.seq);
    r->store->ops->rollback(r->store);
    assert_int_equal(rig_find(r, &row.id).seq, 0);
}

CONFORMS(a_second_job_with_the_same_id_already_exists)
{
    job_row row = rig_submit(r);
    char id[UUID_TEXT_SIZE];
    rig_begin(r);
    store_new_job jobs[2] = {rig_new_job(r, row.route, 0, 0), rig_new_job(r, row.route, 0, 0)};
    jobs[1].row.id = row.id;
    AUTO(status) failure = r->store->ops->insert(r->store, jobs, 2);
    assert_int_equal(status_code_of(failure), STATUS_ALREADY_EXISTS);
    assert_non_null(strstr(failure->message, uuid_format(&row.id, id)));
    r->store->ops->rollback(r->store);
    assert_int_equal(rig_find(r, &jobs[0].row.id).seq, 0);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
}

CONFORMS(saving_a_job_that_is_not_there_fails)
{
    job_row row = rig_submit(r), missing = row;
    missing.seq = 4711;
    rig_begin(r);
    rig_ok(r->store->ops->save(r->store, &missing, &missing, 1));
    rig_fails(STATUS_INTERNAL, r->store->ops->commit(r->store));
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
}

CONFORMS(spec_and_hash_come_back)
{
    job_row row = rig_submit(r);
    uint8_t hash[JOB_HASH_BYTES];
    slice spec;
    rig_ok(r->store->ops->load_spec(r->store, row.seq, r->memory, &spec, hash));
    assert_int_equal(spec.size, sizeof "what to do");
    assert_string_equal((const char *) spec.bytes, "what to do");
    assert_int_equal(hash[1], 2);
    rig_ok(r->store->ops->load_spec(r->store, row.seq, r->memory, &spec, NULL));
    rig_fails(STATUS_NOT_FOUND, r->store->ops->load_spec(r->store, 4711, r->memory, &spec, NULL));
}

CONFORMS(an_empty_spec_is_a_spec)
{
    slice spec = {(const uint8_t *) "x", 1};
    rig_begin(r);
    store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
    job.spec = (slice){NULL, 0};
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_ok(r->store->ops->load_spec(r->store, job.row.seq, r->memory, &spec, NULL));
    assert_int_equal(spec.size, 0);
    rig_commit(r);
}

// Around the size up to which an input stands in the row of its job.
CONFORMS(a_spec_of_any_size_comes_back)
{
    static uint8_t bytes[5000];
    const size_t sizes[] = {0, 1, 479, 480, 481, 512, sizeof bytes};
    uint8_t hash[JOB_HASH_BYTES];
    slice spec;
    store_job read;
    store_reader *reader = rig_reader(r);
    memset(bytes, 'x', sizeof bytes);
    for (int lasting = 0; lasting < 2; lasting++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            rig_begin(r);
            store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
            job.spec = (slice){bytes, sizes[i]};
            job.lasts = lasting != 0;
            rig_ok(r->store->ops->insert(r->store, &job, 1));
            rig_commit(r);
            rig_ok(r->store->ops->load_spec(r->store, job.row.seq, r->memory, &spec, hash));
            assert_int_equal(spec.size, sizes[i]);
            assert_true(sizes[i] == 0 || memcmp(spec.bytes, bytes, sizes[i]) == 0);
            assert_memory_equal(hash, job.hash, JOB_HASH_BYTES);
            rig_ok(reader->ops->get(reader, &job.row.id, STORE_PART_SPEC, r->memory, &read));
            assert_int_equal(read.spec.size, sizes[i]);
            assert_true(sizes[i] == 0 || memcmp(read.spec.bytes, bytes, sizes[i]) == 0);
            rig_remove(r, &job.row);
            rig_fails(STATUS_NOT_FOUND,
                      r->store->ops->load_spec(r->store, job.row.seq, r->memory, &spec, NULL));
        }
    reader->ops->close(reader);
}

CONFORMS(bytes_beyond_the_arena_are_resource_exhausted)
{
    job_row row = rig_submit(r);
    static uint8_t large[100000];
    slice result;
    AUTO(arena) small = arena_new(10000);
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){large, sizeof large}));
    rig_fails(STATUS_RESOURCE_EXHAUSTED,
              r->store->ops->load_result(r->store, row.seq, small, &result));
    rig_commit(r);
}

// Makes a removed job again under its old seq: what was left behind would be its own.
static void expect_bare(rig *r, job_row row)
{
    store_job job;
    store_new_job again = rig_new_job(r, row.route, 0, 0);
    again.row = row;
    rig_begin(r);
    rig_ok(r->store->ops->insert(r->store, &again, 1));
    rig_commit(r);
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_ATTEMPTS | STORE_PART_PROGRESS, r->memory,
                            &job));
    assert_int_equal(job.attempt_count + job.progress.size, 0);
    reader->ops->close(reader);
}

CONFORMS(a_removed_job_leaves_nothing_behind)
{
    job_row row = rig_submit(r), other = rig_submit(r);
    slice bytes = {(const uint8_t *) "x", 1};
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, row.seq, bytes));
    rig_ok(r->store->ops->put_attempt(r->store, row.seq, 1, bytes));
    rig_ok(r->store->ops->put_progress(r->store, row.seq, bytes));
    rig_ok(r->store->ops->remove(r->store, &row, 1));
    rig_commit(r);
    assert_int_equal(rig_find(r, &row.id).seq, 0);
    rig_fails(STATUS_NOT_FOUND,
              r->store->ops->load_spec(r->store, row.seq, r->memory, &bytes, NULL));
    rig_ok(r->store->ops->load_result(r->store, row.seq, r->memory, &bytes));
    assert_int_equal(bytes.size, 0);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
    assert_int_equal(rig_find(r, &other.id).seq, other.seq);
    expect_bare(r, row);
}

CONFORMS(progress_is_stored_replaced_and_read)
{
    job_row row = rig_submit(r);
    store_job job;
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_PROGRESS, r->memory, &job));
    assert_int_equal(job.progress.size, 0);
    rig_begin(r);
    rig_ok(r->store->ops->put_progress(r->store, row.seq, (slice){(const uint8_t *) "half", 4}));
    rig_ok(r->store->ops->put_progress(r->store, row.seq, (slice){(const uint8_t *) "all", 3}));
    rig_commit(r);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_PROGRESS, r->memory, &job));
    assert_int_equal(job.progress.size, 3);
    assert_memory_equal(job.progress.bytes, "all", 3);
    rig_begin(r);
    rig_ok(r->store->ops->put_progress(r->store, row.seq, (slice){(const uint8_t *) "lost", 4}));
    r->store->ops->rollback(r->store);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_PROGRESS, r->memory, &job));
    assert_int_equal(job.progress.size, 3);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_RESULT, r->memory, &job));
    assert_int_equal(job.progress.size, 0);
    reader->ops->close(reader);
}

CONFORMS(an_empty_result_or_attempt_is_stored)
{
    job_row row = rig_submit(r);
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){NULL, 0}));
    rig_ok(r->store->ops->put_attempt(r->store, row.seq, 1, (slice){NULL, 0}));
    rig_commit(r);
}

CONFORMS(the_latest_failed_attempt_is_loaded)
{
    job_row row = rig_submit(r);
    slice attempt;
    rig_ok(r->store->ops->load_last_attempt(r->store, row.seq, r->memory, &attempt));
    assert_int_equal(attempt.size, 0);
    rig_begin(r);
    rig_ok(r->store->ops->put_attempt(r->store, row.seq, 2, (slice){(const uint8_t *) "new", 3}));
    rig_ok(r->store->ops->put_attempt(r->store, row.seq, 1, (slice){(const uint8_t *) "old", 3}));
    rig_commit(r);
    rig_ok(r->store->ops->load_last_attempt(r->store, row.seq, r->memory, &attempt));
    assert_int_equal(attempt.size, 3);
    assert_memory_equal(attempt.bytes, "new", 3);
}

CONFORMS(counters_follow_insert_save_and_remove)
{
    job_row row = rig_submit(r);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
    row = rig_finish(r, row);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 0);
    assert_int_equal(rig_count(r, row.route, JOB_SUCCEEDED), 1);
    rig_reopen(r);
    assert_int_equal(rig_count(r, row.route, JOB_SUCCEEDED), 1);
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, &row, 1));
    assert_int_equal(rig_count(r, row.route, JOB_SUCCEEDED), 0);
    rig_commit(r);
    rig_reopen(r);
    assert_int_equal(rig_count(r, row.route, JOB_SUCCEEDED), 0);
}

CONFORMS(a_rollback_leaves_all_as_it_was)
{
    job_row row = rig_submit(r), changed = row;
    rig_begin(r);
    changed.state = JOB_RUNNING;
    changed.start_us = T0 + 99;
    rig_save(r, &row, &changed);
    job_row added = rig_insert(r, row.route, 0, 0);
    rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){(const uint8_t *) "x", 1}));
    r->store->ops->rollback(r->store);
    job_row found = rig_load(r, row.seq);
    slice result;
    rig_assert_same_row(&row, &found);
    assert_int_equal(rig_find(r, &added.id).seq, 0);
    rig_ok(r->store->ops->load_result(r->store, row.seq, r->memory, &result));
    assert_int_equal(result.size, 0);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
    assert_int_equal(rig_count(r, row.route, JOB_RUNNING), 0);
    assert_int_equal(r->store->ops->last_time_us(r->store), T0);
}

CONFORMS(closing_in_the_middle_undoes_the_transaction)
{
    job_row row = rig_submit(r);
    rig_begin(r);
    job_row lost = rig_insert(r, row.route, 0, 0);
    rig_reopen(r);
    assert_int_equal(rig_find(r, &lost.id).seq, 0);
    assert_int_equal(rig_count(r, row.route, JOB_READY), 1);
}

CONFORMS(a_set_of_none_is_no_failure)
{
    rig_begin(r);
    rig_ok(r->store->ops->insert(r->store, NULL, 0));
    rig_ok(r->store->ops->save(r->store, NULL, NULL, 0));
    rig_ok(r->store->ops->remove(r->store, NULL, 0));
    rig_ok(r->store->ops->find(r->store, NULL, 0, NULL));
    rig_commit(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_row_comes_back_as_it_was_stored),
    cmocka_unit_test(every_field_that_changes_is_saved),
    cmocka_unit_test(default_and_zero_policies_are_told_apart),
    cmocka_unit_test(what_is_not_there_has_seq_zero),
    cmocka_unit_test(find_sees_inserts_of_its_own_transaction),
    cmocka_unit_test(a_second_job_with_the_same_id_already_exists),
    cmocka_unit_test(saving_a_job_that_is_not_there_fails),
    cmocka_unit_test(spec_and_hash_come_back),
    cmocka_unit_test(an_empty_spec_is_a_spec),
    cmocka_unit_test(a_spec_of_any_size_comes_back),
    cmocka_unit_test(bytes_beyond_the_arena_are_resource_exhausted),
    cmocka_unit_test(the_latest_failed_attempt_is_loaded),
    cmocka_unit_test(a_removed_job_leaves_nothing_behind),
    cmocka_unit_test(progress_is_stored_replaced_and_read),
    cmocka_unit_test(an_empty_result_or_attempt_is_stored),
    cmocka_unit_test(counters_follow_insert_save_and_remove),
    cmocka_unit_test(a_rollback_leaves_all_as_it_was),
    cmocka_unit_test(closing_in_the_middle_undoes_the_transaction),
    cmocka_unit_test(a_set_of_none_is_no_failure),
};

UNIT_TEST_MAIN(tests)
