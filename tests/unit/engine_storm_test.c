// engine_storm - anything in any order on a disk that fails now and then: what was answered is
// true, and what the engine has in memory is what the store says.
#include "unit/dice.h"
#include "unit/engine_calls.h"

#define STEPS   600
#define WORKERS 4
#define MOST    1000

// What the callers know of a job from the answers they got.
typedef struct known {
    job_row row;
    bool succeeded, failed;
} known;

typedef struct worker {
    int64_t lease_sequence, outcome_sequence;
    job_row running[MOST];
    size_t count;
} worker;

static known jobs[MOST];
static size_t job_count;
static worker workers[WORKERS];
static uint64_t random_state;

static uint64_t any(uint64_t below)
{
    return dice_roll(&random_state, below);
}

static bool is_fine(call *c)
{
    status_code code = status_code_of(erig_await(c)->command.failure);
    assert_true(code == STATUS_OK || code == STATUS_UNAVAILABLE);
    return code == STATUS_OK;
}

static known *known_of(const uuid *id)
{
    for (size_t i = 0; i < job_count; i++)
        if (uuid_equal(&jobs[i].row.id, id))
            return &jobs[i];
    return NULL;
}

static void submit_some(void)
{
    Errand__V1__Job spec = job_for(any(2) ? "a" : "b", any(2) ? "x" : "y");
    engine_new_job fresh[5];
    size_t count = 1 + any(COUNT(fresh));
    for (size_t i = 0; i < count; i++) {
        fresh[i] = new_job(&spec);
        fresh[i].row.priority = (int32_t) any(3);
        fresh[i].row.policy.max_attempts = 3;
    }
    if (job_count + count > MOST || !is_fine(submit_post(fresh, count)))
        return;
    for (size_t i = 0; i < count; i++)
        jobs[job_count++] = (known){.row = fresh[i].row};
}

// A refused call is made again with the same sequence: nothing may come twice.
static void lease_some(uint8_t number)
{
    worker *w = &workers[number];
    call *c = lease_post(number, w->lease_sequence + 1, (int32_t) (1 + any(4)), 0);
    if (!is_fine(c))
        return;
    w->lease_sequence++;
    for (size_t i = 0; i < c->lease.assignment_count; i++) {
        assert_non_null(known_of(&c->lease.assignments[i].row.id));
        w->running[w->count++] = c->lease.assignments[i].row;
    }
}

static engine_outcome any_outcome(const job_row *row)
{
    uint64_t what = any(10);
    return what < 6 ? success(row) : what < 9 ? failure(row, any(3) > 0) : released(row);
}

static void note(const engine_outcome *outcome)
{
    known *job = known_of(&outcome->ref.id);
    assert_false(job->succeeded || job->failed);
    job->succeeded = outcome->type == ENGINE_SUCCESS;
    job->failed = outcome->type == ENGINE_FAILURE && !outcome->retryable;
}

// A batch that is refused is pushed again until it is applied, as a worker would do.
static void report_some(uint8_t number)
{
    worker *w = &workers[number];
    engine_outcome outcomes[MOST];
    size_t count = w->count > 0 ? any(w->count) + 1 : 0;
    for (size_t i = 0; i < count; i++)
        outcomes[i] = any_outcome(&w->running[--w->count]);
    call *c;
    do {
        erig_pass(SECOND / 4);
        c = outcomes_call(number, w->outcome_sequence + 1, outcomes, count);
        c->outcomes.report = true;
    } while (!is_fine(erig_post(c)));
    w->outcome_sequence++;
    assert_int_equal(c->outcomes.acked_outcome_sequence, w->outcome_sequence);
    assert_int_equal(c->outcomes.accepted + (int) c->outcomes.rejected_count, count);
    for (size_t i = 0, rejected = 0; i < count; i++) {
        if (rejected < c->outcomes.rejected_count &&
            memcmp(&c->outcomes.rejected[rejected].ref, &outcomes[i].ref, sizeof outcomes[i].ref) ==
                0)
            rejected++;
        else
            note(&outcomes[i]);
    }
}

static void heartbeat_all(uint8_t number)
{
    worker *w = &workers[number];
    engine_lease_ref refs[MOST];
    for (size_t i = 0; i < w->count; i++)
        refs[i] = ref_of(&w->running[i]);
    is_fine(erig_post(heartbeat_call(number, refs, w->count, w->lease_sequence)));
}

// The worker forgets a job: its next heartbeat gives it back.
static void forget_one(uint8_t number)
{
    if (workers[number].count > 0)
        workers[number].count--;
}

static void step(void)
{
    uint8_t number = (uint8_t) any(WORKERS);
    if (any(8) == 0)
        edisk_break((fault) any(FAULT_COUNT), (int) (1 + any(2)));
    switch (any(8)) {
    case 0:
    case 1:
        submit_some();
        break;
    case 2:
    case 3:
        lease_some(number);
        break;
    case 4:
    case 5:
        report_some(number);
        break;
    case 6:
        heartbeat_all(number);
        break;
    default:
        forget_one(number);
        erig_pass((int64_t) any(20 * SECOND));
    }
}

static void check_all(void)
{
    for (size_t i = 0; i < job_count; i++) {
        job_row row = row_of(&jobs[i].row.id);
        assert_int_equal(row.seq, jobs[i].row.seq);
        assert_true(!jobs[i].succeeded || row.state == JOB_SUCCEEDED);
        assert_true(!jobs[i].failed || row.state == JOB_FAILED);
        assert_true(jobs[i].succeeded || row.state != JOB_SUCCEEDED);
    }
    store_job *all;
    assert_int_equal(read_all(&all), job_count);
}

// Only what was refused may be gone, and all else goes on to its end.
static void finish_all(void)
{
    size_t open;
    do {
        open = 0;
        erig_later(600 * SECOND);
        for (uint8_t i = 0; i < WORKERS; i++) {
            workers[i].count = 0;
            lease_some(i);
            open += workers[i].count;
            report_some(i);
        }
        for (size_t i = 0; i < job_count; i++)
            open += !job_state_is_final(row_of(&jobs[i].row.id).state);
    } while (open > 0);
}

static void restart(void)
{
    edisk_mend();
    erig_restart();
}

static void what_was_answered_is_true_whatever_the_disk_does(void **state)
{
    (void) state;
    random_state = dice_seed();
    for (int i = 0; i < STEPS; i++) {
        step();
        if (i % 100 == 99)
            restart();
    }
    edisk_mend();
    erig_later(2 * SECOND);
    check_all();
    finish_all();
    check_all();
}

static void it_is_true_too_where_callers_lead(void **state)
{
    what_was_answered_is_true_whatever_the_disk_does(state);
}

static int start(void **state)
{
    job_count = 0;
    memset(workers, 0, sizeof workers);
    return erig_start(state);
}

static int start_led(void **state)
{
    (void) start(state);
    erig.options.callers_lead = true;
    erig_restart();
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(what_was_answered_is_true_whatever_the_disk_does, start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(it_is_true_too_where_callers_lead, start_led, erig_stop),
};

UNIT_TEST_MAIN(tests)
