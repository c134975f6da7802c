// service_collector - the server's end of the result pipeline.
#include "unit/service_rig.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/push.h>
#include <semaphore.h>
#include <time.h>

static struct {
    collector *collector;
    char *url;
    nng_socket push;
} pipeline;

static int start(void **state)
{
    srig_start(state);
    rig_ok(collector_open(srig.service, &pipeline.collector));
    rig_ok(collector_listen(pipeline.collector, "tcp://127.0.0.1:0", NULL, &pipeline.url));
    assert_int_equal(nng_push0_open(&pipeline.push), 0);
    assert_int_equal(nng_dial(pipeline.push, pipeline.url, NULL, 0), 0);
    return 0;
}

static int stop(void **state)
{
    nng_close(pipeline.push);
    collector_close(pipeline.collector);
    free(pipeline.url);
    return srig_stop(state);
}

static void push(const void *bytes, size_t size)
{
    assert_int_equal(nng_send(pipeline.push, (void *) (uintptr_t) bytes, size, 0), 0);
}

static void push_outcomes(Errand__V1__Outcome **outcomes, size_t count, int64_t sequence)
{
    Errand__V1__OutcomeBatch batch = ERRAND__V1__OUTCOME_BATCH__INIT;
    batch.worker = worker();
    batch.outcome_sequence = sequence;
    batch.outcomes = outcomes;
    batch.n_outcomes = count;
    size_t size = errand__v1__outcome_batch__get_packed_size(&batch);
    uint8_t *bytes = arena_alloc(srig.memory, size);
    errand__v1__outcome_batch__pack(&batch, bytes);
    push(bytes, size);
}

static void push_batch(Errand__V1__Outcome *outcome, int64_t sequence)
{
    push_outcomes(&outcome, 1, sequence);
}

static void push_success(const Errand__V1__Assignment *a, int64_t sequence)
{
    Errand__V1__Outcome outcome = outcome_of(a);
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = data_result("text/plain", "hi");
    push_batch(&outcome, sequence);
}

static void assert_ends(const char *id)
{
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    Errand__V1__GetResultResponse *got = NULL;
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    request.id = text(id);
    request.wait = &wait;
    wait.seconds = 25;
    rig_ok(try_call(JOBS, "GetResult", &request.base, NULL, &got));
    assert_int_equal(got->state, ERRAND__V1__JOB__STATE__SUCCEEDED);
}

static void the_url_shows_the_real_port(void **state)
{
    (void) state;
    assert_null(strstr(pipeline.url, ":0"));
    assert_int_equal(strncmp(pipeline.url, "tcp://127.0.0.1:", 16), 0);
}

static void a_pushed_outcome_ends_the_job(void **state)
{
    (void) state;
    const char *id = submit_any()->id;
    push_success(lease_one(1), 1);
    assert_ends(id);
    assert_int_equal(lease_from(NULL, 2, 0)->acked_outcome_sequence, 1);
}

// ---- what can not be taken ----

// The worker is told that its outcome was not taken, and goes on.
static void assert_rejected(const Errand__V1__Assignment *a, Errand__Rpc__V1__Code code)
{
    const Errand__V1__LeaseResponse *got;
    int64_t sequence = 2;
    do
        got = lease_from(NULL, sequence++, 0);
    while (got->acked_outcome_sequence == 0);
    assert_int_equal(got->acked_outcome_sequence, 1);
    assert_int_equal(got->n_rejected, 1);
    assert_string_equal(got->rejected[0]->job_id, a->job->id);
    assert_memory_equal(got->rejected[0]->token.data, a->token.data, a->token.len);
    assert_int_equal(got->rejected[0]->status->code, code);
}

// Its attempt has failed, and says why; by now the next one may have begun.
static void assert_attempt_failed(const char *id, Errand__Rpc__V1__Code code)
{
    const Errand__V1__Job *job = get(id, ERRAND__V1__JOB_VIEW__BASIC);
    assert_true(job->state == ERRAND__V1__JOB__STATE__SCHEDULED ||
                job->state == ERRAND__V1__JOB__STATE__READY ||
                job->state == ERRAND__V1__JOB__STATE__RUNNING);
    assert_int_equal(job->n_attempts, 1);
    assert_int_equal(job->attempts[0]->error->code, code);
}

