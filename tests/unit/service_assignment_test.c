// service_assignment - what a worker gets of a leased job: the same whether its stored bytes were
// decoded or went out as they are, in the order of the lease, and never damaged.
#include "unit/random_message.h"
#include "unit/service_rig.h"

#include "job/spec.h"
#include "job/time.h"
#include "job/view.h"
#include "rpc/local.h"
#include "service/internal.h"

#define LEASE_US 30000000
#define ROUNDS   2000

// ---- one job ----

// As it would be submitted: the server's fields are left out.
static Errand__V1__Job *random_job(random_source *r)
{
    const Errand__V1__Job blank = ERRAND__V1__JOB__INIT;
    Errand__V1__Job *job = (Errand__V1__Job *) random_message(r, &errand__v1__job__descriptor, 0);
    job->state = blank.state;
    job->attempt = 0;
    job->create_time = job->start_time = job->finish_time = job->next_attempt_time = NULL;
    job->progress = NULL;
    job->error = NULL;
    job->result = NULL;
    job->n_attempts = 0;
    job->worker = blank.worker;
    job->parent = blank.parent;
    job->revision = 0;
    job->duplicate = false;
    return job;
}

static uuid random_id(random_source *r)
{
    uuid id = {{0}};
    if (dice_roll(&r->dice, 8) == 0)
        return id;
    for (size_t i = 0; i < sizeof id.bytes; i++)
        id.bytes[i] = (uint8_t) dice_roll(&r->dice, 256);
    return id;
}

static int64_t random_time(random_source *r)
{
    return dice_roll(&r->dice, 4) == 0 ? 0
                                       : (int64_t) dice_roll(&r->dice, 1 << 30) * 4000001 - 2000000;
}

static engine_assignment random_assignment(random_source *r, const Errand__V1__Job *job)
{
    uint8_t hash[JOB_HASH_BYTES];
    engine_assignment a = {.row = {.id = random_id(r),
                                   .worker = random_id(r),
                                   .state = (job_state) (1 + dice_roll(&r->dice, 8)),
                                   .attempt = (int32_t) dice_roll(&r->dice, 3),
                                   .revision = (int64_t) dice_roll(&r->dice, UINT64_C(1) << 40),
                                   .due_us = random_time(r),
                                   .create_us = random_time(r),
                                   .start_us = random_time(r),
                                   .finish_us = random_time(r)}};
    for (size_t i = 0; i < ENGINE_TOKEN_BYTES; i++)
        a.token.bytes[i] = (uint8_t) dice_roll(&r->dice, 256);
    rig_ok(job_spec_encode(job, r->memory, &a.spec, hash));
    return a;
}

// The way of a job that is decoded.
static slice encode_decoded(const engine_assignment *a, arena *memory)
{
    Errand__V1__Assignment assignment = ERRAND__V1__ASSIGNMENT__INIT;
    Google__Protobuf__Timestamp expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    slice ret;
    rig_ok(job_spec_decode(a->spec, memory, &assignment.job));
    assert_true(job_view_fill(assignment.job, &a->row, true, memory));
    time_to_timestamp(a->row.start_us + LEASE_US, &expires);
    assignment.token.data = arena_copy(memory, a->token.bytes, ENGINE_TOKEN_BYTES);
    assignment.token.len = ENGINE_TOKEN_BYTES;
    assignment.attempt = a->row.attempt;
    assignment.lease_expire_time = &expires;
    size_t size = errand__v1__assignment__get_packed_size(&assignment);
    rig_ok(assignment_encode(&assignment, size, memory, &ret));
    return ret;
}

// Without its length, decoded, and encoded again: so that the order of fields does not matter.
static slice read_again(slice encoded, arena *memory)
{
    size_t size = 0, shift = 0;
    const uint8_t *at = encoded.bytes;
    do {
        size |= (size_t) (*at & 0x7f) << shift;
        shift += 7;
    } while (*at++ & 0x80);
    assert_int_equal((size_t) (at - encoded.bytes) + size, encoded.size);
    Errand__V1__Assignment *read = errand__v1__assignment__unpack(NULL, size, at);
    assert_non_null(read);
    uint8_t *bytes = arena_alloc(memory, size);
    assert_non_null(bytes);
    assert_int_equal(errand__v1__assignment__get_packed_size(read), size);
    errand__v1__assignment__pack(read, bytes);
    errand__v1__assignment__free_unpacked(read, NULL);
    return (slice){bytes, size};
}

