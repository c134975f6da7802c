// store_reader - conformance: reading jobs beside the writer, one by one and in pages.
#include "unit/store_rig.h"

typedef struct page {
    store_job *jobs;
    size_t count;
    int64_t next;
} page;

static page list(rig *r, store_reader *reader, store_filter filter, int64_t before, size_t limit)
{
    page p = {.next = -1};
    rig_ok(reader->ops->list(reader, &filter, before, limit, STORE_PART_SPEC, r->memory, &p.jobs,
                             &p.count, &p.next));
    return p;
}

// Follows the pages to the end; returns how many jobs there were, newest first.
static size_t list_all(rig *r, store_reader *reader, store_filter filter, size_t limit,
                       int64_t *seqs)
{
    size_t count = 0;
    int64_t before = 0;
    do {
        page p = list(r, reader, filter, before, limit);
        assert_true(p.count <= limit);
        for (size_t i = 0; i < p.count; i++)
            seqs[count++] = p.jobs[i].row.seq;
        assert_true(p.next == 0 || before == 0 || p.next < before);
        before = p.next;
    } while (before != 0);
    for (size_t i = 1; i < count; i++)
        assert_true(seqs[i - 1] > seqs[i]);
    return count;
}

static void put_attempt(rig *r, int64_t seq, int32_t number, const char *text)
{
    slice attempt = {(const uint8_t *) text, strlen(text)};
    rig_ok(r->store->ops->put_attempt(r->store, seq, number, attempt));
}

CONFORMS(a_reader_gets_a_job_with_the_parts_asked_for)
{
    store_job job;
    job_row row = rig_submit(r);
    rig_begin(r);
    rig_ok(r->store->ops->put_result(r->store, row.seq, (slice){(const uint8_t *) "done", 4}));
    put_attempt(r, row.seq, 2, "second");
    put_attempt(r, row.seq, 1, "first");
    rig_commit(r);
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->get(reader, &row.id, 0, r->memory, &job));
    rig_assert_same_row(&row, &job.row);
    assert_int_equal(job.spec.size + job.result.size + job.attempt_count, 0);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_SPEC | STORE_PART_RESULT, r->memory, &job));
    assert_string_equal((const char *) job.spec.bytes, "what to do");
    assert_memory_equal(job.result.bytes, "done", 4);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_LAST_ATTEMPT, r->memory, &job));
    assert_int_equal(job.attempt_count, 1);
    assert_memory_equal(job.attempts[0].bytes, "second", 6);
    rig_ok(reader->ops->get(reader, &row.id, STORE_PART_ATTEMPTS, r->memory, &job));
    assert_int_equal(job.attempt_count, 2);
    assert_memory_equal(job.attempts[0].bytes, "first", 5);
    reader->ops->close(reader);
}

CONFORMS(an_unknown_id_is_not_found_by_name)
{
    uuid id = uuid_new_v7(T0);
    char text[UUID_TEXT_SIZE];
    store_job job;
    store_reader *reader = rig_reader(r);
    AUTO(status) failure = reader->ops->get(reader, &id, 0, r->memory, &job);
    assert_int_equal(status_code_of(failure), STATUS_NOT_FOUND);
    assert_non_null(strstr(failure->message, uuid_format(&id, text)));
    reader->ops->close(reader);
}

CONFORMS(a_reader_sees_nothing_before_the_commit_and_all_after_it)
{
    store_job job;
    store_reader *reader = rig_reader(r);
    rig_begin(r);
    job_row row = rig_insert(r, rig_route(r, "q", "k"), 0, 0);
    rig_fails(STATUS_NOT_FOUND, reader->ops->get(reader, &row.id, 0, r->memory, &job));
    rig_commit(r);
    rig_ok(reader->ops->get(reader, &row.id, 0, r->memory, &job));
    reader->ops->close(reader);
}

