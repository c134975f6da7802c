// Calls of a server's methods by threads of its own process.
#include "unit/rpc_rig.h"

#include "base/clock.h"
#include "rpc/local.h"

#define LONG_MS 20000

typedef struct caller {
    rpc_local *local;
    rpc_local_call *call;
    arena *memory;
    char id[64];  // of the reply; "": none came
    status *failure;
    pthread_t thread;
} caller;

static void take_reply(void *data, const ProtobufCMessage *reply)
{
    caller *c = data;
    const char *id = reply->descriptor == &errand__v1__job__descriptor
                         ? ((const Errand__V1__Job *) reply)->id
                         : ((const Errand__V1__GetResultResponse *) reply)->id;
    (void) snprintf(c->id, sizeof c->id, "%s", id);
}

static ProtobufCMessage *make_request(caller *c, const char *method, const char *id)
{
    c->memory = arena_new(0);
    Errand__V1__GetJobRequest *get = arena_alloc(c->memory, sizeof *get);
    Errand__V1__GetResultRequest *result = arena_alloc(c->memory, sizeof *result);
    errand__v1__get_job_request__init(get);
    errand__v1__get_result_request__init(result);
    get->id = result->id = arena_strdup(c->memory, id);
    return strcmp(method, "Get") == 0 ? &get->base : &result->base;
}

static status *start(caller *c, rpc_local *local, const char *method, const char *id,
                     int64_t timeout_ms)
{
    *c = (caller){.local = local};
    const rpc_local_request request = {.service = RIG_JOBS,
                                       .method = method,
                                       .message = make_request(c, method, id),
                                       .memory = c->memory,
                                       .timeout_ms = timeout_ms,
                                       .request_id = "the-request"};
    c->memory = request.memory;
    return rpc_local_start(local, &request, take_reply, c, &c->call);
}

static status *finish(caller *c)
{
    rpc_local_wait(c->call);
    status *failure = rpc_local_finish(c->call);
    arena_free(c->memory);
    return failure;
}

static status *get(rpc_local *local, const char *id, caller *c)
{
    status *failure = start(c, local, "Get", id, LONG_MS);
    if (failure != NULL) {
        arena_free(c->memory);
        return failure;
    }
    return finish(c);
}

static rpc_local *open_local(const rig *r)
{
    rpc_local *local = NULL;
    assert_null(rpc_local_open(r->server, NULL, &local));
    return local;
}

static void *wait_on_thread(void *data)
{
    caller *c = data;
    c->failure = finish(c);
    return NULL;
}

// ---- tests ----

static void a_call_is_answered_on_the_thread_that_makes_it(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://local-answer");
    rpc_local *local = open_local(r);
    caller c;
    assert_null(start(&c, local, "Get", "some-id", LONG_MS));
    assert_true(rpc_local_is_answered(c.call));
    assert_null(finish(&c));
    assert_string_equal(c.id, "some-id");
    assert_string_equal(r->last_request_id, "the-request");
    assert_true(r->had_deadline);
    rpc_local_free(local);
    rig_free(r);
}

static void a_refusal_comes_back_as_it_is(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://local-refusal");
    rpc_local *local = open_local(r);
    caller c;
    AUTO(status) failure = get(local, "fail", &c);
    assert_int_equal(status_code_of(failure), STATUS_NOT_FOUND);
    assert_int_equal(failure->violation_count, 1);
    assert_string_equal(failure->violations[0].field, "id");
    AUTO(status) cleaned = get(local, "\xff", &c);  // what JSON or a query never lets through
    assert_null(cleaned);
    AUTO(status) unknown = start(&c, local, "Fly", "", LONG_MS);
    assert_int_equal(status_code_of(unknown), STATUS_UNIMPLEMENTED);
    arena_free(c.memory);
    rpc_local_free(local);
    rig_free(r);
}

static void a_parked_call_is_answered_by_another_thread(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://local-parked");
    rpc_local *local = open_local(r);
    caller c;
    assert_null(start(&c, local, "GetResult", "x", LONG_MS));
    assert_false(rpc_local_is_answered(c.call));
    assert_int_equal(rpc_server_parked(r->server), 1);
    assert_int_equal(pthread_create(&c.thread, NULL, wait_on_thread, &c), 0);
    Errand__V1__GetResultResponse reply = ERRAND__V1__GET_RESULT_RESPONSE__INIT;
    reply.id = (char *) (uintptr_t) "late";
    rpc_call *held = r->held[0];
    r->held[0] = NULL;
    rpc_call_answer(held, &reply.base);
    assert_int_equal(pthread_join(c.thread, NULL), 0);
    assert_null(c.failure);
    assert_string_equal(c.id, "late");
    assert_int_equal(rpc_server_parked(r->server), 0);
    rpc_local_free(local);
    rig_free(r);
}

