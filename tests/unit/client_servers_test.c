// client servers - one worker before two scripted servers.
#include "unit/worker_scene.h"

#include "errand.h"

#include <stdatomic.h>

#define SLOTS 4

typedef struct pair {
    rig *rigs[2];
    errand_server servers[2];
    errand_worker *worker;
    int slots;
    atomic_int running, most, connected;
    pthread_mutex_t lock;  // of what follows
    pthread_cond_t changed;
    int begun, permits;  // functions that have begun, and how many of them may end
    size_t at_work[2];   // by server
} pair;

static pair *pair_new(void)
{
    pair *p = calloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    p->slots = SLOTS;
    for (size_t i = 0; i < 2; i++) {
        p->rigs[i] = rig_new();
        p->rigs[i]->series = (int) i;
        p->servers[i] = (errand_server){p->rigs[i]->rpc_url, p->rigs[i]->results_url};
    }
    return p;
}

static void permit(pair *p, int count)
{
    pthread_mutex_lock(&p->lock);
    p->permits += count;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static void pair_free(pair *p)
{
    permit(p, 1000000);  // whoever waits still
    errand_worker_free(p->worker);
    rig_free(p->rigs[0]);
    rig_free(p->rigs[1]);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

// The job's queue says which server it is from.
static size_t server_of(const Errand__V1__Job *job)
{
    return (size_t) (job->queue[0] - 'a');
}

static void note_most(pair *p)
{
    int running = atomic_fetch_add(&p->running, 1) + 1;
    int most = atomic_load(&p->most);
    while (running > most && !atomic_compare_exchange_weak(&p->most, &most, running)) {
    }
}

static void work(errand_context *context, void *data)
{
    pair *p = data;
    size_t server = server_of(errand_context_job(context));
    note_most(p);
    pthread_mutex_lock(&p->lock);
    p->begun++;
    p->at_work[server]++;
    pthread_cond_broadcast(&p->changed);
    while (p->permits == 0 && !errand_context_cancelled(context)) {
        pthread_cond_wait(&p->changed, &p->lock);
    }
    p->permits -= p->permits > 0;
    p->at_work[server]--;
    pthread_mutex_unlock(&p->lock);
    atomic_fetch_sub(&p->running, 1);
}

static void wait_begun(pair *p, int count)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += RIG_TIMEOUT_S;
    int failed = 0;
    pthread_mutex_lock(&p->lock);
    while (p->begun < count && failed == 0) {
        failed = pthread_cond_timedwait(&p->changed, &p->lock, &end);
    }
    pthread_mutex_unlock(&p->lock);
    assert_int_equal(failed, 0);
}

static size_t at_work(pair *p, size_t server)
{
    pthread_mutex_lock(&p->lock);
    size_t count = p->at_work[server];
    pthread_mutex_unlock(&p->lock);
    return count;
}

static void on_connected(void *data, const char *url)
{
    pair *p = data;
    assert_true(strcmp(url, p->servers[0].url) == 0 || strcmp(url, p->servers[1].url) == 0);
    atomic_fetch_add(&p->connected, 1);
    pthread_mutex_lock(&p->rigs[0]->lock);
    pthread_cond_broadcast(&p->rigs[0]->changed);
    pthread_mutex_unlock(&p->rigs[0]->lock);
}

static void pair_start(pair *p)
{
    const errand_worker_options options = {.servers = p->servers,
                                           .server_count = 2,
                                           .concurrency = p->slots,
                                           .connected = on_connected,
                                           .data = p};
    assert_null(errand_worker_new(&options, &p->worker));
    assert_null(errand_worker_handle(p->worker, "task", work, p));
    assert_null(errand_worker_start(p->worker));
    assert_true(errand_log_level("error"));
}

static rig_job *add_job(pair *p, size_t server)
{
    static const char *const queues[] = {"a", "b"};
    rig_job *job = rig_make(p->rigs[server], "/none");
    job->job.input_case = ERRAND__V1__JOB__INPUT__NOT_SET;
    job->job.http = NULL;
    job->job.kind = (char *) (uintptr_t) "task";
    job->job.queue = (char *) (uintptr_t) queues[server];
    rig_offer(p->rigs[server]);
    return job;
}

static void add_jobs(pair *p, size_t server, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_job(p, server);
    }
}

static void assert_all_ended_once(const pair *p)
{
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < p->rigs[i]->job_count; j++) {
            assert_int_equal(p->rigs[i]->jobs[j].outcomes, 1);
        }
    }
}

static void each_outcome_goes_to_the_server_that_the_job_came_from(void **state)
{
    (void) state;
    pair *p = pair_new();
    add_jobs(p, 0, 300);
    add_jobs(p, 1, 200);
    permit(p, 2000);
    pair_start(p);
    rig_wait_finished(p->rigs[0], 300);
    rig_wait_finished(p->rigs[1], 200);
    errand_worker_stop(p->worker, false);
    assert_true(atomic_load(&p->most) <= SLOTS);
    assert_all_ended_once(p);
    pair_free(p);
}

static void one_busy_server_has_all_slots_while_the_other_is_quiet(void **state)
{
    (void) state;
    pair *p = pair_new();
    add_jobs(p, 0, 10);
    pair_start(p);
    wait_begun(p, SLOTS);
    assert_int_equal(p->at_work[0], SLOTS);
    permit(p, 100);
    rig_wait_finished(p->rigs[0], 10);
    errand_worker_stop(p->worker, false);
    assert_true(atomic_load(&p->most) <= SLOTS);
    pair_free(p);
}

