// json_support - decoding and encoding in one line each, for the tests of the JSON codec.
#ifndef ERRAND_TESTS_UNIT_JSON_SUPPORT_H
#define ERRAND_TESTS_UNIT_JSON_SUPPORT_H

#include "unit/unit_test.h"

#include "errand/v1/job_service.pb-c.h"
#include "google/protobuf/field_mask.pb-c.h"
#include "google/protobuf/wrappers.pb-c.h"
#include "json/codec.h"

#define JOB (&errand__v1__job__descriptor)

// Decodes the text and checks what comes out when it is encoded again.
static inline void assert_comes_back_as(const ProtobufCMessageDescriptor *type, const char *text,
                                        const char *expected)
{
    AUTO(arena) memory = arena_new(1 << 20);
    ProtobufCMessage *message = NULL;
    status *failure = json_decode(type, text, strlen(text), memory, &message);
    if (failure != NULL) {
        fail_msg("%s: %s", text, failure->message);
    }
    AUTO_BUF out;
    buf_init(&out, 0);
    assert_null(json_encode(message, &out));
    assert_string_equal(buf_text(&out), expected);
}

static inline void assert_comes_back(const ProtobufCMessageDescriptor *type, const char *text)
{
    assert_comes_back_as(type, text, text);
}

// Decodes and expects INVALID_ARGUMENT about the field; NULL: about no field.
static inline void assert_refused(const ProtobufCMessageDescriptor *type, const char *text,
                                  const char *field)
{
    AUTO(arena) memory = arena_new(1 << 20);
    ProtobufCMessage *message = NULL;
    AUTO(status) failure = json_decode(type, text, strlen(text), memory, &message);
    if (failure == NULL) {
        fail_msg("accepted: %s", text);
    }
    assert_null(message);
    assert_int_equal(failure->code, STATUS_INVALID_ARGUMENT);
    if (field == NULL) {
        assert_int_equal(failure->violation_count, 0);
    } else {
        assert_int_equal(failure->violation_count, 1);
        assert_string_equal(failure->violations[0].field, field);
    }
}

#endif
