// store_relations - conformance: labels, and jobs that wait for other jobs.
#include "unit/store_rig.h"

#define MOST 64

// Submits a job with labels: pairs of key and value.
static job_row submit_labelled(rig *r, const store_label *labels, size_t count)
{
    rig_begin(r);
    store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
    job.labels = labels;
    job.label_count = count;
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_commit(r);
    return job.row;
}

// Follows the pages of a label to the end; returns how many jobs have it, newest first.
static size_t list(rig *r, store_filter filter, size_t limit, int64_t *seqs, int *ret_calls)
{
    store_reader *reader = rig_reader(r);
    store_job *jobs = NULL;
    size_t count = 0, more = 0;
    int64_t before = 0;
    *ret_calls = 0;
    do {
        rig_ok(
            reader->ops->list(reader, &filter, before, limit, 0, r->memory, &jobs, &more, &before));
        for (size_t i = 0; i < more; i++)
            seqs[count++] = jobs[i].row.seq;
        ++*ret_calls;
    } while (before != 0);
    reader->ops->close(reader);
    return count;
}

static size_t labelled(rig *r, const char *key, const char *value, int64_t *seqs)
{
    int calls = 0;
    return list(r, (store_filter){.label_key = key, .label_value = value}, 7, seqs, &calls);
}

CONFORMS(jobs_are_listed_by_label)
{
    int64_t seqs[MOST];
    const store_label labels[] = {{"team", "a"}, {"env", "test"}, {"empty", ""}};
    job_row both = submit_labelled(r, labels, 3);
    job_row one = submit_labelled(r, labels, 1);
    rig_submit(r);
    assert_int_equal(labelled(r, "team", "a", seqs), 2);
    assert_int_equal(seqs[0], one.seq);
    assert_int_equal(seqs[1], both.seq);
    assert_int_equal(labelled(r, "env", "test", seqs), 1);
    assert_int_equal(seqs[0], both.seq);
    assert_int_equal(labelled(r, "empty", "", seqs), 1);
    assert_int_equal(labelled(r, "team", "b", seqs), 0);
    assert_int_equal(labelled(r, "team", "", seqs), 0);
    assert_int_equal(labelled(r, "env", "a", seqs), 0);
    rig_reopen(r);
    assert_int_equal(labelled(r, "team", "a", seqs), 2);
}

CONFORMS(a_label_goes_with_the_other_filters)
{
    int64_t seqs[MOST];
    int calls = 0;
    const store_label label = {"team", "a"};
    for (int i = 0; i < 30; i++) {
        job_row row = submit_labelled(r, &label, 1);
        if (i % 3 == 0)
            rig_finish(r, row);
    }
    store_filter filter = {.label_key = "team", .label_value = "a", .state = JOB_SUCCEEDED};
    assert_int_equal(list(r, filter, 4, seqs, &calls), 10);
    filter.queue = "q";
    assert_int_equal(list(r, filter, 4, seqs, &calls), 10);
    filter.queue = "other";
    assert_int_equal(list(r, filter, 4, seqs, &calls), 0);
    filter = (store_filter){.label_key = "team", .label_value = "a", .state = JOB_FAILED};
    assert_int_equal(list(r, filter, 4, seqs, &calls), 0);
}

CONFORMS(labels_of_jobs_that_were_undone_or_removed_are_gone)
{
    int64_t seqs[MOST];
    const store_label label = {"team", "a"};
    rig_begin(r);
    store_new_job lost = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
    lost.labels = &label;
    lost.label_count = 1;
    rig_ok(r->store->ops->insert(r->store, &lost, 1));
    r->store->ops->rollback(r->store);
    rig_submit_job(r, &(store_new_job){.row = lost.row, .spec = lost.spec, .hash = lost.hash});
    assert_int_equal(labelled(r, "team", "a", seqs), 0);
    job_row row = submit_labelled(r, &label, 1), other = submit_labelled(r, &label, 1);
    rig_reopen(r);
    rig_remove(r, &row);
    rig_submit_job(r, &(store_new_job){.row = row, .spec = lost.spec, .hash = lost.hash});
    assert_int_equal(labelled(r, "team", "a", seqs), 1);
    assert_int_equal(seqs[0], other.seq);
}

static void submit_many(rig *r, int count, const store_label *label)
{
    static store_new_job jobs[1000];
    for (int at = 0; at < count; at += 1000) {
        rig_begin(r);
        for (int i = 0; i < 1000; i++) {
            jobs[i] = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
            jobs[i].labels = label;
            jobs[i].label_count = label ? 1 : 0;
        }
        rig_ok(r->store->ops->insert(r->store, jobs, 1000));
        rig_commit(r);
    }
}

// Without the index it would take ten calls to come by all the others.
CONFORMS(a_rare_label_among_many_jobs_is_found_in_one_call)
{
    int64_t seqs[MOST];
    int calls = 0;
    const store_label rare = {"team", "rare"}, common = {"team", "common"};
    job_row first = submit_labelled(r, &rare, 1);
    submit_many(r, 50000, NULL);
    submit_many(r, 50000, &common);
    store_filter filter = {.label_key = "team", .label_value = "rare"};
    assert_int_equal(list(r, filter, 10, seqs, &calls), 1);
    assert_int_equal(seqs[0], first.seq);
    assert_int_equal(calls, 1);
}

