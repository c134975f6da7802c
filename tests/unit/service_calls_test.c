// service_calls - the methods of JobService: what they answer and what they refuse.
#include "unit/service_rig.h"

#include <pthread.h>
#include <sched.h>

static const char unknown_id[] = "01890000-0000-7000-8000-0000000000ff";

// ---- Submit ----

static void a_submitted_job_is_answered_with_its_state(void **state)
{
    (void) state;
    const Errand__V1__Job *job = submit_any();
    assert_int_equal(job->state, ERRAND__V1__JOB__STATE__READY);
    assert_string_equal(job->queue, "default");
    assert_false(job->duplicate);
    assert_string_equal(get(job->id, ERRAND__V1__JOB_VIEW__BASIC)->id, job->id);
}

static void the_same_request_again_makes_no_second_job(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data), *first = NULL, *again = NULL;
    rig_ok(try_submit(&job, "one-request", &first));
    rig_ok(try_submit(&job, "one-request", &again));
    assert_string_equal(again->id, first->id);
    assert_true(again->duplicate);
    job.kind = text("other");
    rig_fails(STATUS_ALREADY_EXISTS, try_submit(&job, "one-request", &again));
}

static void a_wrong_field_is_named_from_the_request_on(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data), *ret = NULL;
    job.queue = text("no spaces allowed");
    assert_violation(try_submit(&job, NULL, &ret), STATUS_INVALID_ARGUMENT, "job.queue");
    job.queue = text("q");
    job.id = text("7");
    assert_violation(try_submit(&job, NULL, &ret), STATUS_INVALID_ARGUMENT, "job.id");
    assert_violation(try_submit(NULL, NULL, &ret), STATUS_INVALID_ARGUMENT, "job");
}

static void a_secret_that_is_not_configured_is_refused(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data), *ret = NULL;
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    callback.url = text("http://localhost/sink");
    callback.secret_name = text("none-such");
    job.callback = &callback;
    assert_violation(try_submit(&job, NULL, &ret), STATUS_INVALID_ARGUMENT,
                     "job.callback.secret_name");
}

static void a_secret_is_never_shown(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    callback.url = text("http://localhost/sink");
    callback.secret = text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    job.callback = &callback;
    const Errand__V1__Job *made = submit(&job);
    assert_string_equal(made->callback->secret, "");
    assert_string_equal(get(made->id, ERRAND__V1__JOB_VIEW__FULL)->callback->secret, "");
    assert_string_equal(lease_one(1)->job->callback->secret, "");
}

// ---- waits ----

static status *try_result(const char *id, int64_t wait_s, Errand__V1__GetResultResponse **ret)
{
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    request.id = text(id);
    wait.seconds = wait_s;
    if (wait_s != 0)
        request.wait = &wait;
    return try_call(JOBS, "GetResult", &request.base, NULL, ret);
}

static void a_result_of_an_unfinished_job_is_its_state(void **state)
{
    (void) state;
    Errand__V1__GetResultResponse *got = NULL;
    rig_ok(try_result(submit_any()->id, 0, &got));
    assert_int_equal(got->state, ERRAND__V1__JOB__STATE__READY);
    assert_null(got->result);
}

static void a_result_of_no_job_is_not_found(void **state)
{
    (void) state;
    Errand__V1__GetResultResponse *got = NULL;
    rig_fails(STATUS_NOT_FOUND, try_result(unknown_id, 0, &got));
    rig_fails(STATUS_NOT_FOUND, try_result(unknown_id, 30, &got));
    assert_violation(try_result("seven", 0, &got), STATUS_INVALID_ARGUMENT, "id");
}

static void a_negative_wait_is_refused(void **state)
{
    (void) state;
    Errand__V1__GetResultResponse *got = NULL;
    assert_violation(try_result(submit_any()->id, -1, &got), STATUS_INVALID_ARGUMENT, "wait");
}

typedef struct late {
    pthread_t thread;
    const char *id;
    Errand__V1__GetResultResponse *got;
} late;

