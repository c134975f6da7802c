// rpc bundle life - what several calls in one message are counted for, who hears of them, and how
// they end.
#include "unit/rpc_parcel.h"

#include <semaphore.h>

// ---- caps ----

static void scene_open_small(scene *s)
{
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_message_bytes = 4096;
    scene_open(s, &options);
}

// Four of these answers are as large as a message may be, without what stands before each.
static void answers_that_do_not_fit_are_left_out_and_can_be_asked_for_again(void **state)
{
    (void) state;
    scene s;
    scene_open_small(&s);
    size_t asked = 0;
    for (int message = 0; asked < 10; message++) {
        for (size_t i = asked; i < 10; i++) {
            parcel_get(&s.parcel, "big", "big", 999);
        }
        Errand__Rpc__V1__Response *response = parcel_call(&s.parcel, s.raw);
        assert_null(response->status);
        assert_int_equal(response->n_answers, message < 3 ? 3 : 1);
        asked += response->n_answers;
        response_free(response);
    }
    scene_close(&s);
}

static void answers_that_do_not_fit_take_no_room_from_a_late_one(void **state)
{
    (void) state;
    scene s;
    scene_open_small(&s);
    parcel_hold(&s.parcel, "late");
    for (int i = 0; i < 5; i++) {
        parcel_get(&s.parcel, "big", "big", 1000);
    }
    parcel_send(&s.parcel, s.raw);
    rig_wait(s.rig, &s.rig->served, 6);
    rig_release(s.rig);
    Errand__Rpc__V1__Response *response = raw_receive(s.raw);
    assert_null(response->status);
    assert_int_equal(response->n_answers, 4);
    response_free(response);
    assert_serves(&s);
    scene_close(&s);
}

static void end_is_told(void *data, bool begins)
{
    if (!begins) {
        sem_post(data);
    }
}

