// status - codes, wrong fields, errno values.
#include "unit/unit_test.h"

#include "base/status.h"

#include <errno.h>

static void a_new_status_carries_code_and_formatted_message(void **state)
{
    (void) state;
    AUTO(status) s = status_new(STATUS_NOT_FOUND, "job %s of %d", "x", 3);
    assert_int_equal(status_code_of(s), STATUS_NOT_FOUND);
    assert_string_equal(s->message, "job x of 3");
    assert_int_equal(s->retry_delay_ms, -1);
    assert_int_equal(s->violation_count, 0);
}

static void null_is_success(void **state)
{
    (void) state;
    assert_int_equal(status_code_of(NULL), STATUS_OK);
    assert_null(status_copy(NULL));
    status_free(NULL);
}

static void a_bad_field_is_named_in_message_and_violation(void **state)
{
    (void) state;
    AUTO(status) s = status_bad_field("job.http.url", "found %s", "ftp");
    assert_int_equal(s->code, STATUS_INVALID_ARGUMENT);
    assert_string_equal(s->message, "job.http.url: found ftp");
    assert_int_equal(s->violation_count, 1);
    assert_string_equal(s->violations[0].field, "job.http.url");
    assert_string_equal(s->violations[0].description, "found ftp");
}

static void an_unsupported_field_is_unimplemented_and_named(void **state)
{
    (void) state;
    AUTO(status) s = status_unsupported_field("job.after");
    assert_int_equal(s->code, STATUS_UNIMPLEMENTED);
    assert_string_equal(s->violations[0].field, "job.after");
    assert_non_null(strstr(s->message, "job.after"));
}

static void a_prefix_goes_before_every_field(void **state)
{
    (void) state;
    AUTO(status) s = status_bad_field("queue", "too long");
    status_add_violation(s, "kind", "bad character '%c'", '!');
    status_prefix_fields(s, "jobs[3].");
    assert_int_equal(s->violation_count, 2);
    assert_string_equal(s->violations[0].field, "jobs[3].queue");
    assert_string_equal(s->violations[1].field, "jobs[3].kind");
    assert_string_equal(s->violations[1].description, "bad character '!'");
    assert_string_equal(s->message, "jobs[3].queue: too long");
}

static void a_copy_has_everything_and_outlives_the_original(void **state)
{
    (void) state;
    status *original = status_bad_field("queue", "too long");
    original->retry_delay_ms = 1500;
    AUTO(status) copy = status_copy(original);
    status_free(original);
    assert_int_equal(copy->code, STATUS_INVALID_ARGUMENT);
    assert_string_equal(copy->message, "queue: too long");
    assert_int_equal(copy->retry_delay_ms, 1500);
    assert_int_equal(copy->violation_count, 1);
    assert_string_equal(copy->violations[0].field, "queue");
}

static void an_errno_becomes_the_nearest_code(void **state)
{
    (void) state;
    const struct {
        int error;
        status_code code;
    } cases[] = {
        {ENOENT, STATUS_NOT_FOUND},
        {EACCES, STATUS_PERMISSION_DENIED},
        {ENOSPC, STATUS_RESOURCE_EXHAUSTED},
        {EEXIST, STATUS_ALREADY_EXISTS},
        {ECONNREFUSED, STATUS_UNAVAILABLE},
        {EROFS, STATUS_PERMISSION_DENIED},
        {ETIMEDOUT, STATUS_DEADLINE_EXCEEDED},
        {EIO, STATUS_INTERNAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO(status) s = status_errno(cases[i].error, "open %s", "data");
        assert_int_equal(s->code, cases[i].code);
        assert_non_null(strstr(s->message, "open data: "));
        assert_non_null(strstr(s->message, strerror(cases[i].error)));
    }
}

static void codes_have_grpc_names_and_http_numbers(void **state)
{
    (void) state;
    assert_string_equal(status_code_name(STATUS_FAILED_PRECONDITION), "FAILED_PRECONDITION");
    assert_int_equal(status_code_http(STATUS_FAILED_PRECONDITION), 400);
    assert_int_equal(STATUS_UNAUTHENTICATED, 16);
    assert_int_equal(status_code_http(STATUS_UNAUTHENTICATED), 401);
    assert_string_equal(status_code_text(STATUS_NOT_FOUND), "not found");
}

static void a_foreign_code_reads_as_unknown(void **state)
{
    (void) state;
    assert_string_equal(status_code_name((status_code) 17), "UNKNOWN");
    assert_string_equal(status_code_name((status_code) -1), "UNKNOWN");
    assert_int_equal(status_code_http((status_code) 1000), 500);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_new_status_carries_code_and_formatted_message),
    cmocka_unit_test(null_is_success),
    cmocka_unit_test(a_bad_field_is_named_in_message_and_violation),
    cmocka_unit_test(an_unsupported_field_is_unimplemented_and_named),
    cmocka_unit_test(a_prefix_goes_before_every_field),
    cmocka_unit_test(a_copy_has_everything_and_outlives_the_original),
    cmocka_unit_test(an_errno_becomes_the_nearest_code),
    cmocka_unit_test(codes_have_grpc_names_and_http_numbers),
    cmocka_unit_test(a_foreign_code_reads_as_unknown),
};

UNIT_TEST_MAIN(tests)