static void *wait_for_result(void *data)
{
    late *l = data;
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    ProtobufCMessage *message = NULL;
    request.id = text(l->id);
    request.wait = &wait;
    wait.seconds = 25;
    status_free(rpc_client_call(srig.client, JOBS, "GetResult", &request.base, NULL, &message));
    l->got = (Errand__V1__GetResultResponse *) message;
    return NULL;
}

static void a_waiting_call_is_answered_with_the_result(void **state)
{
    (void) state;
    late l = {.id = submit_any()->id};
    assert_int_equal(pthread_create(&l.thread, NULL, wait_for_result, &l), 0);
    while (rpc_server_parked(srig.server) == 0)
        sched_yield();
    succeed(lease_one(1), data_result("text/plain", "hi"));
    pthread_join(l.thread, NULL);
    assert_non_null(l.got);
    assert_int_equal(l.got->state, ERRAND__V1__JOB__STATE__SUCCEEDED);
    assert_string_equal(l.got->result->data->content_type, "text/plain");
    errand__v1__get_result_response__free_unpacked(l.got, NULL);
}

static void the_result_of_a_failure_is_its_error(void **state)
{
    (void) state;
    Errand__V1__GetResultResponse *got = NULL;
    const char *id = submit_any()->id;
    fail_for_good(lease_one(1), "out of paper");
    rig_ok(try_result(id, 10, &got));
    assert_int_equal(got->state, ERRAND__V1__JOB__STATE__FAILED);
    assert_string_equal(got->error->message, "out of paper");
    assert_null(got->result);
}

// ---- BatchSubmit ----

static void each_job_of_a_batch_is_judged_alone(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job good = job_with(&data), bad = job_with(&data), named = job_with(&data),
                    twin = job_with(&data), other = job_with(&data);
    Errand__V1__Job *jobs[] = {&good, &bad, &named, &twin, &other, &good};
    bad.priority = 1000;
    named.id = twin.id = other.id = text(unknown_id);
    other.kind = text("other");
    Errand__V1__BatchSubmitResponse *got = submit_batch(jobs, COUNT(jobs));
    static const bool fine[] = {true, false, true, true, false, true};
    for (size_t i = 0; i < COUNT(jobs); i++)
        assert_int_equal(got->results[i]->outcome_case ==
                             ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_JOB,
                         fine[i]);
    assert_int_equal(got->results[1]->error->code, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
    assert_string_equal(got->results[1]->error->violations[0]->field, "jobs[1].priority");
    assert_false(got->results[2]->job->duplicate);
    assert_true(got->results[3]->job->duplicate);
    assert_int_equal(got->results[4]->error->code, ERRAND__RPC__V1__CODE__ALREADY_EXISTS);
    assert_string_not_equal(got->results[0]->job->id, got->results[5]->job->id);
}

static void a_batch_of_nothing_but_errors_is_still_answered(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job bad = job_with(&data), *jobs[] = {&bad};
    bad.kind = text("");
    assert_non_null(submit_batch(jobs, 1)->results[0]->error);
    submit_batch(jobs, 0);
}

static void a_batch_that_is_too_long_is_refused(void **state)
{
    (void) state;
    enum { MANY = 10001 };
    static Errand__V1__Job *jobs[MANY];
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    Errand__V1__BatchSubmitRequest request = ERRAND__V1__BATCH_SUBMIT_REQUEST__INIT;
    Errand__V1__BatchSubmitResponse *ret = NULL;
    for (int i = 0; i < MANY; i++)
        jobs[i] = &job;
    request.jobs = jobs;
    request.n_jobs = MANY;
    assert_violation(try_call(JOBS, "BatchSubmit", &request.base, NULL, &ret),
                     STATUS_INVALID_ARGUMENT, "jobs");
}

// ---- List ----

static status *try_list(Errand__V1__ListJobsRequest *request, Errand__V1__ListJobsResponse **ret)
{
    return try_call(JOBS, "List", &request->base, NULL, ret);
}

static void pages_give_each_job_once_newest_first(void **state)
{
    (void) state;
    const char *ids[7];
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *page = NULL;
    size_t seen = 0;
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = submit_any()->id;
    request.page_size = 3;
    do {
        rig_ok(try_list(&request, &page));
        assert_true(page->n_jobs <= 3);
        for (size_t i = 0; i < page->n_jobs; i++, seen++)
            assert_string_equal(page->jobs[i]->id, ids[COUNT(ids) - 1 - seen]);
        request.page_token = page->next_page_token;
    } while (request.page_token[0] != '\0');
    assert_int_equal(seen, COUNT(ids));
}

static void a_page_token_belongs_to_its_filter(void **state)
{
    (void) state;
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *page = NULL, *other = NULL;
    submit_any();
    submit_any();
    request.page_size = 1;
    rig_ok(try_list(&request, &page));
    assert_true(page->next_page_token[0] != '\0');
    request.page_token = page->next_page_token;
    request.kind = text("k");
    assert_violation(try_list(&request, &other), STATUS_INVALID_ARGUMENT, "page_token");
    request.kind = text("");
    request.page_size = 5;  // this one may change
    rig_ok(try_list(&request, &other));
    assert_int_equal(other->n_jobs, 1);
}

static void made_up_page_tokens_are_refused(void **state)
{
    (void) state;
    static const char *const tokens[] = {
        "x", "5", "-", "0-0", "5-", "5-5", "ffffffffffffffff-0", "-1-0", "5-0-0"};
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *page = NULL;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        request.page_token = text(tokens[i]);
        assert_violation(try_list(&request, &page), STATUS_INVALID_ARGUMENT, "page_token");
    }
}