CONFORMS(a_callback_names_its_parent_while_there_is_one)
{
    store_job job;
    job_row parent = rig_submit(r);
    rig_begin(r);
    store_new_job callback = rig_new_job(r, parent.route, 0, 0);
    callback.row.parent_seq = parent.seq;
    rig_ok(r->store->ops->insert(r->store, &callback, 1));
    rig_commit(r);
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->get(reader, &callback.row.id, 0, r->memory, &job));
    assert_true(uuid_equal(&job.parent, &parent.id));
    rig_begin(r);
    rig_ok(r->store->ops->remove(r->store, &parent, 1));
    rig_commit(r);
    rig_ok(reader->ops->get(reader, &callback.row.id, 0, r->memory, &job));
    assert_true(uuid_is_nil(&job.parent));
    reader->ops->close(reader);
}

CONFORMS(pages_run_from_the_newest_to_the_oldest)
{
    int64_t seqs[32];
    for (int i = 0; i < 25; i++)
        rig_submit(r);
    store_reader *reader = rig_reader(r);
    for (size_t limit = 1; limit <= 30; limit += 4)
        assert_int_equal(list_all(r, reader, (store_filter){0}, limit, seqs), 25);
    page all = list(r, reader, (store_filter){0}, 0, 25);
    assert_int_equal(all.count, 25);
    assert_int_equal(all.next, 0);  // the end is told with the last job
    reader->ops->close(reader);
}

CONFORMS(an_empty_store_lists_nothing)
{
    store_reader *reader = rig_reader(r);
    page p = list(r, reader, (store_filter){0}, 0, 10);
    assert_int_equal(p.count, 0);
    assert_int_equal(p.next, 0);
    p = list(r, reader, (store_filter){.queue = "none"}, 0, 10);
    assert_int_equal(p.count, 0);
    assert_int_equal(p.next, 0);
    reader->ops->close(reader);
}

static void set_state(rig *r, job_row row, job_state state)
{
    job_row before = row;
    row.state = state;
    row.finish_us = job_state_is_final(state) ? T0 : 0;
    rig_begin(r);
    rig_save(r, &before, &row);
    rig_commit(r);
}

CONFORMS(filters_select_by_queue_kind_and_state)
{
    int64_t seqs[64];
    const char *const queues[] = {"a", "b"};
    const char *const kinds[] = {"x", "y"};
    for (int i = 0; i < 64; i++) {
        rig_begin(r);
        int32_t route = rig_route(r, queues[i & 1], kinds[i >> 1 & 1]);
        job_row row = rig_insert(r, route, 0, 0);
        rig_commit(r);
        set_state(r, row, (job_state) (JOB_BLOCKED + (i >> 2) % 8));
    }
    store_reader *reader = rig_reader(r);
    assert_int_equal(list_all(r, reader, (store_filter){.queue = "a"}, 7, seqs), 32);
    assert_int_equal(list_all(r, reader, (store_filter){.kind = "y"}, 7, seqs), 32);
    assert_int_equal(list_all(r, reader, (store_filter){.queue = "a", .kind = "y"}, 7, seqs), 16);
    assert_int_equal(list_all(r, reader, (store_filter){.queue = "a", .kind = "z"}, 7, seqs), 0);
    static const char *const names[] = {"b", "none", "a"};
    const queue_set both = {names, 3}, none = {names + 1, 1}, only_b = {names, 1};
    assert_int_equal(list_all(r, reader, (store_filter){.queues = &both}, 7, seqs), 64);
    assert_int_equal(list_all(r, reader, (store_filter){.queues = &only_b}, 7, seqs), 32);
    assert_int_equal(list_all(r, reader, (store_filter){.queues = &both, .kind = "y"}, 7, seqs),
                     32);
    assert_int_equal(list_all(r, reader, (store_filter){.queues = &none}, 7, seqs), 0);
    assert_int_equal(list_all(r, reader, (store_filter){.queue = "a", .queues = &only_b}, 7, seqs),
                     0);
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++) {
        store_filter filter = {.state = (job_state) state};
        assert_int_equal(list_all(r, reader, filter, 3, seqs), 8);
        filter.queue = "b";
        assert_int_equal(list_all(r, reader, filter, 3, seqs), 4);
    }
    reader->ops->close(reader);
}