static void a_job_reads_the_same_spliced_or_decoded(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    random_source r = {.dice = 20, .memory = memory};
    size_t spliced = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        arena_reset(memory);
        Errand__V1__Job *job = random_job(&r);
        engine_assignment a = random_assignment(&r, job);
        slice bytes;
        rig_ok(assignment_splice(&a, &a.token, LEASE_US, memory, &bytes));
        assert_int_equal(bytes.size == 0, job->callback != NULL);
        if (bytes.size == 0)
            continue;
        slice got = read_again(bytes, memory);
        slice expected = read_again(encode_decoded(&a, memory), memory);
        assert_int_equal(got.size, expected.size);
        assert_memory_equal(got.bytes, expected.bytes, got.size);
        spliced++;
    }
    assert_true(spliced > ROUNDS / 4);
}

static void assert_not_spliced(const void *bytes, size_t size)
{
    AUTO(arena) memory = arena_new(0);
    engine_assignment a = {.spec = {bytes, size}};
    slice spliced = {(const uint8_t *) "x", 1};
    rig_ok(assignment_splice(&a, &a.token, LEASE_US, memory, &spliced));
    assert_int_equal(spliced.size, 0);
}

#define ASSERT_NOT_SPLICED(bytes) assert_not_spliced(bytes, sizeof(bytes) - 1)

static void what_the_server_decides_is_never_taken_from_the_stored_bytes(void **state)
{
    (void) state;
    ASSERT_NOT_SPLICED("\x0a\x01x");         // an id
    ASSERT_NOT_SPLICED("\x12\x00");          // an empty queue, where the default belongs
    ASSERT_NOT_SPLICED("\x1a\x00");          // an empty kind
    ASSERT_NOT_SPLICED("\x22\x00\x2a\x00");  // two inputs
    ASSERT_NOT_SPLICED("\x92\x01\x00");      // a callback, that has a secret
    ASSERT_NOT_SPLICED("\x80\x02\x05");      // a state
    ASSERT_NOT_SPLICED("\xda\x02\x01x");     // a parent
    ASSERT_NOT_SPLICED("\xfa\x02\x01x");     // nobody knows
    ASSERT_NOT_SPLICED("\x1a\x02k");         // cut off
    ASSERT_NOT_SPLICED("\x1a\x01k\x0b");     // a group
    ASSERT_NOT_SPLICED("\x1a\x01k\x32\x01\xff\xff\xff");
}

static void a_job_that_tells_about_another_one_is_not_spliced(void **state)
{
    (void) state;
    AUTO(arena) memory = arena_new(0);
    engine_assignment a = {.spec = {(const uint8_t *) "\x1a\x01k", 3}, .has_parent = true};
    slice spliced;
    rig_ok(assignment_splice(&a, &a.token, LEASE_US, memory, &spliced));
    assert_int_equal(spliced.size, 0);
    a.has_parent = false;
    rig_ok(assignment_splice(&a, &a.token, LEASE_US, memory, &spliced));
    assert_true(spliced.size > 0);
}

// ---- the answer ----

static char *submit_named(const char *kind, Errand__V1__Callback *callback)
{
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    job.kind = text(kind);
    job.callback = callback;
    data.content_type = text("text/x-test");
    return submit(&job)->id;
}

