// encode_text - strings, numbers, bytes and enums as JSON.
#include "json/codec.h"
#include "json/encode.h"

#include "base/crypto.h"
#include "base/utf8.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_INTEGERS 1e15  // below, a whole double is written like an integer

// Whether a byte can stand in a JSON string as it is.
static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

static void append_escaped(buf *out, uint8_t byte)
{
    static const char short_escapes[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                         ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    if (byte < sizeof short_escapes && short_escapes[byte] != '\0') {
        const char pair[2] = {'\\', short_escapes[byte]};
        buf_append(out, pair, sizeof pair);
    } else {
        buf_append_format(out, "\\u%04x", byte);
    }
}

// Appends well-formed text.
static void append_text(buf *out, const uint8_t *at, size_t size)
{
    const uint8_t *end = at + size;
    while (at < end) {
        const uint8_t *from = at;
        while (at < end && is_plain(*at)) {
            at++;
        }
        buf_append(out, from, (size_t) (at - from));
        if (at < end) {
            append_escaped(out, *at++);
        }
    }
}

bool encode_string(json_writer *w, const char *text)
{
    size_t size = strlen(text);
    if (!utf8_valid(text, size)) {
        return encode_fail(w, "a string is not UTF-8");
    }
    buf_append_char(w->out, '"');
    append_text(w->out, (const uint8_t *) text, size);
    buf_append_char(w->out, '"');
    return true;
}

void json_append_string(buf *out, const char *text)
{
    size_t size = strlen(text);
    buf_append_char(out, '"');
    while (size > 0) {
        size_t valid = utf8_valid_size(text, size);
        append_text(out, (const uint8_t *) text, valid);
        text += valid;
        size -= valid;
        if (size > 0) {
            buf_append_text(out, "\xef\xbf\xbd");
            text++;
            size--;
        }
    }
    buf_append_char(out, '"');
}

static bool encode_bytes(json_writer *w, const ProtobufCBinaryData *data)
{
    size_t room = crypto_base64_size(data->len);  // counts a NUL too
    buf_append_char(w->out, '"');
    if (buf_reserve(w->out, room)) {
        crypto_base64_encode(data->data, data->len, (char *) w->out->bytes + w->out->size);
        w->out->size += room - 1;
    }
    buf_append_char(w->out, '"');
    return true;
}

static bool encode_signed(json_writer *w, int64_t value)
{
    buf_append_int(w->out, value);
    return true;
}

static bool encode_unsigned(json_writer *w, uint64_t value)
{
    buf_append_format(w->out, "%llu", (unsigned long long) value);
    return true;
}

// 64-bit integers are strings in JSON, since many readers keep numbers as doubles.
static bool encode_quoted_signed(json_writer *w, int64_t value)
{
    buf_append_char(w->out, '"');
    buf_append_int(w->out, value);
    buf_append_char(w->out, '"');
    return true;
}

static bool encode_quoted_unsigned(json_writer *w, uint64_t value)
{
    buf_append_format(w->out, "\"%llu\"", (unsigned long long) value);
    return true;
}

static const char *special_name(double value)
{
    if (isnan(value)) {
        return "\"NaN\"";
    }
    if (isinf(value)) {
        return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    }
    return value == 0 && signbit(value) ? "-0.0" : NULL;
}

// The fewest digits that read back as the same double.
static bool encode_double(json_writer *w, double value)
{
    const char *special = special_name(value);
    if (special != NULL) {
        buf_append_text(w->out, special);
        return true;
    }
    if (trunc(value) == value && fabs(value) < EXACT_INTEGERS) {
        return encode_signed(w, (int64_t) value);
    }
    char text[40];
    for (int digits = DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        (void) snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buf_append_text(w->out, text);
    return true;
}

static bool encode_float(json_writer *w, float value)
{
    bool is_whole = truncf(value) == value && fabsf(value) < (float) EXACT_INTEGERS;
    if (special_name((double) value) != NULL || is_whole) {
        return encode_double(w, (double) value);
    }
    char text[40];
    for (int digits = FLT_DIG; digits <= FLT_DECIMAL_DIG; digits++) {
        (void) snprintf(text, sizeof text, "%.*g", digits, (double) value);
        if (strtof(text, NULL) == value) {
            break;
        }
    }
    buf_append_text(w->out, text);
    return true;
}

static bool encode_enum(json_writer *w, const ProtobufCEnumDescriptor *descriptor, int value)
{
    if (strcmp(descriptor->name, "google.protobuf.NullValue") == 0) {
        buf_append_text(w->out, "null");
        return true;
    }
    const ProtobufCEnumValue *named = protobuf_c_enum_descriptor_get_value(descriptor, value);
    if (named == NULL) {
        return encode_signed(w, value);
    }
    buf_append_char(w->out, '"');
    buf_append_text(w->out, named->name);
    buf_append_char(w->out, '"');
    return true;
}

bool encode_scalar(json_writer *w, const ProtobufCFieldDescriptor *field, const void *slot)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return encode_signed(w, *(const int32_t *) slot);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return encode_unsigned(w, *(const uint32_t *) slot);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return encode_quoted_signed(w, *(const int64_t *) slot);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return encode_quoted_unsigned(w, *(const uint64_t *) slot);
    case PROTOBUF_C_TYPE_FLOAT:
        return encode_float(w, *(const float *) slot);
    case PROTOBUF_C_TYPE_DOUBLE:
        return encode_double(w, *(const double *) slot);
    case PROTOBUF_C_TYPE_BOOL:
        buf_append_text(w->out, *(const protobuf_c_boolean *) slot ? "true" : "false");
        return true;
    case PROTOBUF_C_TYPE_ENUM:
        return encode_enum(w, field->descriptor, *(const int *) slot);
    case PROTOBUF_C_TYPE_STRING:
        return encode_string(w, *(const char *const *) slot);
    case PROTOBUF_C_TYPE_BYTES:
        return encode_bytes(w, slot);
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return encode_fail(w, "%s is no scalar", field->name);
}