static void a_busy_server_is_asked_for_the_rest_of_the_slots_at_once(void **state)
{
    (void) state;
    pair *p = pair_new();
    p->slots = 64;
    add_jobs(p, 0, 100);
    pair_start(p);
    wait_begun(p, 64);
    pthread_mutex_lock(&p->rigs[0]->lock);
    assert_true(p->rigs[0]->leases <= 4);  // two for jobs, the rest for cancellations
    pthread_mutex_unlock(&p->rigs[0]->lock);
    pair_free(p);
}

static bool is_asked_for_none(rig *r, size_t n)
{
    (void) n;
    return r->parked != NULL && r->parked_max == 0;
}

static bool is_asked_for_some(rig *r, size_t n)
{
    (void) n;
    return r->parked != NULL && r->parked_max > 0;
}

static void a_job_that_no_slot_becomes_free_for_is_given_back_once(void **state)
{
    (void) state;
    pair *p = pair_new();
    pair_start(p);
    assert_true(rig_wait_until(p->rigs[1], is_asked_for_some, 0));
    add_jobs(p, 0, (size_t) 2 * SLOTS);
    wait_begun(p, SLOTS);
    rig_job *job = add_job(p, 1);
    rig_wait_finished(p->rigs[1], 1);
    assert_int_equal(job->outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    assert_true(rig_wait_until(p->rigs[1], is_asked_for_none, 0));
    rig_job *again = add_job(p, 1);  // the server has jobs: it gets the next slot, and not before
    for (int begun = SLOTS + 1; at_work(p, 1) == 0; begun++) {
        assert_true(begun <= 2 * SLOTS + 1);  // a server that is slow leaves its slot to the other
        permit(p, 1);
        wait_begun(p, begun);
    }
    assert_int_equal(again->outcomes, 0);
    pair_free(p);
}

// The other one had all slots; as they become free, they are shared.
static void a_server_that_wakes_up_gets_its_part(void **state)
{
    (void) state;
    pair *p = pair_new();
    add_jobs(p, 0, 40);
    pair_start(p);
    wait_begun(p, SLOTS);
    add_jobs(p, 1, 40);
    for (int i = 1; i <= 12; i++) {
        permit(p, 1);
        wait_begun(p, SLOTS + i);
    }
    pthread_mutex_lock(&p->lock);
    assert_int_equal(p->at_work[0], SLOTS / 2);
    assert_int_equal(p->at_work[1], SLOTS / 2);
    pthread_mutex_unlock(&p->lock);
    permit(p, 1000);
    rig_wait_finished(p->rigs[0], 40);
    rig_wait_finished(p->rigs[1], 40);
    errand_worker_stop(p->worker, false);
    assert_true(atomic_load(&p->most) <= SLOTS);
    pair_free(p);
}

static void a_server_that_is_away_does_not_hold_up_the_other(void **state)
{
    (void) state;
    pair *p = pair_new();
    p->servers[1] = (errand_server){"tcp://127.0.0.1:1", "tcp://127.0.0.1:1"};
    add_jobs(p, 0, 50);
    permit(p, 1000);
    pair_start(p);
    rig_wait_finished(p->rigs[0], 50);
    pair_free(p);
}

static pair *told;

static bool both_are_connected(rig *r, size_t n)
{
    (void) r;
    (void) n;
    return atomic_load(&told->connected) == 2;
}

static void it_says_when_each_server_is_connected(void **state)
{
    (void) state;
    pair *p = told = pair_new();
    pair_start(p);
    assert_true(rig_wait_until(p->rigs[0], both_are_connected, 0));
    pair_free(p);
}

static bool has_kept_a_heartbeat(rig *r, size_t n)
{
    (void) n;
    return r->kept != NULL;
}

static bool has_pulled(rig *r, size_t n)
{
    return r->pulled >= n;
}

// The outcome shows that the pipeline is connected; the heartbeat was sent before it was.
static void what_was_answered_before_the_pipeline_was_there_does_not_hold_it_up(void **state)
{
    (void) state;
    pair *p = told = pair_new();
    p->rigs[0]->lease_ms = 120000;
    p->rigs[0]->keep_first = true;
    permit(p, 1);
    add_jobs(p, 0, 1);
    pair_start(p);
    assert_true(rig_wait_until(p->rigs[0], has_kept_a_heartbeat, 0));
    assert_true(rig_wait_until(p->rigs[0], has_pulled, 1));
    rig_answer_heartbeat(p->rigs[0], p->rigs[0]->kept);
    assert_true(rig_wait_until(p->rigs[0], both_are_connected, 0));
    pair_free(p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_outcome_goes_to_the_server_that_the_job_came_from),
    cmocka_unit_test(one_busy_server_has_all_slots_while_the_other_is_quiet),
    cmocka_unit_test(a_busy_server_is_asked_for_the_rest_of_the_slots_at_once),
    cmocka_unit_test(a_job_that_no_slot_becomes_free_for_is_given_back_once),
    cmocka_unit_test(a_server_that_wakes_up_gets_its_part),
    cmocka_unit_test(a_server_that_is_away_does_not_hold_up_the_other),
    cmocka_unit_test(it_says_when_each_server_is_connected),
    cmocka_unit_test(what_was_answered_before_the_pipeline_was_there_does_not_hold_it_up),
};

UNIT_TEST_MAIN(tests)
