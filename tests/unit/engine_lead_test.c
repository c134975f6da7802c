// engine_lead - callers that carry out their commands themselves while there is little to do.
#include "unit/engine_calls.h"

#define TRIES   200
#define CALLERS 8
#define EACH    200

#define MANY_JOBS 100

static pthread_t done_by;

static void note_thread(call *c)
{
    (void) c;
    done_by = pthread_self();
}

static call *stats_call(void)
{
    call *c = erig_call(ENGINE_STATS);
    return c;
}

// The engine's own thread may just be at work, so not every command is led.
static void a_lone_command_is_carried_out_by_its_caller(void **state)
{
    (void) state;
    int led = 0;
    for (int i = 0; i < TRIES; i++) {
        call *c = stats_call();
        c->then = note_thread;
        erig_post(c);
        erig_fine(c);
        led += pthread_equal(done_by, pthread_self());
    }
    assert_true(led > 0);
}

// Its caller goes on to the next one meanwhile, and the thread that did the round to the next
// round.
static void one_with_many_jobs_is_left_to_other_threads(void **state)
{
    (void) state;
    engine_new_job jobs[MANY_JOBS];
    Errand__V1__Job spec = job_for("q", "k");
    for (int i = 0; i < TRIES; i++) {
        for (size_t j = 0; j < MANY_JOBS; j++)
            jobs[j] = new_job(&spec);
        call *c = erig_call(ENGINE_SUBMIT);
        c->submit.jobs = jobs;
        c->submit.count = MANY_JOBS;
        c->then = note_thread;
        erig_fine(erig_post(c));
        assert_false(pthread_equal(done_by, pthread_self()));
        erig_fine(erig_post(stats_call()));  // a round of one: the next one may be led again
    }
}

static call *second;

static pthread_t posted_by;

static void post_another(call *c)
{
    (void) c;
    posted_by = pthread_self();
    erig_post(second);
}

// By the same thread: no other one has to be woken.
static void what_is_posted_meanwhile_is_done_too(void **state)
{
    (void) state;
    for (int i = 0; i < TRIES; i++) {
        call *first = stats_call();
        second = stats_call();
        first->then = post_another;
        second->then = note_thread;
        erig_fine(erig_post(first));
        erig_fine(second);
        assert_true(pthread_equal(done_by, posted_by));
    }
}

static void two_that_come_together_are_answered_by_their_caller(void **state)
{
    (void) state;
    int led = 0;
    for (int i = 0; i < TRIES; i++) {
        call *first = stats_call(), *last = stats_call();
        last->then = note_thread;
        engine_together(erig.engine, true);
        erig_post(first);
        erig_post(last);
        engine_together(erig.engine, false);
        erig_fine(first);
        erig_fine(last);
        led += pthread_equal(done_by, pthread_self());
        erig_fine(erig_post(stats_call()));  // a round of one: the next one may be led again
    }
    assert_true(led > 0);
}

// No command comes after the submit: the engine's thread has to wake by itself, in time.
static void what_becomes_due_sooner_wakes_the_thread(void **state)
{
    (void) state;
    for (uint8_t i = 1; i <= 20; i++) {
        call *waiting = lease_post(i, 1, 1, 60 * SECOND);
        erig_fine(erig_post(stats_call()));
        Errand__V1__Job spec = job_for("q", "k");
        engine_new_job job = new_job(&spec);
        job.row.state = JOB_SCHEDULED;
        job.row.due_us = clock_wall_us(clock_system()) + 5000;
        submit_new(job);
        assert_int_equal(erig_fine(waiting)->lease.assignment_count, 1);
    }
}

typedef struct caller {
    pthread_t thread;
    engine_stats stats[EACH];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
} caller;

static void stats_done(engine_command *command)
{
    caller *c = command->owner;
    status_free(command->failure);
    pthread_mutex_lock(&c->lock);
    c->done = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

static void *ask_again_and_again(void *data)
{
    caller *c = data;
    for (int i = 0; i < EACH; i++) {
        c->done = false;
        c->stats[i].command =
            (engine_command){.verb = ENGINE_STATS, .done = stats_done, .owner = c};
        engine_post(erig.engine, &c->stats[i].command);
        pthread_mutex_lock(&c->lock);
        while (!c->done)
            pthread_cond_wait(&c->changed, &c->lock);
        pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

// A command that is lost leaves its caller waiting for ever.
static void many_callers_at_once_are_all_answered(void **state)
{
    (void) state;
    static caller callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) {
        pthread_mutex_init(&callers[i].lock, NULL);
        pthread_cond_init(&callers[i].changed, NULL);
        assert_int_equal(pthread_create(&callers[i].thread, NULL, ask_again_and_again, &callers[i]),
                         0);
    }
    for (int i = 0; i < CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
}

static int start(void **state)
{
    (void) state;
    erig_prepare();
    erig.options.callers_lead = true;
    erig.options.clock = NULL;
    erig_run();
    return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_lone_command_is_carried_out_by_its_caller, start, erig_stop),
    cmocka_unit_test_setup_teardown(one_with_many_jobs_is_left_to_other_threads, start, erig_stop),
    cmocka_unit_test_setup_teardown(what_is_posted_meanwhile_is_done_too, start, erig_stop),
    cmocka_unit_test_setup_teardown(two_that_come_together_are_answered_by_their_caller, start,
                                    erig_stop),
    cmocka_unit_test_setup_teardown(what_becomes_due_sooner_wakes_the_thread, start, erig_stop),
    cmocka_unit_test_setup_teardown(many_callers_at_once_are_all_answered, start, erig_stop),
};

UNIT_TEST_MAIN(tests)
