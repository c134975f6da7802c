// store_bytes_model - conformance: random lives of jobs with inputs, results, attempts and progress
// of all sizes, and what of it each reader finds at any time.
#include "unit/dice.h"
#include "unit/store_rig.h"

#define MOST_JOBS  3000
#define MOST_TAKEN 8
#define STEPS      500
#define ROUTES     2
#define LONGEST    5000

// Around what stands in the row of a job: 480 bytes of input, 255 of a result.
static const size_t input_sizes[] = {0, 1, 110, 479, 480, 481, 512, 513, LONGEST};
static const size_t result_sizes[] = {0, 1, 60, 254, 255, 256, 257, LONGEST};

#define SIZES(list) (sizeof(list) / sizeof *(list))

// Bytes that are known by their size and first letter; size 0: none.
typedef struct text {
    size_t size;
    char letter;
} text;

typedef struct kept_job {
    job_row row;  // seq 0: there is none (any more)
    text input, result, attempt, progress;
    int32_t attempts;
} kept_job;

typedef struct model {
    kept_job jobs[MOST_JOBS];  // by seq - 1
    size_t count;
} model;

typedef struct world {
    rig *rig;
    store_reader *reader;
    model now, committed;
    uint64_t random;
    int32_t routes[ROUTES];
} world;

static uint64_t draw(world *w, uint64_t below)
{
    return dice_roll(&w->random, below);
}

static text draw_text(world *w, const size_t *sizes, size_t count)
{
    return (text){sizes[draw(w, count)], (char) ('a' + draw(w, 26))};
}

// They stay as they are for ever.
static slice bytes_of(text t)
{
    static uint8_t all[26][LONGEST];
    uint8_t *bytes = all[t.letter - 'a'];
    if (bytes[0] == 0)
        for (size_t i = 0; i < LONGEST; i++)
            bytes[i] = (uint8_t) (t.letter + (i > 0 ? i % 97 : 0));
    return (slice){bytes, t.size};
}

static const uint8_t *hash_of(text t)
{
    static uint8_t hashes[26][JOB_HASH_BYTES];
    memset(hashes[t.letter - 'a'], t.letter, JOB_HASH_BYTES);
    return hashes[t.letter - 'a'];
}

static void assert_text(text wanted, slice found)
{
    assert_int_equal(found.size, wanted.size);
    if (wanted.size > 0)
        assert_memory_equal(found.bytes, bytes_of(wanted).bytes, wanted.size);
}

// ---- changes ----

// What is not said to last is another's as soon as it was inserted.
static void insert_passing(world *w, store_new_job *job)
{
    static uint8_t spec[LONGEST], hash[JOB_HASH_BYTES];
    memcpy(spec, job->spec.bytes, job->spec.size);
    memcpy(hash, job->hash, sizeof hash);
    job->spec.bytes = spec;
    job->hash = hash;
    rig_ok(w->rig->store->ops->insert(w->rig->store, job, 1));
    memset(spec, 0, sizeof spec);
    memset(hash, 0, sizeof hash);
}

static void add_job(world *w)
{
    if (w->now.count == MOST_JOBS)
        return;
    text input = draw_text(w, input_sizes, SIZES(input_sizes));
    store_new_job job = rig_new_job(w->rig, w->routes[draw(w, ROUTES)], (int32_t) draw(w, 2), 0);
    job.spec = bytes_of(input);
    job.hash = hash_of(input);
    job.lasts = draw(w, 5) != 0;
    if (draw(w, 8) == 0)
        job.row.expire_us = w->rig->now_us + 1000;
    assert_in_range(job.row.seq, 1, MOST_JOBS);
    if (job.lasts)
        rig_ok(w->rig->store->ops->insert(w->rig->store, &job, 1));
    else
        insert_passing(w, &job);
    w->now.jobs[job.row.seq - 1] = (kept_job){.row = job.row, .input = input};
    w->now.count = (size_t) job.row.seq;
}

static void save(world *w, kept_job *job, job_row after)
{
    rig_save(w->rig, &job->row, &after);
    job->row = after;
}

static void put_result(world *w, kept_job *job)
{
    job->result = draw_text(w, result_sizes, SIZES(result_sizes));
    rig_ok(w->rig->store->ops->put_result(w->rig->store, job->row.seq, bytes_of(job->result)));
}

static void put_attempt(world *w, kept_job *job)
{
    job->attempt = (text){1 + draw(w, 300), (char) ('a' + draw(w, 26))};
    job->attempts++;
    rig_ok(w->rig->store->ops->put_attempt(w->rig->store, job->row.seq, job->attempts,
                                           bytes_of(job->attempt)));
}

