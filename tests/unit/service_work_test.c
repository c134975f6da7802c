// service_work - the methods of WorkerService: what they answer and what they refuse.
#include "unit/service_rig.h"

#include <math.h>

static const char unknown_id[] = "01890000-0000-7000-8000-0000000000ff";

static void a_lease_without_a_proper_worker_is_refused(void **state)
{
    (void) state;
    Errand__V1__LeaseRequest request = ERRAND__V1__LEASE_REQUEST__INIT;
    Errand__V1__LeaseResponse *ret = NULL;
    request.lease_sequence = 1;
    assert_violation(try_call(WORKERS, "Lease", &request.base, NULL, &ret), STATUS_INVALID_ARGUMENT,
                     "worker");
    request.worker = worker();
    request.worker->id = text("");
    assert_violation(try_call(WORKERS, "Lease", &request.base, NULL, &ret), STATUS_INVALID_ARGUMENT,
                     "worker.id");
    request.worker = worker();
    request.max_jobs = -1;
    assert_violation(try_call(WORKERS, "Lease", &request.base, NULL, &ret), STATUS_INVALID_ARGUMENT,
                     "max_jobs");
    request.max_jobs = 1;
    request.lease_sequence = 0;
    assert_violation(try_call(WORKERS, "Lease", &request.base, NULL, &ret), STATUS_INVALID_ARGUMENT,
                     "lease_sequence");
}

static void a_lease_tells_when_it_ends(void **state)
{
    (void) state;
    submit_any();
    const Errand__V1__LeaseResponse *got = lease_from(NULL, 1, 1);
    const Errand__V1__Assignment *a = got->assignments[0];
    assert_int_equal(got->lease_duration->seconds, 30);
    assert_int_equal(a->lease_expire_time->seconds, a->job->start_time->seconds + 30);
    assert_int_equal(a->attempt, 1);
    assert_int_equal(a->token.len, ENGINE_TOKEN_BYTES);
    assert_int_equal(a->job->state, ERRAND__V1__JOB__STATE__RUNNING);
}

static status *try_heartbeat(Errand__V1__RunningJob *running, Errand__V1__HeartbeatResponse **ret)
{
    Errand__V1__HeartbeatRequest request = ERRAND__V1__HEARTBEAT_REQUEST__INIT;
    request.worker = worker();
    request.running = &running;
    request.n_running = 1;
    return try_call(WORKERS, "Heartbeat", &request.base, NULL, ret);
}

static void a_heartbeat_tells_what_is_lost(void **state)
{
    (void) state;
    submit_any();
    const Errand__V1__Assignment *a = lease_one(1);
    Errand__V1__RunningJob running = ERRAND__V1__RUNNING_JOB__INIT;
    Errand__V1__HeartbeatResponse *ret = NULL;
    running.job_id = a->job->id;
    running.token = a->token;
    rig_ok(try_heartbeat(&running, &ret));
    assert_int_equal(ret->n_lost, 0);
    running.job_id = text(unknown_id);
    rig_ok(try_heartbeat(&running, &ret));
    assert_int_equal(ret->n_lost, 1);
    assert_string_equal(ret->lost[0]->job_id, unknown_id);
    assert_int_equal(ret->lost[0]->token.len, ENGINE_TOKEN_BYTES);
}

static void a_heartbeat_with_a_wrong_token_names_it(void **state)
{
    (void) state;
    Errand__V1__RunningJob running = ERRAND__V1__RUNNING_JOB__INIT;
    Errand__V1__HeartbeatResponse *ret = NULL;
    running.job_id = text(unknown_id);
    assert_violation(try_heartbeat(&running, &ret), STATUS_INVALID_ARGUMENT, "running[0].token");
    running.job_id = text("7");
    assert_violation(try_heartbeat(&running, &ret), STATUS_INVALID_ARGUMENT, "running[0].job_id");
}

static void release(const Errand__V1__Assignment *a)
{
    Errand__V1__Released released = ERRAND__V1__RELEASED__INIT;
    Errand__V1__Outcome outcome = outcome_of(a);
    Errand__V1__ReportResponse *ret = NULL;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_RELEASED;
    outcome.released = &released;
    rig_ok(try_report(&outcome, 0, &ret));
}

static void the_progress_of_an_attempt_is_not_that_of_the_next(void **state)
{
    (void) state;
    submit_any();
    const Errand__V1__Assignment *a = lease_one(1);
    Errand__V1__Progress progress = ERRAND__V1__PROGRESS__INIT;
    Errand__V1__RunningJob running = ERRAND__V1__RUNNING_JOB__INIT;
    Errand__V1__HeartbeatResponse *ret = NULL;
    progress.done = 7;
    running.job_id = a->job->id;
    running.token = a->token;
    running.progress = &progress;
    rig_ok(try_heartbeat(&running, &ret));
    assert_int_equal(get(a->job->id, ERRAND__V1__JOB_VIEW__BASIC)->progress->done, 7);
    release(a);
    assert_int_equal(get(a->job->id, ERRAND__V1__JOB_VIEW__BASIC)->progress->done, 7);
    lease_one(2);
    assert_null(get(a->job->id, ERRAND__V1__JOB_VIEW__BASIC)->progress);
}

static void a_heartbeat_of_too_many_jobs_is_refused(void **state)
{
    (void) state;
    enum { MANY = 100001 };
    static Errand__V1__RunningJob *list[MANY];
    Errand__V1__RunningJob running = ERRAND__V1__RUNNING_JOB__INIT;
    Errand__V1__HeartbeatRequest request = ERRAND__V1__HEARTBEAT_REQUEST__INIT;
    Errand__V1__HeartbeatResponse *ret = NULL;
    for (size_t i = 0; i < MANY; i++)
        list[i] = &running;
    request.worker = worker();
    request.running = list;
    request.n_running = MANY;
    assert_violation(try_call(WORKERS, "Heartbeat", &request.base, NULL, &ret),
                     STATUS_INVALID_ARGUMENT, "running");
}