static void each_call_counts_among_those_under_way(void **state)
{
    (void) state;
    sem_t given;
    sem_init(&given, 0, 0);
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_calls = 4;
    options.together = end_is_told;
    options.together_data = &given;
    scene s;
    scene_open(&s, &options);
    for (int i = 0; i < 3; i++) {
        parcel_hold(&s.parcel, "held");  // and the message itself is the fourth
    }
    parcel_get(&s.parcel, "much", "a", 0);
    parcel_hold(&s.parcel, "much");
    parcel_send(&s.parcel, s.raw);
    sem_wait(&given);
    assert_int_equal(s.rig->held_count, 3);
    rig_release(s.rig);
    Errand__Rpc__V1__Response *response = raw_receive(s.raw);
    assert_int_equal(response->n_answers, 5);
    assert_answer_failure(response, 2, "held", STATUS_INTERNAL);
    assert_answer_failure(response, 3, NULL, STATUS_RESOURCE_EXHAUSTED);
    assert_answer_failure(response, 4, NULL, STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(s.rig->served, 3);
    response_free(response);
    assert_serves(&s);
    scene_close(&s);
    sem_destroy(&given);
}

static void the_memory_of_each_call_counts(void **state)
{
    (void) state;
    enum { SIZE = 40000 };
    static char token[SIZE];
    sem_t given;
    sem_init(&given, 0, 0);
    memset(token, 'x', sizeof token - 1);
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_memory_bytes = (size_t) (2.5 * SIZE);
    options.together = end_is_told;
    options.together_data = &given;
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    request.page_token = token;
    scene s;
    scene_open(&s, &options);
    for (int i = 0; i < 2; i++) {  // all of it is given back
        for (int j = 0; j < 3; j++) {
            parcel_add(&s.parcel, "List", "large", &request.base);
        }
        parcel_send(&s.parcel, s.raw);
        sem_wait(&given);
        assert_int_equal(s.rig->held_count, 2);
        rig_release(s.rig);
        Errand__Rpc__V1__Response *response = raw_receive(s.raw);
        assert_int_equal(response->n_answers, 3);
        assert_answer_failure(response, 1, "large", STATUS_INTERNAL);
        assert_answer_failure(response, 2, "large", STATUS_RESOURCE_EXHAUSTED);
        response_free(response);
    }
    scene_close(&s);
    sem_destroy(&given);
}

// ---- whose calls they are ----

static status *only_the_good(void *data, const char *method, const char *authorization,
                             rpc_caller *ret)
{
    (void) data;
    (void) method;
    (void) ret;
    bool good = authorization != NULL && strcmp(authorization, "good") == 0;
    return good ? NULL : status_new(STATUS_UNAUTHENTICATED, "not good");
}

static void each_call_is_authorized_by_itself(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.authorize = only_the_good;
    scene s;
    scene_open(&s, &options);
    s.parcel.authorization = "good";
    parcel_get(&s.parcel, "one", "a", 0);
    s.parcel.authorization = NULL;
    parcel_get(&s.parcel, "two", "b", 0);
    s.parcel.authorization = "bad";
    parcel_get(&s.parcel, "three", "c", 0);
    Errand__Rpc__V1__Request whole = parcel_whole(&s.parcel);
    Errand__Rpc__V1__Request__MetadataEntry entry;
    Errand__Rpc__V1__Request__MetadataEntry *entries[] = {&entry};
    parcel_entry(&entry, "authorization", "good");
    whole.metadata = entries;
    whole.n_metadata = 1;
    parcel outer = {.count = 0};
    parcel_add_request(&outer, &whole);
    raw_send(s.raw, outer.calls[0].data, outer.calls[0].len);
    Errand__Rpc__V1__Response *response = raw_receive(s.raw);
    assert_int_equal(response->n_answers, 3);
    assert_answer_job(response, 0, "one", "a");
    assert_answer_failure(response, 1, "two", STATUS_UNAUTHENTICATED);
    assert_answer_failure(response, 2, "three", STATUS_UNAUTHENTICATED);
    response_free(response);
    parcel_clear(&outer);
    parcel_clear(&s.parcel);
    scene_close(&s);
}

// ---- together ----

typedef struct hearing {
    int begun, ended, calls;
    pthread_t thread;
    bool wrong;  // another order, or another thread
} hearing;

static void hear(void *data, bool begins)
{
    hearing *h = data;
    h->wrong |= h->begun - h->ended != (begins ? 0 : 1);
    h->wrong |= !begins && !pthread_equal(h->thread, pthread_self());
    h->begun += begins;
    h->ended += !begins;
    h->thread = pthread_self();
}

static status *hear_call(void *data, const char *method, const char *authorization, rpc_caller *ret)
{
    hearing *h = data;
    (void) method;
    (void) authorization;
    (void) ret;
    h->wrong |= h->begun != h->ended + 1 || !pthread_equal(h->thread, pthread_self());
    h->calls++;
    return NULL;
}

static void who_asks_is_told_where_the_calls_of_a_message_begin_and_end(void **state)
{
    (void) state;
    hearing h = {.begun = 0};
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.together = hear;
    options.together_data = &h;
    options.authorize = hear_call;
    options.authorize_data = &h;
    scene s;
    scene_open(&s, &options);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < 10; i++) {
            parcel_get(&s.parcel, "one", "a", 0);
        }
        response_free(parcel_call(&s.parcel, s.raw));
        assert_int_equal(h.begun, round);
        assert_int_equal(h.ended, round);
        assert_int_equal(h.calls, 10 * round);
    }
    assert_false(h.wrong);
    scene_close(&s);
}

static void of_a_message_that_is_refused_or_has_one_call_nobody_is_told(void **state)
{
    (void) state;
    hearing h = {.begun = 0};
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.together = hear;
    options.together_data = &h;
    scene s;
    scene_open(&s, &options);
    for (int i = 0; i < 257; i++) {
        parcel_add_bytes(&s.parcel, "", 0);
    }
    response_free(parcel_call(&s.parcel, s.raw));
    AUTO_BUF bytes = {0};
    raw_request(&bytes, "/errand.v1.JobService/Get", NULL, 0);
    response_free(raw_call(s.raw, bytes.bytes, bytes.size));
    assert_int_equal(s.rig->served, 1);
    assert_int_equal(h.begun, 0);
    scene_close(&s);
}