CONFORMS(a_rare_match_costs_a_bounded_call_and_is_found_by_going_on)
{
    int64_t seqs[8];
    static store_new_job jobs[1000];
    rig_begin(r);
    job_row rare = rig_insert(r, rig_route(r, "rare", "k"), 0, 0);
    int32_t route = rig_route(r, "q", "k");
    for (int batch = 0; batch < 12; batch++) {
        for (int i = 0; i < 1000; i++)
            jobs[i] = rig_new_job(r, route, 0, 0);
        rig_ok(r->store->ops->insert(r->store, jobs, 1000));
    }
    rig_commit(r);
    store_reader *reader = rig_reader(r);
    page first = list(r, reader, (store_filter){.queue = "rare"}, 0, 5);
    assert_int_equal(first.count, 0);
    assert_true(first.next > rare.seq);
    assert_int_equal(list_all(r, reader, (store_filter){.queue = "rare"}, 5, seqs), 1);
    assert_int_equal(seqs[0], rare.seq);
    reader->ops->close(reader);
}

CONFORMS(a_page_of_large_jobs_ends_early_but_never_empty)
{
    static uint8_t large[3 << 20];
    int64_t seqs[8];
    for (int i = 0; i < 8; i++) {
        rig_begin(r);
        store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
        job.spec = (slice){large, sizeof large};
        rig_ok(r->store->ops->insert(r->store, &job, 1));
        rig_commit(r);
    }
    store_reader *reader = rig_reader(r);
    page p = list(r, reader, (store_filter){0}, 0, 8);
    assert_int_equal(p.count, 3);
    assert_int_equal(list_all(r, reader, (store_filter){0}, 8, seqs), 8);
    reader->ops->close(reader);
}

CONFORMS(many_readers_work_side_by_side)
{
    store_job job;
    store_reader *readers[8];
    job_row row = rig_submit(r);
    for (int i = 0; i < 8; i++)
        readers[i] = rig_reader(r);
    for (int i = 0; i < 8; i++)
        rig_ok(readers[i]->ops->get(readers[i], &row.id, STORE_PART_SPEC, r->memory, &job));
    rig_submit(r);
    for (int i = 0; i < 8; i++)
        readers[i]->ops->close(readers[i]);
}

static void insert_at(rig *r, int32_t route, int32_t priority, int64_t now_us)
{
    r->now_us = now_us;
    (void) rig_insert(r, route, priority, 0);
}

CONFORMS(the_oldest_ready_job_of_a_queue_is_found_behind_any_priority)
{
    int64_t oldest = 0;
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->oldest_ready(reader, "q", &oldest));
    assert_true(oldest == INT64_MAX);
    rig_begin(r);
    int32_t route = rig_route(r, "q", "a"), other = rig_route(r, "q", "b");
    int32_t elsewhere = rig_route(r, "p", "a");
    insert_at(r, route, 100, T0 + 5000);
    insert_at(r, route, 0, T0 + 7000);
    insert_at(r, route, 0, T0 + 4000);
    insert_at(r, other, -100, T0 + 3000);
    insert_at(r, other, -99, T0 + 9000);
    insert_at(r, elsewhere, 0, T0 + 1000);
    rig_commit(r);
    rig_ok(reader->ops->oldest_ready(reader, "q", &oldest));
    assert_true(oldest == T0 + 3000);
    rig_ok(reader->ops->oldest_ready(reader, "nowhere", &oldest));
    assert_true(oldest == INT64_MAX);
    reader->ops->close(reader);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_reader_gets_a_job_with_the_parts_asked_for),
    cmocka_unit_test(an_unknown_id_is_not_found_by_name),
    cmocka_unit_test(a_reader_sees_nothing_before_the_commit_and_all_after_it),
    cmocka_unit_test(a_callback_names_its_parent_while_there_is_one),
    cmocka_unit_test(pages_run_from_the_newest_to_the_oldest),
    cmocka_unit_test(an_empty_store_lists_nothing),
    cmocka_unit_test(filters_select_by_queue_kind_and_state),
    cmocka_unit_test(a_rare_match_costs_a_bounded_call_and_is_found_by_going_on),
    cmocka_unit_test(a_page_of_large_jobs_ends_early_but_never_empty),
    cmocka_unit_test(many_readers_work_side_by_side),
    cmocka_unit_test(the_oldest_ready_job_of_a_queue_is_found_behind_any_priority),
};

UNIT_TEST_MAIN(tests)