static void a_filter_shows_only_what_it_names(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job mine = job_with(&data);
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *page = NULL;
    mine.queue = text("mine");
    submit_any();
    const char *id = submit(&mine)->id;
    request.queue = text("mine");
    rig_ok(try_list(&request, &page));
    assert_int_equal(page->n_jobs, 1);
    assert_string_equal(page->jobs[0]->id, id);
    request.state = ERRAND__V1__JOB__STATE__SUCCEEDED;
    rig_ok(try_list(&request, &page));
    assert_int_equal(page->n_jobs, 0);
}

static void a_wrong_filter_is_refused(void **state)
{
    (void) state;
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    Errand__V1__ListJobsResponse *page = NULL;
    request.page_size = -1;
    assert_violation(try_list(&request, &page), STATUS_INVALID_ARGUMENT, "page_size");
    request.page_size = 0;
    request.state = (Errand__V1__Job__State) 77;
    assert_violation(try_list(&request, &page), STATUS_INVALID_ARGUMENT, "state");
    request.state = 0;
    request.queue = text("a b");
    assert_violation(try_list(&request, &page), STATUS_INVALID_ARGUMENT, "queue");
    request.queue = text("");
    request.label = text("no colon");
    assert_violation(try_list(&request, &page), STATUS_INVALID_ARGUMENT, "label");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_submitted_job_is_answered_with_its_state, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(the_same_request_again_makes_no_second_job, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_wrong_field_is_named_from_the_request_on, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_secret_that_is_not_configured_is_refused, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_secret_is_never_shown, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_result_of_an_unfinished_job_is_its_state, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_result_of_no_job_is_not_found, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_negative_wait_is_refused, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_waiting_call_is_answered_with_the_result, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(the_result_of_a_failure_is_its_error, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(each_job_of_a_batch_is_judged_alone, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_batch_of_nothing_but_errors_is_still_answered, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_batch_that_is_too_long_is_refused, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(pages_give_each_job_once_newest_first, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_page_token_belongs_to_its_filter, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(made_up_page_tokens_are_refused, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_filter_shows_only_what_it_names, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_wrong_filter_is_refused, srig_start, srig_stop),
};

UNIT_TEST_MAIN(tests)
