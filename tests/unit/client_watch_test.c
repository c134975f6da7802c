// client watch - liberrand follows a job.
#include "unit/client_scene.h"

static bool is_parked(const scene *s)
{
    return s->parked != NULL;
}

static bool was_told_of_an_error(const scene *s)
{
    return s->told_code != 0;
}

static bool was_told_three_times(const scene *s)
{
    return s->told_count == 3;
}

static bool has_no_client(const scene *s)
{
    return s->client == NULL;
}

// ---- watches ----

static int64_t next_revision(errand_watch *watch)
{
    Errand__V1__Job *job = NULL;
    assert_null(errand_watch_next(watch, (int64_t) PATIENCE * 1000, &job));
    if (job == NULL) {
        return 0;
    }
    int64_t revision = job->revision;
    errand__v1__job__free_unpacked(job, NULL);
    return revision;
}

static void a_watch_gives_each_change_once_up_to_the_last(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    PLAY(s, 3, 4, UNCHANGED, 7);
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    assert_int_equal(next_revision(watch), 3);
    assert_int_equal(next_revision(watch), 4);
    assert_int_equal(next_revision(watch), 7);
    assert_int_equal(next_revision(watch), 0);
    assert_int_equal(next_revision(watch), 0);
    const int64_t expected[] = {0, 3, 4, 4};
    assert_memory_equal(s->asked, expected, sizeof expected);
    errand_watch_close(watch);
    scene_free(s);
}

static void waiting_for_a_change_may_be_given_up_and_taken_up_again(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    PLAY(s, 3, FOR_GOOD);
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    assert_int_equal(next_revision(watch), 3);
    errand_error *error = errand_watch_next(watch, 10, &job);
    assert_int_equal(error->code, STATUS_DEADLINE_EXCEEDED);
    errand_error_free(error);
    wait_for(s, is_parked);
    answer_parked(s);
    assert_int_equal(next_revision(watch), 4);
    assert_int_equal(s->calls, 2);  // the call that waited was not made twice
    errand_watch_close(watch);
    scene_free(s);
}

static void a_watch_may_be_looked_at_without_waiting(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    PLAY(s, FOR_GOOD);
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    errand_error *error = errand_watch_next(watch, 0, &job);
    assert_int_equal(error->code, STATUS_DEADLINE_EXCEEDED);
    errand_error_free(error);
    wait_for(s, is_parked);  // so that another look finds something
    answer_parked(s);
    assert_int_equal(next_revision(watch), 4);
    errand_watch_close(watch);
    scene_free(s);
}

static void a_watch_tells_which_field_was_wrong(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    assert_null(errand_watch_open(s->client, "", &watch));
    errand_error *error = errand_watch_next(watch, -1, &job);
    assert_int_equal(error->code, STATUS_INVALID_ARGUMENT);
    assert_int_equal(error->violation_count, 1);
    assert_string_equal(error->fields[0], "id");
    assert_string_equal(error->descriptions[0], "expected a UUID");
    errand_error_free(error);
    errand_watch_close(watch);
    scene_free(s);
}

static void a_watch_of_nothing_fails(void **state)
{
    (void) state;
    scene *s = scene_new();
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    assert_null(errand_watch_open(s->client, JOB_ID, &watch));
    errand_error *error = errand_watch_next(watch, -1, &job);
    assert_int_equal(error->code, STATUS_NOT_FOUND);
    errand_error_free(error);
    errand_watch_close(watch);
    scene_free(s);
}

static void changes_are_told_without_a_thread_of_the_callers(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, 5, 9);
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, was_told_three_times);
    errand_watch_close(s->watch);
    const int64_t expected[] = {3, 5, 9};
    assert_memory_equal(s->told, expected, sizeof expected);
    assert_int_equal(s->told_code, 0);
    scene_free(s);
}

static void a_failure_is_told_and_is_the_end(void **state)
{
    (void) state;
    scene *s = scene_new();
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, was_told_of_an_error);
    assert_int_equal(s->told_code, STATUS_NOT_FOUND);
    errand_watch_close(s->watch);
    scene_free(s);
}

static void a_watch_is_closed_while_its_call_waits(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, FOR_GOOD);
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, is_parked);
    errand_watch_close(s->watch);
    answer_parked(s);
    scene_free(s);  // nobody is told any more
}

static void close_at_once(void *data, const Errand__V1__Job *job, const errand_error *error)
{
    scene *s = data;
    errand_watch_close(NULL);
    errand_watch_close(s->watch);
    take_note(data, job, error);
}

static void a_watch_may_be_closed_by_what_it_calls(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, 4, 5);
    assert_null(errand_watch_start(s->client, JOB_ID, close_at_once, s, &s->watch));
    wait_for(s, was_told);
    scene_free(s);
}

static void the_end_of_the_client_is_told(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, FOR_GOOD);
    assert_null(errand_watch_start(s->client, JOB_ID, take_note, s, &s->watch));
    wait_for(s, is_parked);
    errand_client_close(s->client);
    s->client = NULL;
    wait_for(s, was_told_of_an_error);
    errand_watch_close(s->watch);
    scene_free(s);
}

static void wait_for_the_end_of_the_client(void *data, const Errand__V1__Job *job,
                                           const errand_error *error)
{
    scene *s = data;
    take_note(data, job, error);
    if (job != NULL) {
        wait_for(s, has_no_client);
    }
}

// The watch is not under way then, and would call a client that is no more.
static void the_end_of_the_client_may_come_while_a_change_is_told(void **state)
{
    (void) state;
    scene *s = scene_new();
    PLAY(s, 3, FOR_GOOD);
    assert_null(
        errand_watch_start(s->client, JOB_ID, wait_for_the_end_of_the_client, s, &s->watch));
    wait_for(s, was_told);
    errand_client_close(s->client);
    pthread_mutex_lock(&s->lock);
    s->client = NULL;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    wait_for(s, was_told_of_an_error);
    assert_int_equal(s->told_code, STATUS_CANCELLED);
    assert_int_equal(s->calls, 1);
    errand_watch_close(s->watch);
    scene_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_watch_gives_each_change_once_up_to_the_last),
    cmocka_unit_test(waiting_for_a_change_may_be_given_up_and_taken_up_again),
    cmocka_unit_test(a_watch_may_be_looked_at_without_waiting),
    cmocka_unit_test(a_watch_tells_which_field_was_wrong),
    cmocka_unit_test(a_watch_of_nothing_fails),
    cmocka_unit_test(changes_are_told_without_a_thread_of_the_callers),
    cmocka_unit_test(a_failure_is_told_and_is_the_end),
    cmocka_unit_test(a_watch_is_closed_while_its_call_waits),
    cmocka_unit_test(a_watch_may_be_closed_by_what_it_calls),
    cmocka_unit_test(the_end_of_the_client_is_told),
    cmocka_unit_test(the_end_of_the_client_may_come_while_a_change_is_told),
};

UNIT_TEST_MAIN(tests)
