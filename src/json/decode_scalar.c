// decode_scalar - JSON to numbers, strings, bytes and enums.
#include "json/decode.h"

#include "base/crypto.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define MAX_EXACT_INTEGER                                                                          \
    9007199254740991.0  // 2^53 - 1: a larger double may not be what was written
#define MAX_NUMBER_TEXT 64

// A number in any of the ways that JSON may hold it.
typedef struct number {
    bool is_integer;  // then `magnitude` and `negative` are exact, otherwise `real` counts
    bool negative;
    uint64_t magnitude;
    double real;
} number;

static number number_of_integer(int64_t value)
{
    bool negative = value < 0;
    return (number){.is_integer = true,
                    .negative = negative,
                    .magnitude = negative ? 0 - (uint64_t) value : (uint64_t) value,
                    .real = (double) value};
}

static number number_of_real(double value)
{
    number n = {.real = value};
    if (fabs(value) <= MAX_EXACT_INTEGER && trunc(value) == value) {
        n.is_integer = true;
        n.negative = value < 0;
        n.magnitude = (uint64_t) fabs(value);
    }
    return n;
}

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9') {
        text++;
    }
    return text;
}

// -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)? and nothing else: strtod alone takes far more.
static bool is_json_number(const char *text, bool *ret_digits_only)
{
    const char *first = text + (*text == '-');
    const char *at = skip_digits(first);
    if (at == first || (*first == '0' && at > first + 1)) {
        return false;
    }
    *ret_digits_only = *at == '\0';
    if (*at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        if (at == fraction) {
            return false;
        }
    }
    if (*at == 'e' || *at == 'E') {
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
        at = skip_digits(exponent);
        if (at == exponent) {
            return false;
        }
    }
    return *at == '\0';
}

static bool parse_number(const char *text, number *ret)
{
    bool digits_only;
    if (strlen(text) > MAX_NUMBER_TEXT || !is_json_number(text, &digits_only)) {
        return false;
    }
    errno = 0;
    double real = strtod(text, NULL);
    if (!isfinite(real)) {
        return false;
    }
    if (!digits_only) {
        *ret = number_of_real(real);
        return true;
    }
    bool negative = *text == '-';
    errno = 0;
    uint64_t magnitude = strtoull(text + negative, NULL, 10);
    *ret = (number){.is_integer = errno == 0,
                    .negative = negative && magnitude != 0,
                    .magnitude = magnitude,
                    .real = real};
    return true;
}

static bool read_number(const json_t *value, number *ret)
{
    if (json_is_integer(value)) {
        *ret = number_of_integer(json_integer_value(value));
        return true;
    }
    if (json_is_real(value)) {
        *ret = number_of_real(json_real_value(value));
        return true;
    }
    return json_is_string(value) && parse_number(json_string_value(value), ret);
}

static bool read_signed(const json_t *value, uint64_t max, int64_t *ret)
{
    number n;
    if (!read_number(value, &n) || !n.is_integer || n.magnitude > max + n.negative) {
        return false;
    }
    *ret = n.negative ? (int64_t) (0 - n.magnitude) : (int64_t) n.magnitude;
    return true;
}

static bool read_unsigned(const json_t *value, uint64_t max, uint64_t *ret)
{
    number n;
    if (!read_number(value, &n) || !n.is_integer || n.negative || n.magnitude > max) {
        return false;
    }
    *ret = n.magnitude;
    return true;
}

static status *decode_int32(const json_t *value, const path *where, int32_t *ret)
{
    int64_t wide;
    if (!read_signed(value, INT32_MAX, &wide)) {
        return decode_fail(where, value, "a whole number of 32 bits");
    }
    *ret = (int32_t) wide;
    return NULL;
}

static status *decode_uint32(const json_t *value, const path *where, uint32_t *ret)
{
    uint64_t wide;
    if (!read_unsigned(value, UINT32_MAX, &wide)) {
        return decode_fail(where, value, "a whole number of 32 bits, not negative");
    }
    *ret = (uint32_t) wide;
    return NULL;
}

static status *decode_int64(const json_t *value, const path *where, int64_t *ret)
{
    if (!read_signed(value, INT64_MAX, ret)) {
        return decode_fail(where, value, "a whole number of 64 bits (beyond 2^53 as a string)");
    }
    return NULL;
}