static void put_progress(world *w, kept_job *job)
{
    job->progress = (text){1 + draw(w, 300), (char) ('a' + draw(w, 26))};
    rig_ok(w->rig->store->ops->put_progress(w->rig->store, job->row.seq, bytes_of(job->progress)));
}

static void check_input(world *w, const kept_job *job)
{
    slice spec;
    uint8_t hash[JOB_HASH_BYTES];
    rig_ok(w->rig->store->ops->load_spec(w->rig->store, job->row.seq, w->rig->memory, &spec, hash));
    assert_text(job->input, spec);
    assert_memory_equal(hash, hash_of(job->input), sizeof hash);
}

static size_t take_jobs(world *w, job_row ret[static MOST_TAKEN])
{
    size_t count = 0;
    rig_ok(w->rig->store->ops->take_ready(w->rig->store, w->routes, 1 + draw(w, ROUTES),
                                          draw(w, MOST_TAKEN + 1), ret, &count));
    return count;
}

static void lease_jobs(world *w, job_row *rows, size_t count)
{
    const uuid worker = uuid_new_v7(T0);
    for (size_t i = 0; i < count; i++) {
        kept_job *job = &w->now.jobs[rows[i].seq - 1];
        rig_assert_same_row(&rows[i], &job->row);
        rig_ok(job_lease(&rows[i], &worker, 1, w->rig->now_us));
        save(w, job, rows[i]);
        if (draw(w, 4) != 0)
            check_input(w, job);
    }
}

static void end_running(world *w, kept_job *job)
{
    job_row row = job->row;
    const job_failure failure = {.retryable = draw(w, 2) == 0};
    uint64_t how = draw(w, 6);
    if (how == 0)
        rig_ok(job_release(&row, w->rig->now_us));
    else if (how == 1)
        rig_ok(job_lose(&row, w->rig->now_us));
    else if (how == 2)
        rig_ok(job_fail(&row, &failure, 0, w->rig->now_us));
    else
        rig_ok(job_succeed(&row, w->rig->now_us));
    if (how == 1 || how == 2)
        put_attempt(w, job);
    else if (how > 2)
        put_result(w, job);
    save(w, job, row);
}

static void change(world *w, kept_job *job)
{
    job_row row = job->row;
    if (draw(w, 8) == 0)
        put_progress(w, job);
    if (draw(w, 12) == 0)
        put_result(w, job);  // of a job that may be saved later, or never
    if (row.state == JOB_RUNNING) {
        end_running(w, job);
        return;
    }
    if (row.state == JOB_SCHEDULED) {
        row.due_us = w->rig->now_us;
        rig_ok(job_promote(&row, w->rig->now_us));
    } else if (row.state == JOB_READY && draw(w, 3) == 0) {
        rig_ok(job_cancel(&row, w->rig->now_us));
    } else if (job_state_is_final(row.state) && row.state != JOB_SUCCEEDED) {
        rig_ok(job_retry(&row, w->rig->now_us));
    } else {
        row.callbacks_open = row.callbacks_open ? 0 : 1;
    }
    save(w, job, row);
}

static void remove_some(world *w)
{
    job_row rows[6];
    size_t count = 0;
    for (size_t i = draw(w, 40); i < w->now.count && count < 6; i += 1 + draw(w, 30)) {
        if (w->now.jobs[i].row.seq == 0)
            continue;
        rows[count++] = w->now.jobs[i].row;
        w->now.jobs[i] = (kept_job){0};
    }
    if (count > 0)
        rig_ok(w->rig->store->ops->remove(w->rig->store, rows, count));
}

// ---- looking ----

static kept_job *any_job(world *w)
{
    kept_job *job = w->now.count > 0 ? &w->now.jobs[draw(w, w->now.count)] : NULL;
    return job && job->row.seq != 0 ? job : NULL;
}

// One of those that came last, mostly.
static kept_job *late_job(world *w)
{
    size_t back = draw(w, 2) ? draw(w, 12) : draw(w, 60);
    kept_job *job = back < w->now.count ? &w->now.jobs[w->now.count - 1 - back] : NULL;
    return job && job->row.seq != 0 ? job : NULL;
}

// What the writer sees, the transaction's own changes included.
static void check_written(world *w, const kept_job *job)
{
    const store_ops *ops = w->rig->store->ops;
    slice found;
    job_row row = rig_load(w->rig, job->row.seq), same = rig_find(w->rig, &job->row.id);
    rig_assert_same_row(&row, &job->row);
    rig_assert_same_row(&same, &job->row);
    check_input(w, job);
    if (draw(w, 2)) {
        rig_ok(ops->load_result(w->rig->store, job->row.seq, w->rig->memory, &found));
        assert_text(job->result, found);
    }
    rig_ok(ops->load_last_attempt(w->rig->store, job->row.seq, w->rig->memory, &found));
    assert_text(job->attempt, found);
}

