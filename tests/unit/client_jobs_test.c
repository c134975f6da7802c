// client jobs - liberrand's typed calls.
#include "unit/client_scene.h"

static void a_job_is_submitted_without_waiting(void **state)
{
    (void) state;
    scene *s = scene_new();
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    job.revision = 42;
    errand_submit_start(s->client, &job, NULL, take_note, s);
    wait_for(s, was_told);
    assert_int_equal(s->told[0], 42);
    scene_free(s);
}

static void a_batch_keeps_its_order(void **state)
{
    (void) state;
    scene *s = scene_new();
    Errand__V1__Job first = ERRAND__V1__JOB__INIT, second = ERRAND__V1__JOB__INIT;
    const Errand__V1__Job *jobs[] = {&first, &second};
    Errand__V1__BatchSubmitResponse *reply = NULL;
    first.priority = 1;
    second.priority = 2;
    assert_null(errand_submit_batch(s->client, jobs, 2, NULL, &reply));
    assert_int_equal(reply->n_results, 2);
    assert_int_equal(reply->results[0]->job->priority, 1);
    assert_int_equal(reply->results[1]->job->priority, 2);
    errand__v1__batch_submit_response__free_unpacked(reply, NULL);
    scene_free(s);
}

static void a_list_is_of_all_or_of_what_is_asked_for(void **state)
{
    (void) state;
    scene *s = scene_new();
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *reply = NULL;
    request.queue = (char *) (uintptr_t) "mail";
    assert_null(errand_list(s->client, &request, &reply));
    assert_string_equal(s->last_queue, "mail");
    assert_string_equal(reply->next_page_token, "more");
    errand__v1__list_jobs_response__free_unpacked(reply, NULL);
    assert_null(errand_list(s->client, NULL, &reply));
    assert_string_equal(s->last_queue, "");
    errand__v1__list_jobs_response__free_unpacked(reply, NULL);
    scene_free(s);
}

static void a_job_is_changed_by_its_id(void **state)
{
    (void) state;
    static const struct {
        errand_error *(*change)(errand_client *client, const char *id, Errand__V1__Job **ret);
        const char *method;
    } changes[] = {{errand_cancel, "Cancel"}, {errand_retry, "Retry"}, {errand_delete, "Delete"}};
    scene *s = scene_new();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        Errand__V1__Job *job = NULL;
        s->last_id[0] = '\0';
        assert_null(changes[i].change(s->client, JOB_ID, &job));
        assert_string_equal(s->last_method, changes[i].method);
        assert_string_equal(s->last_id, JOB_ID);
        assert_int_equal(job->revision, 9);
        errand__v1__job__free_unpacked(job, NULL);
        assert_null(changes[i].change(s->client, JOB_ID, NULL));
    }
    scene_free(s);
}

static void values_are_read_from_json(void **state)
{
    (void) state;
    Google__Protobuf__Value *value = NULL;
    char *text = NULL;
    assert_null(errand_value_from_json("{\"width\": [400, null, \"a\\u00e9\"]}", &value));
    assert_null(errand_to_json(&value->base, &text));
    assert_string_equal(text, "{\"width\":[400,null,\"a\xc3\xa9\"]}");
    free(text);
    google__protobuf__value__free_unpacked(value, NULL);
    errand_error *error = errand_value_from_json("{", &value);
    assert_int_equal(error->code, STATUS_INVALID_ARGUMENT);
    errand_error_free(error);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_job_is_submitted_without_waiting),
    cmocka_unit_test(a_batch_keeps_its_order),
    cmocka_unit_test(a_list_is_of_all_or_of_what_is_asked_for),
    cmocka_unit_test(a_job_is_changed_by_its_id),
    cmocka_unit_test(values_are_read_from_json),
};

UNIT_TEST_MAIN(tests)
