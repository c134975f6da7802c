// store_model - conformance: long random lives of a store, compared with a plain array.
#include "unit/dice.h"
#include "unit/store_rig.h"

#define MOST_JOBS 1500
#define STEPS     600
#define ROUTES    4
#define KEYS      3

// What a store should hold: jobs by seq - 1; seq 0 where there is none (any more).
typedef struct model {
    job_row rows[MOST_JOBS];
    size_t count;
} model;

typedef struct world {
    rig *rig;
    model now, committed;
    uint64_t random;
    int32_t routes[ROUTES];
} world;

static uint64_t draw(world *w, uint64_t below)
{
    return dice_roll(&w->random, below);
}

// One of a few keys, or none.
static uuid draw_key(world *w)
{
    uuid none = {{0}};
    uint64_t number = draw(w, 4UL * KEYS);
    return number < KEYS ? job_key("q", (const char *[KEYS]){"a", "b", "c"}[number]) : none;
}

static bool holds(const job_row *row, const uuid *key)
{
    return row->seq != 0 && !job_state_is_final(row->state) && !uuid_is_nil(key) &&
           uuid_equal(&row->unique_key, key);
}

static int64_t holder(const model *m, const uuid *key)
{
    for (size_t i = 0; i < m->count; i++)
        if (holds(&m->rows[i], key))
            return m->rows[i].seq;
    return 0;
}

static void give_keys(world *w, job_row *row)
{
    uuid unique = draw_key(w), none = {{0}};
    row->unique_key = holder(&w->now, &unique) == 0 ? unique : none;
    row->concurrency_key = draw_key(w);
    row->aging_us = draw(w, 3) == 0 ? 10 : 0;
    row->expire_us = draw(w, 4) == 0 ? w->rig->now_us + (int64_t) draw(w, 1000) : 0;
}

static void add_jobs(world *w)
{
    store_new_job job;
    size_t count = 1 + draw(w, 5);
    for (size_t i = 0; i < count && w->now.count < MOST_JOBS; i++) {
        int64_t due_us = draw(w, 2) ? 0 : w->rig->now_us + (int64_t) draw(w, 1000);
        job = rig_new_job(w->rig, w->routes[draw(w, ROUTES)], (int32_t) draw(w, 5), due_us);
        if ((size_t) job.row.seq > MOST_JOBS)
            return;
        job.lasts = draw(w, 4) != 0;
        if (draw(w, 2))
            give_keys(w, &job.row);
        rig_ok(w->rig->store->ops->insert(w->rig->store, &job, 1));
        w->now.rows[job.row.seq - 1] = job.row;
        w->now.count = (size_t) job.row.seq;
    }
}

// Lets a job go or holds it back, when it has a key to wait for.
static bool was_held_or_let_go(world *w, job_row *row)
{
    if (row->state != JOB_READY || uuid_is_nil(&row->concurrency_key) || draw(w, 2) == 0)
        return false;
    row->held = !row->held;
    return true;
}

// One move that the job's state allows.
static job_row moved(world *w, job_row row)
{
    if (was_held_or_let_go(w, &row))
        return row;
    if (!job_state_is_final(row.state) && draw(w, 10) == 0) {
        rig_ok(job_cancel(&row, w->rig->now_us));
        return row;
    }

    const job_failure failure = {.retryable = draw(w, 2) == 0};
    uuid worker = uuid_new_v7(T0);
    int64_t now_us = w->rig->now_us;
    if (row.state == JOB_SCHEDULED)
        row.due_us = row.due_us > now_us ? now_us : row.due_us;
    if (row.state == JOB_SCHEDULED)
        rig_ok(job_promote(&row, now_us));
    else if (row.state == JOB_READY)
        rig_ok(job_lease(&row, &worker, 1, now_us));
    else if (row.state == JOB_RUNNING && draw(w, 2))
        rig_ok(job_fail(&row, &failure, 0.5, now_us));
    else if (row.state == JOB_RUNNING)
        rig_ok(draw(w, 2) ? job_succeed(&row, now_us) : job_lose(&row, now_us));
    else if (draw(w, 2))
        row.callbacks_open = row.callbacks_open ? 0 : 1;
    else
        row.has_dependants = !row.has_dependants;
    return row;
}