static status *decode_uint64(const json_t *value, const path *where, uint64_t *ret)
{
    if (!read_unsigned(value, UINT64_MAX, ret)) {
        return decode_fail(where, value,
                           "a whole number of 64 bits, not negative (beyond 2^53 as a string)");
    }
    return NULL;
}

static bool read_special(const json_t *value, double *ret)
{
    const char *text = json_string_value(value);
    if (text == NULL) {
        return false;
    }
    if (strcmp(text, "NaN") == 0) {
        *ret = (double) NAN;
    } else if (strcmp(text, "Infinity") == 0) {
        *ret = HUGE_VAL;
    } else if (strcmp(text, "-Infinity") == 0) {
        *ret = -HUGE_VAL;
    } else {
        return false;
    }
    return true;
}

static status *decode_double(const json_t *value, const path *where, double *ret)
{
    number n;
    if (read_special(value, ret)) {
        return NULL;
    }
    if (!read_number(value, &n)) {
        return decode_fail(where, value, "a number");
    }
    *ret = n.real;
    return NULL;
}

static status *decode_float(const json_t *value, const path *where, float *ret)
{
    double wide = 0;
    status *failure = decode_double(value, where, &wide);
    if (failure != NULL) {
        return failure;
    }
    if (isfinite(wide) && fabs(wide) > (double) FLT_MAX) {
        return decode_fail(where, value, "a number of single precision");
    }
    *ret = (float) wide;
    return NULL;
}

static status *decode_bool(const json_t *value, const path *where, protobuf_c_boolean *ret)
{
    if (!json_is_boolean(value)) {
        return decode_fail(where, value, "true or false");
    }
    *ret = json_is_true(value);
    return NULL;
}

// An enum may have values that this program does not know yet: a number is taken as it is.
static status *decode_enum(const ProtobufCEnumDescriptor *descriptor, const json_t *value,
                           const path *where, int *ret)
{
    int64_t wide;
    if (json_is_string(value)) {
        const ProtobufCEnumValue *named =
            protobuf_c_enum_descriptor_get_value_by_name(descriptor, json_string_value(value));
        if (named == NULL) {
            char expected[128];
            (void) snprintf(expected, sizeof expected, "the name of a %s", descriptor->short_name);
            return decode_fail(where, value, expected);
        }
        *ret = named->value;
        return NULL;
    }
    if (!read_signed(value, INT32_MAX, &wide)) {
        return decode_fail(where, value, "a name");
    }
    *ret = (int) wide;
    return NULL;
}

static status *decode_string(json_t *value, const path *where, const char **ret)
{
    if (!json_is_string(value)) {
        return decode_fail(where, value, "a string");
    }
    *ret = json_string_value(value);
    return NULL;
}

static status *decode_bytes(const json_t *value, const path *where, arena *memory,
                            ProtobufCBinaryData *ret)
{
    if (!json_is_string(value)) {
        return decode_fail(where, value, "base64 in a string");
    }
    size_t size = json_string_length(value);
    ProtobufCBinaryData data = {0, arena_alloc(memory, size / 4 * 3 + 3)};
    if (data.data == NULL) {
        return decode_no_memory();
    }
    if (!crypto_base64_decode(json_string_value(value), size, data.data, &data.len)) {
        return decode_fail(where, value, "base64");
    }
    *ret = data;
    return NULL;
}

status *decode_scalar(const ProtobufCFieldDescriptor *field, json_t *value, const path *where,
                      arena *memory, void *ret_slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return decode_int32(value, where, ret_slot);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return decode_uint32(value, where, ret_slot);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return decode_int64(value, where, ret_slot);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return decode_uint64(value, where, ret_slot);
    case PROTOBUF_C_TYPE_FLOAT:
        return decode_float(value, where, ret_slot);
    case PROTOBUF_C_TYPE_DOUBLE:
        return decode_double(value, where, ret_slot);
    case PROTOBUF_C_TYPE_BOOL:
        return decode_bool(value, where, ret_slot);
    case PROTOBUF_C_TYPE_ENUM:
        return decode_enum(field->descriptor, value, where, ret_slot);
    case PROTOBUF_C_TYPE_STRING:
        return decode_string(value, where, ret_slot);
    case PROTOBUF_C_TYPE_BYTES:
        return decode_bytes(value, where, memory, ret_slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return status_new(STATUS_INTERNAL, "%s is no scalar", field->name);
}
