// convert - Status across the wire.
#include "rpc/convert.h"

#include "base/utf8.h"

#include <string.h>

// Our codes are the API's, so that a cast converts.
#define X(number, name, http, text)                                                                \
    _Static_assert((int) STATUS_##name == (int) ERRAND__RPC__V1__CODE__##name, #name);
STATUS_CODE_MAP(X)
#undef X

#define MILLISECONDS         1000
#define NANOS_PER_MS         1000000
#define MAX_RETRY_DELAY_SECS INT64_C(31536000)  // a year; keeps what a peer says in range

// A message may quote what somebody sent and cut it inside of a character; the peer would refuse
// the whole answer for that.
static void clean_text(char *text)
{
    char *end = text + strlen(text);
    for (char *at = text; (at += utf8_valid_size(at, (size_t) (end - at))) < end; at++) {
        *at = '?';
    }
}

static char *copy_text(arena *memory, const char *text)
{
    char *copy = arena_strdup(memory, text);
    if (copy != NULL) {
        clean_text(copy);
    }
    return copy;
}

void convert_status_clean(status *s)
{
    clean_text(s->message);
    for (size_t i = 0; i < s->violation_count; i++) {
        clean_text(s->violations[i].field);
        clean_text(s->violations[i].description);
    }
}

static Google__Protobuf__Duration *delay_to_proto(int64_t delay_ms, arena *memory)
{
    Google__Protobuf__Duration *duration = arena_alloc(memory, sizeof *duration);
    if (duration != NULL) {
        google__protobuf__duration__init(duration);
        duration->seconds = delay_ms / MILLISECONDS;
        duration->nanos = (int32_t) (delay_ms % MILLISECONDS * NANOS_PER_MS);
    }
    return duration;
}

static Errand__Rpc__V1__FieldViolation *violation_to_proto(const status_violation *violation,
                                                           arena *memory)
{
    Errand__Rpc__V1__FieldViolation *message = arena_alloc(memory, sizeof *message);
    if (message == NULL) {
        return NULL;
    }
    errand__rpc__v1__field_violation__init(message);
    message->field = copy_text(memory, violation->field);
    message->description = copy_text(memory, violation->description);
    return message->field == NULL || message->description == NULL ? NULL : message;
}

static bool violations_to_proto(const status *s, arena *memory, Errand__Rpc__V1__Status *ret)
{
    if (s->violation_count == 0) {
        return true;
    }
    Errand__Rpc__V1__FieldViolation **violations =
        arena_alloc(memory, s->violation_count * sizeof(void *));
    for (size_t i = 0; violations != NULL && i < s->violation_count; i++) {
        violations[i] = violation_to_proto(&s->violations[i], memory);
        if (violations[i] == NULL) {
            return false;
        }
    }
    ret->violations = violations;
    ret->n_violations = violations == NULL ? 0 : s->violation_count;
    return violations != NULL;
}

Errand__Rpc__V1__Status *convert_status_to_proto(const status *s, arena *memory)
{
    if (s == NULL) {
        return NULL;
    }
    Errand__Rpc__V1__Status *message = arena_alloc(memory, sizeof *message);
    if (message == NULL) {
        return NULL;
    }
    errand__rpc__v1__status__init(message);
    message->code = (Errand__Rpc__V1__Code) s->code;
    message->message = copy_text(memory, s->message);
    if (message->message == NULL || !violations_to_proto(s, memory, message)) {
        return NULL;
    }
    if (s->retry_delay_ms >= 0) {
        message->retry_delay = delay_to_proto(s->retry_delay_ms, memory);
    }
    return message;
}

static status_code code_from_proto(Errand__Rpc__V1__Code code)
{
    switch ((int) code) {
#define X(number, name, http, text)                                                                \
    case number:                                                                                   \
        return STATUS_##name;
        STATUS_CODE_MAP(X)
#undef X
    default:
        return STATUS_UNKNOWN;
    }
}

static int64_t delay_from_proto(const Google__Protobuf__Duration *delay)
{
    if (delay == NULL || delay->seconds < 0 || delay->nanos < 0) {
        return -1;
    }
    if (delay->seconds >= MAX_RETRY_DELAY_SECS) {
        return MAX_RETRY_DELAY_SECS * MILLISECONDS;
    }
    return delay->seconds * MILLISECONDS + delay->nanos / NANOS_PER_MS;
}

status *convert_status_from_proto(const Errand__Rpc__V1__Status *message)
{
    if (message == NULL || message->code == ERRAND__RPC__V1__CODE__OK) {
        return NULL;
    }
    status *s = status_new(code_from_proto(message->code), "%s", message->message);
    for (size_t i = 0; i < message->n_violations; i++) {
        const Errand__Rpc__V1__FieldViolation *violation = message->violations[i];
        status_add_violation(s, violation->field, "%s", violation->description);
    }
    s->retry_delay_ms = delay_from_proto(message->retry_delay);
    return s;
}