static void change_jobs(world *w)
{
    job_row before[16], rows[16];
    size_t count = 0;
    for (size_t i = draw(w, 20); i < w->now.count && count < 16; i += 1 + draw(w, 40)) {
        if (w->now.rows[i].seq == 0)
            continue;
        before[count] = w->now.rows[i];
        rows[count] = w->now.rows[i] = moved(w, before[count]);
        count++;
    }
    if (draw(w, 2)) {
        rig_ok(w->rig->store->ops->save(w->rig->store, before, rows, count));
        return;
    }
    for (size_t i = 0; i < count; i++)
        rig_save(w->rig, &before[i], &rows[i]);
}

// As workers do that have room for some jobs.
static void lease_jobs(world *w)
{
    job_row rows[8];
    const uuid worker = uuid_new_v7(T0);
    size_t count = 0, routes = 1 + draw(w, ROUTES), room = draw(w, 8);
    rig_ok(w->rig->store->ops->take_ready(w->rig->store, w->routes, routes, room, rows, &count));
    for (size_t i = 0; i < count; i++) {
        job_row after = rows[i];
        rig_ok(job_lease(&after, &worker, 1, w->rig->now_us));
        rig_save(w->rig, &rows[i], &after);
        w->now.rows[after.seq - 1] = after;
    }
}

static void remove_jobs(world *w)
{
    for (size_t i = draw(w, 50); i < w->now.count; i += 1 + draw(w, 50)) {
        if (w->now.rows[i].seq == 0 || !job_state_is_final(w->now.rows[i].state))
            continue;
        rig_ok(w->rig->store->ops->remove(w->rig->store, &w->now.rows[i], 1));
        w->now.rows[i] = (job_row){0};
    }
}

static bool comes_before(const job_row *a, const job_row *b)
{
    int64_t left = job_row_rank(a), right = job_row_rank(b);
    return left != right ? left < right : a->seq < b->seq;
}

// The first jobs of some lanes, the slow and obvious way.
static size_t expected(const model *m, const int32_t *lanes, size_t lane_count, size_t limit,
                       job_row *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        bool in = false;
        for (size_t l = 0; l < lane_count; l++)
            in = in || (m->rows[i].seq != 0 && job_row_lane(&m->rows[i]) == lanes[l]);
        if (!in)
            continue;
        size_t at = count++;
        for (; at > 0 && comes_before(&m->rows[i], &rows[at - 1]); at--)
            rows[at] = rows[at - 1];
        rows[at] = m->rows[i];
    }
    return count < limit ? count : limit;
}

static void same_rows(const job_row *a, size_t a_count, const job_row *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        rig_assert_same_row(&a[i], &b[i]);
}

static void check_ready(world *w)
{
    static job_row found[MOST_JOBS], wanted[MOST_JOBS];
    size_t routes = 1 + draw(w, ROUTES), limit = 1 + draw(w, 50), count = 0;
    rig_ok(w->rig->store->ops->take_ready(w->rig->store, w->routes, routes, limit, found, &count));
    same_rows(found, count, wanted, expected(&w->now, w->routes, routes, limit, wanted));
}

static void check_lane(world *w, job_lane lane)
{
    static job_row found[MOST_JOBS], wanted[MOST_JOBS];
    size_t count = 0, limit = 1 + draw(w, 50);
    int32_t number = lane;
    int64_t next_us = 0;
    size_t wanted_count = expected(&w->now, &number, 1, limit, wanted);
    rig_ok(w->rig->store->ops->due(w->rig->store, lane, INT64_MAX, limit, found, &count));
    same_rows(found, count, wanted, wanted_count);
    rig_ok(w->rig->store->ops->next_due(w->rig->store, lane, &next_us));
    assert_true(next_us == (wanted_count ? job_row_rank(&wanted[0]) : INT64_MAX));
}

static bool may_expire(const job_row *row)
{
    return row->seq != 0 && row->expire_us != 0 && row->attempt == 0 && row->state < JOB_RUNNING;
}

static void check_expiry(world *w)
{
    static job_row found[MOST_JOBS];
    size_t count = 0, wanted = 0;
    int64_t until = w->rig->now_us + (int64_t) draw(w, 500), first = INT64_MAX, next_us = 0;
    for (size_t i = 0; i < w->now.count; i++) {
        bool may = may_expire(&w->now.rows[i]);
        wanted += may && w->now.rows[i].expire_us <= until;
        if (may && w->now.rows[i].expire_us < first)
            first = w->now.rows[i].expire_us;
    }
    rig_ok(w->rig->store->ops->expiring(w->rig->store, until, MOST_JOBS, found, &count));
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        rig_assert_same_row(&found[i], &w->now.rows[found[i].seq - 1]);
        assert_true(i == 0 || found[i - 1].expire_us <= found[i].expire_us);
    }
    rig_ok(w->rig->store->ops->next_expiry(w->rig->store, &next_us));
    assert_true(next_us == first);
}