// What others see of it.
static void check_read(world *w, const kept_job *job)
{
    const unsigned all = STORE_PART_SPEC | STORE_PART_RESULT | STORE_PART_ATTEMPTS |
                         STORE_PART_PROGRESS | STORE_PART_QUEUE;
    store_job found, ended;
    rig_ok(w->reader->ops->get(w->reader, &job->row.id, all, w->rig->memory, &found));
    rig_ok(w->reader->ops->get(w->reader, &job->row.id, STORE_PART_RESULT | STORE_PART_LAST_ATTEMPT,
                               w->rig->memory, &ended));
    rig_assert_same_row(&found.row, &job->row);
    rig_assert_same_row(&ended.row, &job->row);
    assert_text(job->input, found.spec);
    assert_text(job->result, found.result);
    assert_text(job->result, ended.result);
    assert_text(job->progress, found.progress);
    assert_int_equal(found.attempt_count, job->attempts);
    if (job->attempts > 0)
        assert_text(job->attempt, found.attempts[job->attempts - 1]);
}

static size_t listed(world *w, int64_t *before)
{
    const store_filter any = {.queue = NULL};
    store_job *page;
    size_t count;
    rig_ok(w->reader->ops->list(w->reader, &any, *before, 100, STORE_PART_SPEC | STORE_PART_RESULT,
                                w->rig->memory, &page, &count, before));
    for (size_t i = 0; i < count; i++) {
        const kept_job *job = &w->committed.jobs[page[i].row.seq - 1];
        rig_assert_same_row(&page[i].row, &job->row);
        assert_text(job->input, page[i].spec);
        assert_text(job->result, page[i].result);
    }
    return count;
}

static void check_all(world *w)
{
    size_t found = 0, wanted = 0;
    int64_t before = 0;
    do
        found += listed(w, &before);
    while (before != 0);
    for (size_t i = 0; i < w->committed.count; i++)
        wanted += w->committed.jobs[i].row.seq != 0;
    assert_int_equal(found, wanted);
}

// ---- lives ----

static void do_something(world *w)
{
    job_row rows[MOST_TAKEN];
    uint64_t what = draw(w, 10);
    kept_job *job = draw(w, 3) ? late_job(w) : any_job(w);
    if (what < 3)
        add_job(w);
    else if (what < 5)
        lease_jobs(w, rows, take_jobs(w, rows));
    else if (what < 8 && job)
        change(w, job);
    else if (what == 8 && job)
        check_written(w, job);
    else if (what == 9 && draw(w, 4) == 0)
        remove_some(w);
}

static void end_transaction(world *w)
{
    if (draw(w, 5) == 0) {
        w->rig->store->ops->rollback(w->rig->store);
        size_t count = w->now.count;  // no seq comes twice
        w->now = w->committed;
        w->now.count = count;
    } else {
        rig_commit(w->rig);
        w->committed = w->now;
    }
    for (int i = 0; i < 5; i++) {
        const kept_job *job = draw(w, 2) ? late_job(w) : any_job(w);
        if (job)
            check_read(w, job);
    }
}

static void reopen(world *w)
{
    w->reader->ops->close(w->reader);
    rig_reopen(w->rig);
    w->reader = rig_reader(w->rig);
    w->now.count = w->committed.count = (size_t) w->rig->store->ops->next_seq(w->rig->store);
}

static void live(rig *r, uint64_t seed)
{
    static world w;
    w = (world){.rig = r, .random = seed, .reader = rig_reader(r)};
    rig_begin(r);
    for (int i = 0; i < ROUTES; i++)
        w.routes[i] = rig_route(r, "q", (const char *[]){"a", "b"}[i]);
    rig_commit(r);
    for (int step = 0; step < STEPS && w.now.count < MOST_JOBS - 100; step++) {
        job_row rows[MOST_TAKEN];
        r->now_us += (int64_t) draw(&w, 100);
        size_t count = draw(&w, 2) ? take_jobs(&w, rows) : 0;
        rig_begin(r);
        lease_jobs(&w, rows, count);
        for (size_t i = 1 + draw(&w, 25); i > 0; i--)
            do_something(&w);
        end_transaction(&w);
        if (draw(&w, 25) == 0)
            check_all(&w);
        if (draw(&w, 25) == 0)
            reopen(&w);
        arena_reset(r->memory);
    }
    check_all(&w);
    w.reader->ops->close(w.reader);
}

CONFORMS(any_life_of_a_store_keeps_the_bytes_of_its_jobs)
{
    live(r, dice_seed());
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_life_of_a_store_keeps_the_bytes_of_its_jobs),
};

UNIT_TEST_MAIN(tests)