// ---- dependencies ----

static job_row submit_after(rig *r, const int64_t *after, int32_t count)
{
    rig_begin(r);
    store_new_job job = rig_new_job(r, rig_route(r, "q", "k"), 0, 0);
    job.row.blockers = count;
    job.row.state = JOB_BLOCKED;
    job.after = after;
    rig_ok(r->store->ops->insert(r->store, &job, 1));
    rig_commit(r);
    return job.row;
}

static size_t blockers(rig *r, int64_t seq, size_t limit, uuid *ids)
{
    size_t count = 999;
    store_reader *reader = rig_reader(r);
    rig_ok(reader->ops->blockers(reader, seq, limit, ids, &count));
    reader->ops->close(reader);
    return count;
}

static size_t take(rig *r, int64_t on_seq, size_t limit, job_row *rows)
{
    size_t count = 999;
    rig_ok(r->store->ops->take_dependants(r->store, on_seq, limit, rows, &count));
    return count;
}

CONFORMS(a_blocked_job_names_what_it_waits_for)
{
    uuid ids[MOST];
    job_row a = rig_submit(r), b = rig_submit(r), c = rig_submit(r);
    job_row waits = submit_after(r, (int64_t[]){c.seq, a.seq}, 2);
    assert_int_equal(blockers(r, waits.seq, MOST, ids), 2);
    assert_true(uuid_equal(&ids[0], &a.id));
    assert_true(uuid_equal(&ids[1], &c.id));
    assert_int_equal(blockers(r, waits.seq, 1, ids), 1);
    assert_int_equal(blockers(r, waits.seq, 0, ids), 0);
    assert_int_equal(blockers(r, b.seq, MOST, ids), 0);
    job_row found = rig_load(r, waits.seq);
    rig_assert_same_row(&found, &waits);
}

CONFORMS(dependants_are_taken_once_and_in_steps)
{
    job_row rows[MOST], waits[10];
    job_row first = rig_submit(r), other = rig_submit(r);
    for (int i = 0; i < 10; i++)
        waits[i] = submit_after(r, (int64_t[]){first.seq, other.seq}, 2);
    rig_reopen(r);
    rig_begin(r);
    assert_int_equal(take(r, first.seq, 4, rows), 4);
    for (int i = 0; i < 4; i++)
        rig_assert_same_row(&rows[i], &waits[i]);
    rig_commit(r);
    rig_begin(r);
    assert_int_equal(take(r, first.seq, MOST, rows), 6);
    rig_assert_same_row(&rows[5], &waits[9]);
    assert_int_equal(take(r, first.seq, MOST, rows), 0);
    assert_int_equal(take(r, waits[0].seq, MOST, rows), 0);
    rig_commit(r);
    rig_begin(r);
    assert_int_equal(take(r, other.seq, MOST, rows), 10);
    rig_commit(r);
}

CONFORMS(a_rollback_gives_dependants_back)
{
    job_row rows[MOST];
    job_row first = rig_submit(r);
    submit_after(r, &first.seq, 1);
    rig_begin(r);
    assert_int_equal(take(r, first.seq, MOST, rows), 1);
    r->store->ops->rollback(r->store);
    rig_begin(r);
    assert_int_equal(take(r, first.seq, MOST, rows), 1);
    rig_commit(r);
}

CONFORMS(a_removed_job_waits_for_nothing)
{
    job_row rows[MOST];
    uuid ids[MOST];
    job_row first = rig_submit(r);
    job_row gone = submit_after(r, &first.seq, 1), stays = submit_after(r, &first.seq, 1);
    rig_reopen(r);
    rig_remove(r, &gone);
    assert_int_equal(blockers(r, gone.seq, MOST, ids), 0);
    rig_begin(r);
    assert_int_equal(take(r, first.seq, MOST, rows), 1);
    assert_int_equal(rows[0].seq, stays.seq);
    rig_commit(r);
}

CONFORMS(a_job_may_wait_for_one_of_its_own_batch)
{
    job_row rows[MOST];
    rig_begin(r);
    int32_t route = rig_route(r, "q", "k");
    store_new_job jobs[2] = {rig_new_job(r, route, 0, 0), rig_new_job(r, route, 0, 0)};
    jobs[1].row.blockers = 1;
    jobs[1].row.state = JOB_BLOCKED;
    jobs[1].after = &jobs[0].row.seq;
    rig_ok(r->store->ops->insert(r->store, jobs, 2));
    assert_int_equal(take(r, jobs[0].row.seq, MOST, rows), 1);
    assert_int_equal(rows[0].seq, jobs[1].row.seq);
    rig_commit(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(jobs_are_listed_by_label),
    cmocka_unit_test(a_label_goes_with_the_other_filters),
    cmocka_unit_test(labels_of_jobs_that_were_undone_or_removed_are_gone),
    cmocka_unit_test(a_rare_label_among_many_jobs_is_found_in_one_call),
    cmocka_unit_test(a_blocked_job_names_what_it_waits_for),
    cmocka_unit_test(dependants_are_taken_once_and_in_steps),
    cmocka_unit_test(a_rollback_gives_dependants_back),
    cmocka_unit_test(a_removed_job_waits_for_nothing),
    cmocka_unit_test(a_job_may_wait_for_one_of_its_own_batch),
};

UNIT_TEST_MAIN(tests)