// The first of each route, in the order of the routes.
static void check_held(world *w, const char *name)
{
    static job_row wanted[MOST_JOBS];
    const int32_t lane = JOB_LANE_HELD;
    uuid key = job_key("q", name);
    size_t held = expected(&w->now, &lane, 1, MOST_JOBS, wanted);
    job_row found = {.route = 0};
    do {
        const job_row *first = NULL;
        int32_t behind = found.route;
        for (size_t i = 0; i < held; i++)
            if (uuid_equal(&wanted[i].concurrency_key, &key) && wanted[i].route > behind &&
                (first == NULL || wanted[i].route < first->route))
                first = &wanted[i];
        rig_ok(w->rig->store->ops->first_held(w->rig->store, &key, behind, &found));
        assert_int_equal(found.seq, first != NULL ? first->seq : 0);
    } while (found.seq != 0);
}

static void check_unique(world *w)
{
    job_row found[KEYS];
    const uuid keys[KEYS] = {job_key("q", "a"), job_key("q", "b"), job_key("q", "c")};
    rig_ok(w->rig->store->ops->find_unique(w->rig->store, keys, KEYS, found));
    for (int i = 0; i < KEYS; i++)
        assert_int_equal(found[i].seq, holder(&w->now, &keys[i]));
}

static void check_counters(world *w)
{
    int64_t counts[ROUTES + 1][JOB_STATE_COUNT] = {{0}};
    for (size_t i = 0; i < w->now.count; i++)
        if (w->now.rows[i].seq != 0)
            counts[w->now.rows[i].route][w->now.rows[i].state]++;
    for (int32_t route = 1; route <= ROUTES; route++)
        for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++)
            assert_int_equal(rig_count(w->rig, route, (job_state) state), counts[route][state]);
}

// What is kept for each queue, and for all, is the sum of the routes.
static void check_sums(world *w)
{
    size_t count;
    store *s = w->rig->store;
    const store_route *routes = s->ops->routes(s, &count);
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++) {
        int64_t all = 0;
        for (size_t i = 0; i < count; i++) {
            int64_t sum = 0;
            all += rig_count(w->rig, routes[i].route, (job_state) state);
            for (size_t j = 0; j < count; j++)
                if (strcmp(routes[i].queue, routes[j].queue) == 0)
                    sum += rig_count(w->rig, routes[j].route, (job_state) state);
            assert_int_equal(s->ops->count_queue(s, routes[i].route, (job_state) state), sum);
        }
        assert_int_equal(s->ops->count_all(s, (job_state) state), all);
    }
}

static void check_some_row(world *w)
{
    int64_t seq = 1 + (int64_t) draw(w, MOST_JOBS);
    job_row found = rig_load(w->rig, seq);
    rig_assert_same_row(&found, &w->now.rows[seq - 1]);
}

static void end_transaction(world *w)
{
    if (draw(w, 4) == 0) {
        w->rig->store->ops->rollback(w->rig->store);
        w->now = w->committed;
    } else {
        rig_commit(w->rig);
        w->committed = w->now;
    }
    if (draw(w, 20) == 0)
        rig_reopen(w->rig);
}

static void live(rig *r, uint64_t seed)
{
    static world w;
    w = (world){.rig = r, .random = seed};
    rig_begin(r);
    for (int i = 0; i < ROUTES; i++)
        w.routes[i] = rig_route(r, i < 3 ? "q" : "p", (const char *[]){"a", "b", "c", "d"}[i]);
    rig_commit(r);
    for (int step = 0; step < STEPS; step++) {
        r->now_us += (int64_t) draw(&w, 100);
        rig_begin(r);
        add_jobs(&w);
        check_ready(&w);
        lease_jobs(&w);
        if (draw(&w, 3))
            change_jobs(&w);
        check_ready(&w);
        remove_jobs(&w);
        check_lane(&w, (job_lane) - (1 + (int) draw(&w, 7)));
        check_expiry(&w);
        check_held(&w, (const char *[KEYS]){"a", "b", "c"}[draw(&w, KEYS)]);
        check_unique(&w);
        check_counters(&w);
        check_sums(&w);
        check_some_row(&w);
        end_transaction(&w);
    }
}

CONFORMS(any_life_of_a_store_is_like_that_of_a_plain_array)
{
    live(r, dice_seed());
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(any_life_of_a_store_is_like_that_of_a_plain_array),
};

UNIT_TEST_MAIN(tests)