static void jobs_come_in_their_order_whatever_they_carry(void **state)
{
    (void) state;
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    callback.url = text("http://127.0.0.1:9/");
    callback.secret = text("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    for (size_t i = 0; i < 6; i++)
        submit_named(i % 2 ? "told" : "plain", i % 2 ? &callback : NULL);
    const Errand__V1__LeaseResponse *got = lease_from(NULL, 1, 10);
    assert_int_equal(got->n_assignments, 6);
    for (size_t i = 0; i < 6; i++) {
        const Errand__V1__Job *job = got->assignments[i]->job;
        assert_string_equal(job->kind, i % 2 ? "told" : "plain");
        assert_string_equal(job->queue, "default");
        assert_string_equal(job->data->content_type, "text/x-test");
        assert_int_equal(job->callback != NULL, i % 2);
        if (job->callback != NULL)
            assert_string_equal(job->callback->secret, "");
    }
}

static void read_local(void *data, const ProtobufCMessage *message)
{
    const Errand__V1__LeaseResponse *got = (const Errand__V1__LeaseResponse *) message;
    size_t *seen = data;
    for (size_t i = 0; i < got->n_assignments; i++)
        *seen += strcmp(got->assignments[i]->job->data->content_type, "text/x-test") == 0;
}

static void a_caller_in_the_process_reads_the_jobs_themselves(void **state)
{
    (void) state;
    size_t seen = 0;
    rpc_local *local = NULL;
    rpc_local_call *called = NULL;
    Errand__V1__LeaseRequest lease = ERRAND__V1__LEASE_REQUEST__INIT;
    lease.worker = worker();
    lease.max_jobs = 10;
    lease.lease_sequence = 1;
    const rpc_local_request request = {.service = WORKERS,
                                       .method = "Lease",
                                       .message = &lease.base,
                                       .memory = srig.memory,
                                       .timeout_ms = 30000};
    submit_named("one", NULL);
    submit_named("other", NULL);
    rig_ok(rpc_local_open(srig.server, NULL, &local));
    rig_ok(rpc_local_start(local, &request, read_local, &seen, &called));
    rpc_local_wait(called);
    rig_ok(rpc_local_finish(called));
    rpc_local_free(local);
    assert_int_equal(seen, 2);
}

// ---- damage ----

#define SPOILT "spoilt"

static const store_ops *whole;
static store_ops damaging;
static uint8_t spoilt[64];

static uint8_t *find_mark(store_new_job *job)
{
    uint8_t *at = memmem(job->spec.bytes, job->spec.size, SPOILT, strlen(SPOILT));
    return at != NULL && job->spec.size <= sizeof spoilt ? at : NULL;
}

// The text of a job that has the mark can not be read on disk.
static status *insert_damaged(store *s, const store_new_job *jobs, size_t count)
{
    store_new_job job = *jobs;
    uint8_t *mark = count == 1 ? find_mark(&job) : NULL;
    if (mark == NULL)
        return whole->insert(s, jobs, count);
    memcpy(spoilt, job.spec.bytes, job.spec.size);
    spoilt[mark - job.spec.bytes] = 0xff;
    job.spec.bytes = spoilt;
    return whole->insert(s, &job, count);
}

static void damage_inserts(store *s)
{
    whole = s->ops;
    damaging = *whole;
    damaging.insert = insert_damaged;
    s->ops = &damaging;
}

static int start_damaging(void **state)
{
    srig_opened = damage_inserts;
    int failed = srig_start(state);
    srig_opened = NULL;
    return failed;
}

static void assert_lost(const char *id)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    Errand__V1__GetResultResponse *ended = NULL;
    wait.seconds = 30;
    request.id = text(id);
    request.wait = &wait;
    rig_ok(try_call(JOBS, "GetResult", &request.base, NULL, &ended));
    assert_int_equal(ended->state, ERRAND__V1__JOB__STATE__FAILED);
    assert_int_equal(ended->error->code, ERRAND__RPC__V1__CODE__DATA_LOSS);
}

static void a_damaged_job_ends_and_those_leased_with_it_are_handed_out(void **state)
{
    (void) state;
    submit_named("first", NULL);
    Errand__V1__Data data;
    Errand__V1__Job job = job_with(&data);
    job.unique_key = text("a " SPOILT " text");
    const char *bad = submit(&job)->id;
    submit_named("last", NULL);
    const Errand__V1__LeaseResponse *got = lease_from(NULL, 1, 10);
    assert_int_equal(got->n_assignments, 2);
    assert_string_equal(got->assignments[0]->job->kind, "first");
    assert_string_equal(got->assignments[1]->job->kind, "last");
    assert_lost(bad);
}

static void a_damaged_job_with_a_callback_ends_too(void **state)
{
    (void) state;
    Errand__V1__Callback callback = ERRAND__V1__CALLBACK__INIT;
    callback.url = text("http://127.0.0.1/" SPOILT);
    const char *bad = submit_named("k", &callback);
    assert_int_equal(lease_from(NULL, 1, 10)->n_assignments, 0);
    assert_lost(bad);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_job_reads_the_same_spliced_or_decoded),
    cmocka_unit_test(what_the_server_decides_is_never_taken_from_the_stored_bytes),
    cmocka_unit_test(a_job_that_tells_about_another_one_is_not_spliced),
    cmocka_unit_test_setup_teardown(jobs_come_in_their_order_whatever_they_carry, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_caller_in_the_process_reads_the_jobs_themselves, srig_start,
                                    srig_stop),
    cmocka_unit_test_setup_teardown(a_damaged_job_ends_and_those_leased_with_it_are_handed_out,
                                    start_damaging, srig_stop),
    cmocka_unit_test_setup_teardown(a_damaged_job_with_a_callback_ends_too, start_damaging,
                                    srig_stop),
};

UNIT_TEST_MAIN(tests)
