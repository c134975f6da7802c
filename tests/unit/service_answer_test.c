// service_answer - answers that are given when something has been stored or has ended.
#include "unit/service_rig.h"

#include "service/internal.h"

#include <pthread.h>
#include <sched.h>

static const char an_id[] = "01890000-0000-7000-8000-0000000000aa";

static void *wait_for_end(void *data)
{
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    ProtobufCMessage *message = NULL;
    rpc_call_options options = {.request_id = NULL};
    request.id = text(an_id);
    request.wait = &wait;
    wait.seconds = 30;
    *(status **) data =
        rpc_client_call(srig.client, JOBS, "GetResult", &request.base, &options, &message);
    if (message)
        protobuf_c_message_free_unpacked(message, NULL);
    return NULL;
}

// Long reads, such as pages of a list, must not keep the engine from answering.
static void the_end_of_a_job_is_told_while_all_readers_are_taken(void **state)
{
    (void) state;
    pthread_t thread;
    status *failure = NULL;
    store_reader *readers[READERS];
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    job.id = text(an_id);
    submit(&job);
    const Errand__V1__Assignment *a = lease_one(1);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_end, &failure), 0);
    while (rpc_server_parked(srig.server) == 0)
        sched_yield();
    for (int i = 0; i < READERS; i++)
        readers[i] = reader_take(&srig.service->readers);
    succeed(a, data_result("", "hi"));
    pthread_join(thread, NULL);
    for (int i = 0; i < READERS; i++)
        reader_return(&srig.service->readers, readers[i]);
    rig_ok(failure);
}

static const Errand__V1__Explanation *explain(const char *id)
{
    Errand__V1__ExplainJobRequest request = ERRAND__V1__EXPLAIN_JOB_REQUEST__INIT;
    Errand__V1__Explanation *told = NULL;
    request.id = text(id);
    rig_ok(try_call(JOBS, "Explain", &request.base, NULL, &told));
    return told;
}

// The place in a long line takes its time: what waits for the engine must not wait for that.
static void explain_reads_nothing_where_the_engine_waits_for_it(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    const char *first = submit_any()->id, *second = submit_any()->id;
    char *after[] = {text(first)};
    job.after = after;
    job.n_after = 1;
    const char *blocked = submit(&job)->id;
    store_reader *taken = reader_take(&srig.service->done_readers);
    assert_int_equal(explain(second)->position, 1);
    assert_true(explain(second)->position_exact);
    const Errand__V1__Explanation *why = explain(blocked);
    reader_return(&srig.service->done_readers, taken);
    assert_int_equal(why->reasons[0]->n_jobs, 1);
    assert_string_equal(why->reasons[0]->jobs[0], first);
}

static void a_job_submitted_again_shows_how_it_ended(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data), *again = NULL;
    job.id = text(an_id);
    submit(&job);
    fail_for_good(lease_one(1), "out of paper");
    rig_ok(try_submit(&job, NULL, &again));
    assert_true(again->duplicate);
    assert_int_equal(again->state, ERRAND__V1__JOB__STATE__FAILED);
    assert_non_null(again->error);
    assert_string_equal(again->error->message, "out of paper");
    assert_int_equal(again->n_attempts, 1);
    assert_null(again->data->body.data);
}

// ---- batches ----

enum { BATCH = 8000 };

// Jobs whose answer is longer than they are.
static void fill_batch(Errand__V1__BatchSubmitRequest *request)
{
    static Errand__V1__HttpRequest http;
    static Errand__V1__HttpRequest__HeadersEntry header, *headers[] = {&header};
    static Errand__V1__Job jobs[BATCH], *list[BATCH];
    static char value[4300];
    memset(value, 'x', sizeof value - 1);
    errand__v1__http_request__headers_entry__init(&header);
    header.key = text("x-long");
    header.value = value;
    errand__v1__http_request__init(&http);
    http.url = text("http://localhost/");
    http.headers = headers;
    http.n_headers = 1;
    for (int i = 0; i < BATCH; i++) {
        errand__v1__job__init(&jobs[i]);
        jobs[i].input_case = ERRAND__V1__JOB__INPUT_HTTP;
        jobs[i].http = &http;
        list[i] = &jobs[i];
    }
    request->jobs = list;
    request->n_jobs = BATCH;
}

