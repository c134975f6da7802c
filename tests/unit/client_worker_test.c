// client worker - what functions of liberrand's public worker get and say.
#include "unit/client_stage.h"

// ---- what a function gets, and says ----

static void add_up(errand_context *context, void *data)
{
    (void) data;
    const Errand__V1__Job *job = errand_context_job(context);
    double sum = 0;
    for (size_t i = 0; i < job->args->list_value->n_values; i++) {
        sum += job->args->list_value->values[i]->number_value;
    }
    assert_int_equal(errand_context_attempt(context), 3);
    assert_true(errand_context_time_left_ms(context) > 0);
    assert_true(errand_context_time_left_ms(context) <= 20000);
    assert_false(errand_context_cancelled(context));
    char json[64];
    snprintf(json, sizeof json, "{\"sum\": %g}", sum);
    assert_null(errand_context_succeed_json(context, json));
}

static void a_function_gets_the_job_and_its_value_is_the_result(void **state)
{
    (void) state;
    stage *s = stage_new();
    rig_job *job = make_job(s, "add");
    job->job.input_case = ERRAND__V1__JOB__INPUT_ARGS;
    assert_null(errand_value_from_json("[1, 2, 39]", &job->job.args));
    rig_offer(s->rig);
    stage_start(s, "add", add_up);
    rig_wait_finished(s->rig, 1);
    char *shown = NULL;
    assert_null(errand_to_json(&result_of(job->outcome)->base, &shown));
    assert_string_equal(shown, "{\"value\":{\"sum\":42}}");
    free(shown);
    google__protobuf__value__free_unpacked(job->job.args, NULL);
    stage_free(s);
}

static void make_bytes(errand_context *context, void *data)
{
    (void) data;
    char bytes[] = {'a', 0, 'b'};
    assert_null(errand_context_succeed_data(context, "image/png", bytes, sizeof bytes));
    memset(bytes, 'x', sizeof bytes);
}

static void bytes_are_a_result_too(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Result *result = result_of(run_one(s, make_bytes));
    assert_string_equal(result->data->content_type, "image/png");
    assert_int_equal(result->data->body.len, 3);
    assert_memory_equal(result->data->body.data, "a\0b", 3);
    stage_free(s);
}

static void say_nothing(errand_context *context, void *data)
{
    (void) context;
    (void) data;
}

static void saying_nothing_is_success_with_null(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Result *result = result_of(run_one(s, say_nothing));
    assert_int_equal(result->output_case, ERRAND__V1__RESULT__OUTPUT_VALUE);
    assert_int_equal(result->value->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE);
    stage_free(s);
}

static void give_in(errand_context *context, void *data)
{
    (void) data;
    char message[] = "no such picture";
    assert_null(errand_context_succeed_json(context, "1"));
    errand_context_fail(
        context,
        &(errand_failure){.code = STATUS_NOT_FOUND, .message = message, .permanent = true});
    memset(message, 'x', sizeof message - 1);
}

static void the_last_word_counts_and_a_failure_may_be_permanent(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, give_in);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_int_equal(outcome->failure->status->code, STATUS_NOT_FOUND);
    assert_string_equal(outcome->failure->status->message, "no such picture");
    assert_false(outcome->failure->retryable);
    assert_null(outcome->failure->retry_after);
    stage_free(s);
}

static void get_over_it(errand_context *context, void *data)
{
    (void) data;
    errand_context_fail(context, &(errand_failure){.permanent = true});
    assert_null(errand_context_succeed_json(context, "7"));
}

static void success_may_be_the_last_word_too(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_true(result_of(run_one(s, get_over_it))->value->number_value == 7);
    stage_free(s);
}

static void ask_for_later(errand_context *context, void *data)
{
    (void) data;
    errand_context_fail(context, &(errand_failure){.retry_after_ms = 90500});
}

static void a_failure_may_say_when_to_try_again(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, ask_for_later);
    assert_int_equal(outcome->failure->status->code, STATUS_UNKNOWN);
    assert_true(outcome->failure->retryable);
    assert_int_equal(outcome->failure->retry_after->seconds, 90);
    assert_int_equal(outcome->failure->retry_after->nanos, 500000000);
    stage_free(s);
}

static void ask_for_never(errand_context *context, void *data)
{
    (void) data;
    errand_context_fail(context, &(errand_failure){.retry_after_ms = INT64_MAX});
}

static void a_time_to_try_again_that_is_too_far_away_is_not_soon(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, ask_for_never);
    assert_non_null(outcome->failure->retry_after);
    assert_int_equal(outcome->failure->retry_after->seconds, 366 * 24 * 3600);
    stage_free(s);
}