static void a_caller_that_leaves_is_told_of_and_its_request_lives_on(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://local-leave");
    rpc_local *local = open_local(r);
    caller c;
    assert_null(start(&c, local, "GetResult", "x", LONG_MS));
    assert_int_equal(pthread_create(&c.thread, NULL, wait_on_thread, &c), 0);
    rpc_local_leave(c.call);
    assert_int_equal(pthread_join(c.thread, NULL), 0);
    AUTO(status) failure = c.failure;
    assert_int_equal(status_code_of(failure), STATUS_CANCELLED);
    assert_int_equal(r->gone_count, 1);
    assert_null(get(local, "still-serving", &c));
    rig_release(r);  // the answer finds nobody
    assert_int_equal(rpc_server_parked(r->server), 0);
    rpc_local_free(local);
    rig_free(r);
}

static void a_deadline_ends_a_call_that_nobody_answers(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://local-deadline");
    rpc_local *local = open_local(r);
    caller c;
    assert_null(start(&c, local, "List", "x", 20));
    AUTO(status) failure = finish(&c);
    assert_int_equal(status_code_of(failure), STATUS_DEADLINE_EXCEEDED);
    rpc_local_free(local);
    rig_free(r);  // answers it, after its caller and the local have gone
}

static void stopping_ends_what_waits_and_lets_nothing_more_in(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, "inproc://local-stop");
    rpc_local *local = open_local(r);
    caller c, later;
    assert_null(start(&c, local, "GetResult", "x", LONG_MS));
    assert_int_equal(pthread_create(&c.thread, NULL, wait_on_thread, &c), 0);
    rpc_local_stop(local);
    assert_int_equal(pthread_join(c.thread, NULL), 0);
    AUTO(status) failure = c.failure;
    assert_int_equal(status_code_of(failure), STATUS_CANCELLED);
    AUTO(status) refused = get(local, "x", &later);
    assert_int_equal(status_code_of(refused), STATUS_CANCELLED);
    rpc_local_free(local);
    rig_free(r);
}

static void caps_of_parked_calls_hold_for_it_too(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_parked_per_peer = 1;
    rig *r = rig_new(&options, "inproc://local-caps");
    rpc_local *local = open_local(r);
    caller first, second;
    assert_null(start(&first, local, "GetResult", "x", LONG_MS));
    assert_null(start(&second, local, "GetResult", "x", LONG_MS));
    assert_null(finish(&second));
    assert_string_equal(second.id, "refused");
    rig_release(r);
    AUTO(status) failure = finish(&first);
    assert_int_equal(status_code_of(failure), STATUS_INTERNAL);
    rpc_local_free(local);
    rig_free(r);
}

static void a_reply_over_the_cap_is_refused(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.max_message_bytes = 10000;
    rig *r = rig_new(&options, "inproc://local-large");
    rpc_local *local = open_local(r);
    caller c;
    *(&c) = (caller){.local = local};
    c.memory = arena_new(0);
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) "big";
    request.view = (Errand__V1__JobView) 20000;
    const rpc_local_request call = {.service = RIG_JOBS,
                                    .method = "Get",
                                    .message = &request.base,
                                    .memory = c.memory,
                                    .timeout_ms = LONG_MS};
    assert_null(rpc_local_start(local, &call, take_reply, &c, &c.call));
    AUTO(status) failure = finish(&c);
    assert_int_equal(status_code_of(failure), STATUS_RESOURCE_EXHAUSTED);
    assert_string_equal(c.id, "");
    rpc_local_free(local);
    rig_free(r);
}

// ---- who may call ----

static status *let_in_bob(void *data, const char *method, const char *authorization,
                          rpc_caller *ret)
{
    (void) data;
    (void) method;
    if (authorization == NULL || strcmp(authorization, "Bearer bob") != 0) {
        return status_new(STATUS_UNAUTHENTICATED, "who is it?");
    }
    *ret = (rpc_caller){.name = "bob"};
    return NULL;
}

static void its_calls_are_authorized_like_others(void **state)
{
    (void) state;
    rpc_server_options options;
    rpc_server_options_init(&options);
    options.authorize = let_in_bob;
    rig *r = rig_new(&options, "inproc://local-bob");
    rpc_local *bob = NULL, *nobody = open_local(r);
    assert_null(rpc_local_open(r->server, "Bearer bob", &bob));
    caller c;
    assert_null(get(bob, "x", &c));
    AUTO(status) failure = get(nobody, "x", &c);
    assert_int_equal(status_code_of(failure), STATUS_UNAUTHENTICATED);
    rpc_local_free(bob);
    rpc_local_free(nobody);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_call_is_answered_on_the_thread_that_makes_it),
    cmocka_unit_test(a_refusal_comes_back_as_it_is),
    cmocka_unit_test(a_parked_call_is_answered_by_another_thread),
    cmocka_unit_test(a_caller_that_leaves_is_told_of_and_its_request_lives_on),
    cmocka_unit_test(a_deadline_ends_a_call_that_nobody_answers),
    cmocka_unit_test(stopping_ends_what_waits_and_lets_nothing_more_in),
    cmocka_unit_test(caps_of_parked_calls_hold_for_it_too),
    cmocka_unit_test(a_reply_over_the_cap_is_refused),
    cmocka_unit_test(its_calls_are_authorized_like_others),
};

UNIT_TEST_MAIN(tests)