static void a_batch_whose_answer_would_be_too_large_is_not_stored(void **state)
{
    (void) state;
    Errand__V1__BatchSubmitRequest request = ERRAND__V1__BATCH_SUBMIT_REQUEST__INIT;
    Errand__V1__BatchSubmitResponse *ret = NULL;
    fill_batch(&request);
    while (errand__v1__batch_submit_request__get_packed_size(&request) > (32 << 20) - 4096)
        request.n_jobs--;
    status *failure = try_call(JOBS, "BatchSubmit", &request.base, NULL, &ret);
    assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(failure->message, "fewer"));
    status_free(failure);
    assert_int_equal(lease_from(NULL, 1, 1)->n_assignments, 0);
    request.n_jobs /= 2;
    rig_ok(try_call(JOBS, "BatchSubmit", &request.base, NULL, &ret));
    assert_int_equal(ret->n_results, request.n_jobs);
}

static void a_batch_submitted_again_shows_how_its_jobs_ended(void **state)
{
    (void) state;
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data), *jobs[] = {&job};
    job.id = text(an_id);
    submit_batch(jobs, 1);
    fail_for_good(lease_one(1), "out of paper");
    const Errand__V1__Job *again = submit_batch(jobs, 1)->results[0]->job;
    assert_true(again->duplicate);
    assert_int_equal(again->state, ERRAND__V1__JOB__STATE__FAILED);
    assert_non_null(again->error);
    assert_string_equal(again->error->message, "out of paper");
    assert_int_equal(again->n_attempts, 1);
}

// The job that has the key is large, and would be told of many times.
static void a_batch_is_answered_in_short_where_it_would_be_too_large(void **state)
{
    (void) state;
    enum { MANY = 120, HEADERS = 40, LARGE = 8000 };
    Errand__V1__Data data;
    Errand__V1__HttpRequest http = ERRAND__V1__HTTP_REQUEST__INIT;
    Errand__V1__HttpRequest__HeadersEntry list[HEADERS], *headers[HEADERS];
    Errand__V1__Job holder = ERRAND__V1__JOB__INIT, job = job_with(&data), *jobs[MANY];
    for (int i = 0; i < HEADERS; i++) {
        errand__v1__http_request__headers_entry__init(headers[i] = &list[i]);
        list[i].key = memset(arena_zalloc(srig.memory, HEADERS + 1), 'x', (size_t) i + 1);
        list[i].value = memset(arena_zalloc(srig.memory, LARGE + 1), 'x', LARGE);
    }
    http.url = text("http://localhost/");
    http.headers = headers;
    http.n_headers = HEADERS;
    holder.input_case = ERRAND__V1__JOB__INPUT_HTTP;
    holder.http = &http;
    holder.unique_key = job.unique_key = text("one");
    const char *id = submit(&holder)->id;
    for (int i = 0; i < MANY; i++)
        jobs[i] = &job;
    const Errand__V1__BatchSubmitResponse *got = submit_batch(jobs, MANY);
    for (int i = 0; i < MANY; i++) {
        assert_string_equal(got->results[i]->job->id, id);
        assert_true(got->results[i]->job->duplicate);
    }
    assert_non_null(got->results[0]->job->http);
    assert_null(got->results[MANY - 1]->job->http);
}

// ---- where the server listens ----

static void addresses_may_be_announced_while_they_are_asked_for(void **state)
{
    (void) state;
    Errand__V1__GetInfoRequest request = ERRAND__V1__GET_INFO_REQUEST__INIT;
    Errand__V1__ServerInfo *info = NULL;
    const ProtobufCServiceDescriptor *servers = &errand__v1__server_service__descriptor;
    rig_ok(try_call(servers, "GetInfo", &request.base, NULL, &info));
    assert_int_equal(info->n_rpc_urls, 0);
    rig_ok(service_announce(srig.service, &srig.url, 1, NULL, 0));
    rig_ok(try_call(servers, "GetInfo", &request.base, NULL, &info));
    assert_int_equal(info->n_rpc_urls, 1);
    assert_string_equal(info->rpc_urls[0], srig.url);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_end_of_a_job_is_told_while_all_readers_are_taken,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(explain_reads_nothing_where_the_engine_waits_for_it, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_job_submitted_again_shows_how_it_ended, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_batch_whose_answer_would_be_too_large_is_not_stored,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_batch_submitted_again_shows_how_its_jobs_ended, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_batch_is_answered_in_short_where_it_would_be_too_large,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(addresses_may_be_announced_while_they_are_asked_for, srig_start,
                                    srig_stop),
};

UNIT_TEST_MAIN(tests)