static void a_failure_with_a_code_that_nobody_knows_is_unknown(void **state)
{
    (void) state;
    static const int codes[] = {0, 17, 4711, -1, INT32_MIN};
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    Errand__V1__Failure failure = ERRAND__V1__FAILURE__INIT;
    Errand__V1__ReportResponse *ret = NULL;
    failure.status = &error;
    for (size_t i = 0; i < COUNT(codes); i++) {
        const char *id = submit_any()->id;
        Errand__V1__Outcome outcome = outcome_of(lease_one((int64_t) i + 1));
        error.code = (Errand__Rpc__V1__Code) codes[i];
        outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_FAILURE;
        outcome.failure = &failure;
        rig_ok(try_report(&outcome, 0, &ret));
        const Errand__V1__Job *job = get(id, ERRAND__V1__JOB_VIEW__FULL);
        assert_int_equal(job->error->code, ERRAND__RPC__V1__CODE__UNKNOWN);
    }
}

static void an_outcome_that_says_nothing_is_refused(void **state)
{
    (void) state;
    submit_any();
    Errand__V1__Outcome outcome = outcome_of(lease_one(1));
    Errand__V1__ReportResponse *ret = NULL;
    assert_violation(try_report(&outcome, 1, &ret), STATUS_INVALID_ARGUMENT, "outcomes[0].outcome");
    assert_violation(try_report(&outcome, -1, &ret), STATUS_INVALID_ARGUMENT, "outcome_sequence");
}

static void report_violates(Errand__V1__Result *result, const char *field)
{
    Errand__V1__Outcome outcome = outcome_of(lease_one(1));
    Errand__V1__ReportResponse *ret = NULL;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = result;
    assert_violation(try_report(&outcome, 1, &ret), STATUS_INVALID_ARGUMENT, field);
}

static void a_result_with_a_number_that_json_does_not_have_is_refused(void **state)
{
    (void) state;
    Google__Protobuf__Value number = GOOGLE__PROTOBUF__VALUE__INIT;
    Google__Protobuf__Value *numbers[] = {&number};
    Google__Protobuf__ListValue list = GOOGLE__PROTOBUF__LIST_VALUE__INIT;
    Google__Protobuf__Value value = GOOGLE__PROTOBUF__VALUE__INIT;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    number.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    number.number_value = NAN;
    list.values = numbers;
    list.n_values = 1;
    value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
    value.list_value = &list;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
    result.value = &value;
    submit_any();
    report_violates(&result, "outcomes[0].success.value");
}

static void a_result_with_a_time_out_of_range_is_refused(void **state)
{
    (void) state;
    Google__Protobuf__Duration time = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__HttpResult http = ERRAND__V1__HTTP_RESULT__INIT;
    Errand__V1__ExecResult exec = ERRAND__V1__EXEC_RESULT__INIT;
    Errand__V1__Result result = ERRAND__V1__RESULT__INIT;
    time.nanos = 1000000000;
    http.total_time = &time;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_HTTP;
    result.http = &http;
    submit_any();
    report_violates(&result, "outcomes[0].success.http.total_time");
    exec.system_time = &time;
    result.output_case = ERRAND__V1__RESULT__OUTPUT_EXEC;
    result.exec = &exec;
    report_violates(&result, "outcomes[0].success.exec.system_time");
}

static void a_report_names_what_it_rejects(void **state)
{
    (void) state;
    submit_any();
    Errand__V1__Outcome outcome = outcome_of(lease_one(1));
    Errand__V1__ReportResponse *ret = NULL;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = data_result("", "hi");
    outcome.job_id = text(unknown_id);
    rig_ok(try_report(&outcome, 1, &ret));
    assert_int_equal(ret->accepted, 0);
    assert_int_equal(ret->n_rejected, 1);
    assert_string_equal(ret->rejected[0]->job_id, unknown_id);
    assert_int_equal(ret->rejected[0]->status->code, ERRAND__RPC__V1__CODE__FAILED_PRECONDITION);
    assert_int_equal(ret->acked_outcome_sequence, 1);
}

static void a_result_that_is_too_large_fails_the_job(void **state)
{
    (void) state;
    static char large[MAX_RESULT + 100000];
    const char *id = submit_any()->id;
    memset(large, 'x', sizeof large - 1);
    succeed(lease_one(1), data_result("", large));
    const Errand__V1__Job *job = get(id, ERRAND__V1__JOB_VIEW__FULL);
    assert_int_equal(job->state, ERRAND__V1__JOB__STATE__FAILED);
    assert_int_equal(job->error->code, ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED);
    assert_null(job->result);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_lease_without_a_proper_worker_is_refused, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_lease_tells_when_it_ends, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_heartbeat_tells_what_is_lost, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_heartbeat_with_a_wrong_token_names_it, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(the_progress_of_an_attempt_is_not_that_of_the_next, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_heartbeat_of_too_many_jobs_is_refused, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_failure_with_a_code_that_nobody_knows_is_unknown, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(an_outcome_that_says_nothing_is_refused, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_result_with_a_number_that_json_does_not_have_is_refused,
                                    srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_result_with_a_time_out_of_range_is_refused, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_report_names_what_it_rejects, srig_start, srig_stop),
    cmocka_unit_test_setup_teardown(a_result_that_is_too_large_fails_the_job, srig_start,
                                    srig_stop),
};

UNIT_TEST_MAIN(tests)
