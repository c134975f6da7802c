// store_results - conformance: results of any size, and which one counts.
#include "unit/store_rig.h"

CONFORMS(a_result_is_stored_and_replaced)
{
    job_row row = rig_submit(r);
    slice result;
    rig_ok(r->store->ops->load_result(r->store, row.seq, r->memory, &result));
    assert_int_equal(result.size, 0);
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){(const uint8_t *) "one", 3}));
    rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){(const uint8_t *) "three", 5}));
    rig_commit(r);
    rig_ok(r->store->ops->load_result(r->store, row.seq, r->memory, &result));
    assert_int_equal(result.size, 5);
    assert_memory_equal(result.bytes, "three", 5);
}

static slice large_text(char letter)
{
    static char texts[26][1000];
    char *text = texts[letter - 'a'];
    memset(text, letter, sizeof texts[0]);
    return (slice){(const uint8_t *) text, sizeof texts[0]};
}

static void expect_result(rig *r, const job_row *row, slice wanted)
{
    slice result;
    store_job job = {0};
    const unsigned parts[] = {STORE_PART_RESULT, STORE_PART_RESULT | STORE_PART_LAST_ATTEMPT};
    rig_ok(r->store->ops->load_result(r->store, row->seq, r->memory, &result));
    assert_int_equal(result.size, wanted.size);
    assert_true(wanted.size == 0 || memcmp(result.bytes, wanted.bytes, wanted.size) == 0);
    store_reader *reader = rig_reader(r);
    for (int i = 0; i < 2; i++) {
        rig_ok(reader->ops->get(reader, &row->id, parts[i], r->memory, &job));
        assert_int_equal(job.result.size, wanted.size);
        assert_true(wanted.size == 0 || memcmp(job.result.bytes, wanted.bytes, wanted.size) == 0);
    }
    reader->ops->close(reader);
}

static slice letters(char letter, size_t size)
{
    return (slice){large_text(letter).bytes, size};
}

// Small ones stand in the row of their job, and large ones elsewhere.
CONFORMS(the_latest_result_counts_whatever_the_sizes)
{
    const size_t sizes[] = {1, 1000, 255, 256, 0, 257, 254};
    job_row row = rig_finish(r, rig_submit(r));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        slice result = letters((char) ('a' + i), sizes[i]);
        rig_begin(r);
        rig_ok(r->store->ops->put_result(r->store, row.seq, result));
        rig_save(r, &row, &row);
        rig_commit(r);
        expect_result(r, &row, result);
    }
    rig_reopen(r);
    expect_result(r, &row, letters('g', 254));
}

CONFORMS(a_result_counts_whenever_its_job_is_saved)
{
    const size_t sizes[] = {10, 600};
    job_row row = rig_finish(r, rig_submit(r)), other = rig_finish(r, rig_submit(r));
    for (size_t i = 0; i < 4; i++) {
        size_t first = sizes[i % 2], last = sizes[i / 2];
        rig_begin(r);
        rig_ok(r->store->ops->put_result(r->store, row.seq, letters('a', first)));
        rig_save(r, &row, &row);
        rig_ok(r->store->ops->put_result(r->store, row.seq, letters('b', last)));
        rig_ok(r->store->ops->put_result(r->store, other.seq, letters('c', last)));
        rig_save(r, &row, &row);
        rig_commit(r);
        expect_result(r, &row, letters('b', last));
        expect_result(r, &other, letters('c', last));
    }
}

CONFORMS(a_result_of_a_new_job_is_stored_with_it)
{
    rig_begin(r);
    store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
    job.lasts = true;
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_ok(r->store->ops->put_result(r->store, job.row.seq, letters('a', 9)));
    rig_commit(r);
    expect_result(r, &job.row, letters('a', 9));
}

CONFORMS(a_result_goes_with_its_rollback)
{
    job_row row = rig_finish(r, rig_submit(r));
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, row.seq, letters('a', 9)));
    r->store->ops->rollback(r->store);
    rig_begin(r);
    rig_save(r, &row, &row);
    rig_commit(r);
    expect_result(r, &row, letters('a', 0));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_result_is_stored_and_replaced),
    cmocka_unit_test(the_latest_result_counts_whatever_the_sizes),
    cmocka_unit_test(a_result_counts_whenever_its_job_is_saved),
    cmocka_unit_test(a_result_of_a_new_job_is_stored_with_it),
    cmocka_unit_test(a_result_goes_with_its_rollback),
};

UNIT_TEST_MAIN(tests)