// ---- ends ----

static void a_server_can_stop_while_it_holds_several(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    parcel_hold(&s.parcel, "one");
    parcel_get(&s.parcel, "two", "b", 0);
    parcel_hold(&s.parcel, "three");
    parcel_hold(&s.parcel, "four");
    parcel_send(&s.parcel, s.raw);
    rig_wait(s.rig, &s.rig->held_count, 3);
    rig_answer_job(s.rig->held[1], "in time");
    s.rig->held[1] = NULL;
    rig_stop(s.rig);
    rig_release(s.rig);  // too late: it only frees
    scene_close(&s);
}

static void *release(void *data)
{
    rig_release(data);
    return NULL;
}

static void a_server_can_stop_while_several_are_answered(void **state)
{
    (void) state;
    for (int round = 0; round < 20; round++) {
        scene s;
        scene_open(&s, NULL);
        for (int i = 0; i < 50; i++) {
            parcel_hold(&s.parcel, "held");
        }
        parcel_send(&s.parcel, s.raw);
        rig_wait(s.rig, &s.rig->held_count, 50);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, release, s.rig), 0);
        rig_stop(s.rig);
        pthread_join(thread, NULL);
        scene_close(&s);
    }
}

static void a_connection_that_goes_leaves_nothing_of_its_calls(void **state)
{
    (void) state;
    scene s;
    scene_open(&s, NULL);
    nng_socket gone = raw_dial(s.rig->url);
    parcel_get(&s.parcel, "one", "a", 0);
    parcel_hold(&s.parcel, "two");
    parcel_send(&s.parcel, gone);
    rig_wait(s.rig, &s.rig->held_count, 1);
    nng_close(gone);
    rig_release(s.rig);
    assert_serves(&s);
    scene_close(&s);
}

// Each from a thread of its own, so that the last answer comes from any of them.
static void *answer_one(void *data)
{
    rig_answer_job(data, "threads");
    return NULL;
}

static void answers_may_come_from_any_thread(void **state)
{
    (void) state;
    enum { THREADS = 8, ROUNDS = 20 };
    scene s;
    scene_open(&s, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            parcel_hold(&s.parcel, "held");
        }
        parcel_send(&s.parcel, s.raw);
        rig_wait(s.rig, &s.rig->held_count, THREADS);
        for (int i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, answer_one, s.rig->held[i]), 0);
            s.rig->held[i] = NULL;
        }
        Errand__Rpc__V1__Response *response = raw_receive(s.raw);
        assert_int_equal(response->n_answers, THREADS);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            assert_answer_job(response, (size_t) i, "held", "threads");
        }
        response_free(response);
        rig_release(s.rig);
    }
    scene_close(&s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(answers_that_do_not_fit_are_left_out_and_can_be_asked_for_again),
    cmocka_unit_test(answers_that_do_not_fit_take_no_room_from_a_late_one),
    cmocka_unit_test(each_call_counts_among_those_under_way),
    cmocka_unit_test(the_memory_of_each_call_counts),
    cmocka_unit_test(each_call_is_authorized_by_itself),
    cmocka_unit_test(who_asks_is_told_where_the_calls_of_a_message_begin_and_end),
    cmocka_unit_test(of_a_message_that_is_refused_or_has_one_call_nobody_is_told),
    cmocka_unit_test(a_server_can_stop_while_it_holds_several),
    cmocka_unit_test(a_server_can_stop_while_several_are_answered),
    cmocka_unit_test(a_connection_that_goes_leaves_nothing_of_its_calls),
    cmocka_unit_test(answers_may_come_from_any_thread),
};

UNIT_TEST_MAIN(tests)