static void a_batch_over_the_message_cap_is_rejected(void **state)
{
    (void) state;
    const char *id = submit_any()->id;
    const Errand__V1__Assignment *a = lease_one(1);
    Errand__V1__Outcome outcome = outcome_of(a);
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    outcome.success = data_result("text/plain", "");
    outcome.success->data->body.len = (32 << 20) + 1;
    outcome.success->data->body.data = arena_zalloc(srig.memory, (32 << 20) + 1);
    push_batch(&outcome, 1);
    assert_rejected(a, ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED);
    assert_attempt_failed(id, ERRAND__RPC__V1__CODE__RESOURCE_EXHAUSTED);
}

static void an_outcome_that_says_nothing_is_rejected(void **state)
{
    (void) state;
    const char *id = submit_any()->id;
    const Errand__V1__Assignment *a = lease_one(1);
    Errand__V1__Outcome outcome = outcome_of(a);
    push_batch(&outcome, 1);
    assert_rejected(a, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
    assert_attempt_failed(id, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
}

static void a_batch_that_is_no_text_within_is_rejected(void **state)
{
    (void) state;
    const char *id = submit_any()->id;
    const Errand__V1__Assignment *a = lease_one(1);
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    Errand__V1__Failure failed = ERRAND__V1__FAILURE__INIT;
    Errand__V1__Outcome outcome = outcome_of(a);
    error.message = text("\xff\xfe");
    failed.status = &error;
    outcome.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_FAILURE;
    outcome.failure = &failed;
    push_batch(&outcome, 1);
    assert_rejected(a, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
    assert_attempt_failed(id, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
}

// Nobody is named: what the others say is taken.
static void an_outcome_of_no_lease_does_not_keep_the_others_up(void **state)
{
    (void) state;
    const char *id = submit_any()->id;
    const Errand__V1__Assignment *a = lease_one(1);
    Errand__V1__Outcome nameless = ERRAND__V1__OUTCOME__INIT, good = outcome_of(a);
    Errand__V1__Outcome *outcomes[] = {&nameless, &good};
    good.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    good.success = data_result("text/plain", "hi");
    push_outcomes(outcomes, COUNT(outcomes), 1);
    assert_ends(id);
}

// Its neighbour is no text within, for which the batch as a whole can not be decoded.
static void a_spoiled_outcome_does_not_spoil_its_neighbours(void **state)
{
    (void) state;
    const char *spoiled = submit_any()->id;
    const Errand__V1__Assignment *first = lease_one(1);
    const char *well = submit_any()->id;
    const Errand__V1__Assignment *second = lease_one(2);
    Errand__Rpc__V1__Status error = ERRAND__RPC__V1__STATUS__INIT;
    Errand__V1__Failure failed = ERRAND__V1__FAILURE__INIT;
    Errand__V1__Outcome bad = outcome_of(first), good = outcome_of(second);
    Errand__V1__Outcome *outcomes[] = {&bad, &good};
    error.message = text("\xff\xfe");
    failed.status = &error;
    bad.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_FAILURE;
    bad.failure = &failed;
    good.outcome_case = ERRAND__V1__OUTCOME__OUTCOME_SUCCESS;
    good.success = data_result("text/plain", "hi");
    push_outcomes(outcomes, COUNT(outcomes), 1);
    assert_ends(well);
    assert_attempt_failed(spoiled, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
}

static void garbage_is_passed_over(void **state)
{
    (void) state;
    const char *id = submit_any()->id;
    const Errand__V1__Assignment *a = lease_one(1);
    uint8_t garbage[500];
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t) (i * 37 + 11);
    for (size_t size = 0; size < sizeof garbage; size++)
        push(garbage, size);
    push_success(a, 1);
    assert_ends(id);
}

static void a_void_outcome_is_told_in_the_next_answer(void **state)
{
    (void) state;
    submit_any();
    const Errand__V1__Assignment *a = lease_one(1);
    succeed(a, data_result("", "hi"));
    push_success(a, 1);
    const Errand__V1__LeaseResponse *got;
    int64_t sequence = 2;
    do
        got = lease_from(NULL, sequence++, 0);
    while (got->acked_outcome_sequence == 0);
    assert_int_equal(got->n_rejected, 1);
    assert_string_equal(got->rejected[0]->job_id, a->job->id);
}

// ---- what it holds ----

#define SMALL_OUTCOMES 2000

// The engine's thread stays in here until the test lets it go.
static struct {
    engine_stats stats;
    sem_t reached, go_on;
} halt;

static void halt_here(engine_command *command)
{
    status_free(command->failure);
    sem_post(&halt.reached);
    sem_wait(&halt.go_on);
}

static void halt_engine(void)
{
    sem_init(&halt.reached, 0, 0);
    sem_init(&halt.go_on, 0, 0);
    halt.stats = (engine_stats){.command = {.verb = ENGINE_STATS, .done = halt_here}};
    engine_post(srig.engine, &halt.stats.command);
    sem_wait(&halt.reached);
}

// Each takes a few bytes in the message, and structures and texts of its own once it is decoded.
static size_t push_small_outcomes(int64_t sequence)
{
    static Errand__V1__Outcome outcomes[SMALL_OUTCOMES];
    static Errand__V1__Outcome *list[SMALL_OUTCOMES];
    static Errand__V1__Released released;
    static uint8_t token[ENGINE_TOKEN_BYTES];
    errand__v1__released__init(&released);
    for (size_t i = 0; i < SMALL_OUTCOMES; i++) {
        list[i] = &outcomes[i];
        errand__v1__outcome__init(list[i]);
        list[i]->job_id = text("01890000-0000-7000-8000-00000000000f");
        list[i]->token = (ProtobufCBinaryData){.len = sizeof token, .data = token};
        list[i]->outcome_case = ERRAND__V1__OUTCOME__OUTCOME_RELEASED;
        list[i]->released = &released;
    }
    push_outcomes(list, SMALL_OUTCOMES, sequence);
    return SMALL_OUTCOMES * sizeof(Errand__V1__Outcome);
}

static bool holds_between(size_t least, size_t most)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 30000; i++) {
        size_t held = collector_held_bytes(pipeline.collector);
        if (held >= least && held <= most)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

static void what_is_held_is_counted_as_it_is_decoded(void **state)
{
    (void) state;
    halt_engine();
    size_t decoded = push_small_outcomes(1);
    assert_true(holds_between(2 * decoded, SIZE_MAX));
    sem_post(&halt.go_on);
    assert_true(holds_between(0, 0));
    assert_int_equal(lease_from(NULL, 1, 0)->acked_outcome_sequence, 1);
}

static void at_the_cap_batches_wait_and_are_taken_later(void **state)
{
    (void) state;
    halt_engine();
    for (int64_t i = 1; i <= 4; i++)
        push_small_outcomes(i);
    assert_true(holds_between(1 << 20, SIZE_MAX));
    sem_post(&halt.go_on);
    int64_t sequence = 1;
    while (lease_from(NULL, sequence, 0)->acked_outcome_sequence < 4)
        sequence++;
    assert_true(holds_between(0, 0));
}

static int start_with_low_cap(void **state)
{
    srig_max_held_bytes = 1 << 20;
    start(state);
    srig_max_held_bytes = 0;
    return 0;
}

static void an_address_in_use_is_told(void **state)
{
    (void) state;
    char *url = NULL;
    rig_fails(STATUS_FAILED_PRECONDITION,
              collector_listen(pipeline.collector, pipeline.url, NULL, &url));
    assert_null(url);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_url_shows_the_real_port, start, stop),
    cmocka_unit_test_setup_teardown(a_pushed_outcome_ends_the_job, start, stop),
    cmocka_unit_test_setup_teardown(a_batch_over_the_message_cap_is_rejected, start, stop),
    cmocka_unit_test_setup_teardown(an_outcome_that_says_nothing_is_rejected, start, stop),
    cmocka_unit_test_setup_teardown(a_batch_that_is_no_text_within_is_rejected, start, stop),
    cmocka_unit_test_setup_teardown(an_outcome_of_no_lease_does_not_keep_the_others_up, start,
                                    stop),
    cmocka_unit_test_setup_teardown(a_spoiled_outcome_does_not_spoil_its_neighbours, start, stop),
    cmocka_unit_test_setup_teardown(garbage_is_passed_over, start, stop),
    cmocka_unit_test_setup_teardown(a_void_outcome_is_told_in_the_next_answer, start, stop),
    cmocka_unit_test_setup_teardown(what_is_held_is_counted_as_it_is_decoded, start, stop),
    cmocka_unit_test_setup_teardown(at_the_cap_batches_wait_and_are_taken_later, start_with_low_cap,
                                    stop),
    cmocka_unit_test_setup_teardown(an_address_in_use_is_told, start, stop),
};

UNIT_TEST_MAIN(tests)