static void say_no_text(errand_context *context, void *data)
{
    (void) data;
    assert_null(errand_context_succeed_data(context, "\xff/plain", "hi", 2));
}

// The server would refuse it, and what is sent along with it.
static void a_result_that_can_not_be_sent_is_a_failure_at_once(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, say_no_text);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_int_equal(outcome->failure->status->code, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
    assert_ptr_equal(
        strstr(outcome->failure->status->message, "the result can not be sent: data.content_type"),
        outcome->failure->status->message);
    assert_false(outcome->failure->retryable);
    stage_free(s);
}

static void say_nonsense_and_no_more(errand_context *context, void *data)
{
    (void) data;
    assert_null(errand_context_succeed_json(context, "1"));
    errand_error_free(errand_context_succeed_json(context, "{\"open\": "));
}

static void a_refused_result_is_no_success(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, say_nonsense_and_no_more);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_int_equal(outcome->failure->status->code, ERRAND__RPC__V1__CODE__INVALID_ARGUMENT);
    assert_ptr_equal(strstr(outcome->failure->status->message, "the result was refused: "),
                     outcome->failure->status->message);
    assert_false(outcome->failure->retryable);
    stage_free(s);
}

static void say_nonsense_then_sense(errand_context *context, void *data)
{
    (void) data;
    errand_error_free(errand_context_succeed_json(context, "{"));
    assert_null(errand_context_succeed_json(context, "8"));
}

static void another_result_makes_up_for_a_refused_one(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_true(result_of(run_one(s, say_nonsense_then_sense))->value->number_value == 8);
    stage_free(s);
}

static void say_nonsense(errand_context *context, void *data)
{
    (void) data;
    errand_error *error = errand_context_succeed_json(context, "{\"open\": ");
    assert_int_equal(error->code, STATUS_INVALID_ARGUMENT);
    errand_context_fail(context, &(errand_failure){.message = error->message});
    errand_error_free(error);
}

static void a_result_that_is_no_json_is_refused_to_the_function(void **state)
{
    (void) state;
    stage *s = stage_new();
    const Errand__V1__Outcome *outcome = run_one(s, say_nonsense);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    stage_free(s);
}

// ---- what is refused ----

static void assert_refused(errand_error *error, int code)
{
    assert_non_null(error);
    assert_int_equal(error->code, code);
    errand_error_free(error);
}

static void a_worker_is_put_together_before_it_starts(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_refused(errand_worker_start(s->worker), STATUS_INVALID_ARGUMENT);
    errand_worker_free(s->worker);
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_null(errand_worker_handle(s->worker, "task", say_nothing, NULL));
    assert_refused(errand_worker_handle(s->worker, "task", say_nothing, NULL),
                   STATUS_ALREADY_EXISTS);
    assert_null(errand_worker_start(s->worker));
    assert_refused(errand_worker_handle(s->worker, "other", say_nothing, NULL),
                   STATUS_FAILED_PRECONDITION);
    assert_refused(errand_worker_start(s->worker), STATUS_FAILED_PRECONDITION);
    assert_false(errand_log_level("loud"));
    stage_free(s);
}

static void each_kind_has_its_function(void **state)
{
    (void) state;
    stage *s = stage_new();
    assert_null(errand_worker_new(&s->options, &s->worker));
    assert_null(errand_worker_handle(s->worker, "bytes", make_bytes, NULL));
    rig_job *bytes = add_job(s, "bytes"), *task = add_job(s, "task");
    stage_start(s, "task", say_nothing);
    rig_wait_finished(s->rig, 2);
    assert_non_null(result_of(bytes->outcome)->data);
    assert_non_null(result_of(task->outcome)->value);
    stage_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_function_gets_the_job_and_its_value_is_the_result),
    cmocka_unit_test(bytes_are_a_result_too),
    cmocka_unit_test(a_result_that_can_not_be_sent_is_a_failure_at_once),
    cmocka_unit_test(saying_nothing_is_success_with_null),
    cmocka_unit_test(the_last_word_counts_and_a_failure_may_be_permanent),
    cmocka_unit_test(success_may_be_the_last_word_too),
    cmocka_unit_test(a_failure_may_say_when_to_try_again),
    cmocka_unit_test(a_time_to_try_again_that_is_too_far_away_is_not_soon),
    cmocka_unit_test(a_result_that_is_no_json_is_refused_to_the_function),
    cmocka_unit_test(a_refused_result_is_no_success),
    cmocka_unit_test(another_result_makes_up_for_a_refused_one),
    cmocka_unit_test(a_worker_is_put_together_before_it_starts),
    cmocka_unit_test(each_kind_has_its_function),
};

UNIT_TEST_MAIN(tests)
