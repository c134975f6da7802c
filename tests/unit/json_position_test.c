// Line and column of what is wrong.
#include "unit/unit_test.h"

#include "errand/v1/job.pb-c.h"
#include "json/codec.h"

#include <stdlib.h>
#include <string.h>

// The failure has to name the field and to point at the mark ^ in the text, which is taken out.
static void assert_points(const char *marked, const char *field)
{
    char text[4096];
    size_t used = 0;
    size_t line = 1, column = 1, mark_line = 0, mark_column = 0;
    for (const char *at = marked; *at != '\0'; at++) {
        if (*at == '^') {
            mark_line = line;
            mark_column = column;
            continue;
        }
        text[used++] = *at;
        column = *at == '\n' ? 1 : column + (((unsigned char) *at & 0xc0) != 0x80);
        line += *at == '\n';
    }
    text[used] = '\0';
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *message = NULL;
    AUTO(status) failure = json_decode(&errand__v1__job__descriptor, text, used, memory, &message);
    char wanted[64];
    (void) snprintf(wanted, sizeof wanted, "(line %zu, column %zu)", mark_line, mark_column);
    assert_non_null(failure);
    if (strstr(failure->message, wanted) == NULL) {
        fail_msg("%s: %s, not %s", text, failure->message, wanted);
    }
    if (field != NULL) {
        assert_int_equal(failure->violation_count, 1);
        assert_string_equal(failure->violations[0].field, field);
        assert_non_null(strstr(failure->violations[0].description, wanted));
    }
}

static void a_wrong_value_is_pointed_at(void **state)
{
    (void) state;
    assert_points("{\"queue\": ^5}", "queue");
    assert_points("{\"kind\":\"k\",\n  \"priority\" :\t^\"high\"}", "priority");
    assert_points("\n\n {\"http\":{\"headers\":{\"a\":\"b\",\"c\":^[]}}}", "http.headers[c]");
    assert_points("{\"after\":[\"a\", \"b\\\"]\",\n^7 ,\"c\"]}", "after[2]");
}

static void other_values_are_passed_over(void **state)
{
    (void) state;
    assert_points("{\"args\":{\"queue\":[{\"queue\":\"]}\"},[[]],{}]},\"queue\":^{}}", "queue");
    assert_points("{\"labels\":{\"kind\":\"x\"},\"kind\":^1}", "kind");
    assert_points("{\"args\":[1,-2.5e3,true,null,\"a,b\"],\"delay\":^\"soon\"}", "delay");
}

static void names_in_every_form_are_known(void **state)
{
    (void) state;
    assert_points("{\"attempt_timeout\":^1}", "attempt_timeout");
    assert_points("{\"attemptTimeout\":^1}", "attempt_timeout");
    assert_points("{\"q\\u0075eue\":^1}", "queue");
    assert_points("{\"labels\":{\"\\u00fc\\\"\":^1}}", "labels[\xc3\xbc\"]");
}

static void columns_count_characters(void **state)
{
    (void) state;
    assert_points("{\"kind\":\"gr\xc3\xbc\xc3\x9f"
                  "e \xf0\x9f\x8e\x89\",\"queue\":^5}",
                  "queue");
}

static void an_unknown_field_is_pointed_at_by_its_name(void **state)
{
    (void) state;
    assert_points("{\"kind\":\"k\", ^\"colour\": \"blue\"}", "colour");
    assert_points("{\"http\": {\n^\"c\\u006flour\": 1}}", "http.colour");
}

static void the_document_itself_is_pointed_at(void **state)
{
    (void) state;
    assert_points("  \n ^[1]", NULL);
    assert_points("^5", NULL);
}

static void the_text_of_before_is_forgotten(void **state)
{
    (void) state;
    assert_points("{\"queue\": ^5}", "queue");
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job job = ERRAND__V1__JOB__INIT;
    AUTO(status) failure = json_decode_field(&job.base, "priority", "high", memory);
    assert_null(strstr(failure->message, "line"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_wrong_value_is_pointed_at),
    cmocka_unit_test(other_values_are_passed_over),
    cmocka_unit_test(names_in_every_form_are_known),
    cmocka_unit_test(columns_count_characters),
    cmocka_unit_test(an_unknown_field_is_pointed_at_by_its_name),
    cmocka_unit_test(the_document_itself_is_pointed_at),
    cmocka_unit_test(the_text_of_before_is_forgotten),
};

UNIT_TEST_MAIN(tests)
