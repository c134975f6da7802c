// status - how a call ended: a gRPC code, a sentence, the wrong fields.
//
// A function that can fail returns `status *`: NULL is success, anything else is owned by the
// caller. Outputs come last, are called ret or ret_..., and are untouched on failure.
#ifndef ERRAND_BASE_STATUS_H
#define ERRAND_BASE_STATUS_H

#include "base/cleanup.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// clang-format off
// Number, name, HTTP status, text; numbers and names are gRPC's (google/rpc/code.proto).
#define STATUS_CODE_MAP(X)                                             \
    X(0,  OK,                  200, "success")                         \
    X(1,  CANCELLED,           499, "cancelled")                       \
    X(2,  UNKNOWN,             500, "unknown failure")                 \
    X(3,  INVALID_ARGUMENT,    400, "invalid argument")                \
    X(4,  DEADLINE_EXCEEDED,   504, "deadline exceeded")               \
    X(5,  NOT_FOUND,           404, "not found")                       \
    X(6,  ALREADY_EXISTS,      409, "already exists")                  \
    X(7,  PERMISSION_DENIED,   403, "permission denied")               \
    X(8,  RESOURCE_EXHAUSTED,  429, "resource exhausted")              \
    X(9,  FAILED_PRECONDITION, 400, "failed precondition")             \
    X(10, ABORTED,             409, "aborted")                         \
    X(11, OUT_OF_RANGE,        400, "out of range")                    \
    X(12, UNIMPLEMENTED,       501, "unimplemented")                   \
    X(13, INTERNAL,            500, "internal error")                  \
    X(14, UNAVAILABLE,         503, "unavailable")                     \
    X(15, DATA_LOSS,           500, "data loss")                       \
    X(16, UNAUTHENTICATED,     401, "unauthenticated")
// clang-format on

typedef enum status_code {
#define X(number, name, http, text) STATUS_##name = (number),
    STATUS_CODE_MAP(X)
#undef X
} status_code;

typedef struct status_violation {
    char *field;        // path by proto names, such as jobs[3].http.url
    char *description;  // what was found and what was expected
} status_violation;

typedef struct status {
    status_code code;
    char *message;           // one sentence, never NULL
    int64_t retry_delay_ms;  // when to try again, from now; -1: not said
    status_violation *violations;
    size_t violation_count;
} status;

// status_new makes a failure; when memory is short it returns a fixed RESOURCE_EXHAUSTED object,
// so that it, like the others that make one, never returns NULL. code must not be STATUS_OK.
status *status_new(status_code code, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull, warn_unused_result));
status *status_new_v(status_code code, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), returns_nonnull, warn_unused_result));

// status_bad_field is an INVALID_ARGUMENT with one violation; the message is "field: description".
status *status_bad_field(const char *field, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull, warn_unused_result));

// status_unsupported_field is an UNIMPLEMENTED with one violation, for a field whose behaviour
// this server does not have.
status *status_unsupported_field(const char *field)
    __attribute__((returns_nonnull, warn_unused_result));

// status_add_violation adds one more wrong field; best effort when memory is short.
void status_add_violation(status *s, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// status_prefix_fields puts prefix (such as "jobs[3].") before the field of each violation, and
// before a message that begins with the first of them.
void status_prefix_fields(status *s, const char *prefix);

// status_errno turns an errno value into a status: "what: strerror".
status *status_errno(int error, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull, warn_unused_result));

#if defined(__clang_analyzer__) && !defined(STATUS_DEFINED_HERE)
// The analyzer does not take returns_nonnull at its word.
static inline status *status_assume(status *s)
{
    if (!s) {
        __builtin_unreachable();
    }
    return s;
}
#define status_new(...)               status_assume(status_new(__VA_ARGS__))
#define status_bad_field(...)         status_assume(status_bad_field(__VA_ARGS__))
#define status_unsupported_field(...) status_assume(status_unsupported_field(__VA_ARGS__))
#define status_errno(...)             status_assume(status_errno(__VA_ARGS__))
#endif

status *status_copy(const status *s);  // NULL for NULL
void status_free(status *s);           // accepts NULL
DEFINE_AUTO(status, status_free)

// status_code_of is STATUS_OK for NULL.
status_code status_code_of(const status *s);
const char *status_code_name(status_code code);  // "NOT_FOUND"; "UNKNOWN" for a foreign number
const char *status_code_text(status_code code);  // "not found"
int status_code_http(status_code code);          // 404

#endif
