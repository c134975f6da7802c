// engine_feed_model - whatever happens to the jobs of a queue, who follows its events knows them.
#include "unit/engine_watcher.h"
#include "unit/quick_disk.h"  // a crash is played by the store that fails

#include <stdlib.h>

enum { MOST_JOBS = 400, STEPS = 3000 };

typedef struct known_job {
    uuid id;
    job_state state;
    int64_t revision;
} known_job;

static struct {
    known_job jobs[MOST_JOBS];
    size_t count;
    engine_feed_place place;
    int resets, events;
    job_row leased[MOST_JOBS];
    size_t leased_count;
    int64_t sequence;
    bool listed;  // since the latest comparison
} known;

static known_job *known_find(const uuid *id)
{
    for (size_t i = 0; i < known.count; i++)
        if (uuid_equal(&known.jobs[i].id, id))
            return &known.jobs[i];
    return NULL;
}

// What was listed behind a reset may be newer than the events that follow.
static bool known_already(const known_job *job, const engine_feed_item *item)
{
    bool older = job == NULL ? item->deleted : item->revision < job->revision;
    assert_true(!older || known.listed);
    return older;
}

static void known_take(const engine_feed_item *item)
{
    known_job *job = known_find(&item->id);
    known.events++;
    if (known_already(job, item))
        return;
    if (job == NULL) {
        assert_true(known.count < MOST_JOBS);
        job = &known.jobs[known.count++];
        *job = (known_job){.id = item->id};
    }
    job->state = item->state;
    job->revision = item->revision;
    if (item->deleted)
        *job = known.jobs[--known.count];
}

// Reads the jobs of the queue as a client does after a reset.
static void known_list(void)
{
    store_job *stored;
    size_t count = read_all(&stored);
    known.count = 0;
    for (size_t i = 0; i < count; i++)
        known.jobs[known.count++] =
            (known_job){stored[i].row.id, stored[i].row.state, stored[i].row.revision};
}

static void known_follow(const engine_feed *told)
{
    int64_t before = known.place.jobs;
    if (told->reset != ENGINE_FEED_WHOLE) {
        known_list();
        known.resets++;
        known.listed = true;
    }
    for (size_t i = 0; i < told->count; i++) {
        assert_true(told->items[i].number > before);
        before = told->items[i].number;
        known_take(&told->items[i]);
    }
    known.place = told->place;
}

static void known_compare(void)
{
    store_job *stored;
    int before;
    do {
        before = known.events;
        known_follow(feed_later(known.place));
    } while (known.events > before);
    assert_nothing(feed_now(known.place));
    known.listed = false;
    size_t count = read_all(&stored);
    assert_int_equal(count, known.count);
    for (size_t i = 0; i < count; i++) {
        known_job *job = known_find(&stored[i].row.id);
        assert_non_null(job);
        assert_int_equal(job->state, stored[i].row.state);
    }
    arena_reset(erig.memory);
}

static void step_submit(void)
{
    engine_new_job job = fresh_job();
    job.delay_us = rand() % 2 == 0 ? 0 : 3 * SECOND;
    job.row.policy.retention_us = 20 * SECOND;
    if (known.count < MOST_JOBS / 4)
        erig_await(submit_post(&job, 1));
    status_free(job.failure);
}

static void step_lease(void)
{
    call *c = erig_await(lease_post(1, ++known.sequence, 3, 0));
    if (c->command.failure != NULL)
        return;
    for (size_t i = 0; i < c->lease.assignment_count && known.leased_count < MOST_JOBS; i++)
        known.leased[known.leased_count++] = c->lease.assignments[i].row;
}

static void step_report(void)
{
    if (known.leased_count == 0)
        return;
    job_row job = known.leased[--known.leased_count];
    engine_outcome outcome = rand() % 2 == 0 ? success(&job) : failure(&job, rand() % 2 == 0);
    call *c = erig_call(ENGINE_OUTCOMES);
    c->outcomes.worker_id = worker_id(1);
    c->outcomes.outcomes = &outcome;
    c->outcomes.count = 1;
    c->outcomes.memory = c->memory;
    c->outcomes.report = true;
    erig_await(erig_post(c));
}

static void step_control(void)
{
    if (known.count == 0)
        return;
    uuid id = known.jobs[(size_t) rand() % known.count].id;
    engine_control_type types[] = {ENGINE_CANCEL, ENGINE_RETRY, ENGINE_DELETE};
    erig_await(control_post(types[rand() % 3], &id, 0));
}

static void step_follow(void)
{
    call *c = erig_await(feed_post("q", known.place, 0));
    if (c->command.failure == NULL)
        known_follow(&c->feed);
}

static void step(void)
{
    switch (rand() % 8) {
    case 0:
    case 1:
        step_submit();
        break;
    case 2:
        step_lease();
        break;
    case 3:
        step_report();
        break;
    case 4:
        step_control();
        break;
    case 5:
        erig_pass(rand() % 3 * SECOND);
        break;
    case 6:
        edisk_break(rand() % 2 == 0 ? FAULT_COMMIT : FAULT_SAVE, rand() % 20 == 0);
        break;
    default:
        step_follow();
        break;
    }
}

static void mend_disk(void)
{
    edisk_mend();
    erig_later(5 * SECOND);
}

static void who_follows_the_events_knows_the_queue(void **state)
{
    (void) state;
    srand(1);
    submit("q", "k");
    known_follow(feed_now(from_now));
    known_list();
    for (int i = 0; i < STEPS; i++) {
        step();
        if (i % 50 == 0) {
            mend_disk();
            known_compare();
        }
        if (i % 500 == 250) {
            mend_disk();
            erig_restart();
            known.leased_count = 0;
        }
    }
    assert_true(known.events > STEPS / 10);
    assert_int_equal(known.resets, STEPS / 500);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(who_follows_the_events_knows_the_queue, erig_start, erig_stop),
};

UNIT_TEST_MAIN(tests)
