// connect_get - the message of a GET, which stands in the query.
#include "gateway/connect_internal.h"

#include "base/crypto.h"
#include "gateway/encoding.h"
#include "gateway/problem.h"
#include "gateway/uri.h"

#include <string.h>

// The value of the first parameter of that name, as sent; {NULL, 0}: there is none. Names have no
// characters that need encoding.
static slice find_parameter(const char *query, const char *name)
{
    size_t name_size = strlen(name);
    while (query != NULL && *query != '\0') {
        size_t size = strcspn(query, "&");
        if (size > name_size && strncmp(query, name, name_size) == 0 && query[name_size] == '=') {
            return (slice){(const uint8_t *) query + name_size + 1, size - name_size - 1};
        }
        query += size + (query[size] == '&');
    }
    return (slice){NULL, 0};
}

static bool has_value(const exchange *x, const char *name, const char *value)
{
    slice found = find_parameter(x->query, name);
    return found.bytes != NULL && found.size == strlen(value) &&
           memcmp(found.bytes, value, found.size) == 0;
}

bool connect_get_codec(const exchange *x, connect_codec *ret)
{
    *ret = has_value(x, "encoding", "json") ? CONNECT_JSON : CONNECT_PROTO;
    return *ret == CONNECT_JSON || has_value(x, "encoding", "proto");
}

// What looks like a word, for Content-Encoding.
static const char *compression_of(exchange *x)
{
    slice found = find_parameter(x->query, "compression");
    return found.bytes == NULL
               ? ""
               : uri_decode((const char *) found.bytes, found.size, true, x->memory);
}

static bool decode_base64(exchange *x, size_t size)
{
    uint8_t *bytes = arena_alloc(x->memory, size / 4 * 3 + 3);
    if (bytes == NULL) {
        return problem_refuse(x, 503, "not enough memory for this request now");
    }
    size_t decoded = 0;
    if (!crypto_base64_decode((const char *) x->body.bytes, size, bytes, &decoded)) {
        return problem_refuse(x, 400, "the parameter message is not base64");
    }
    buf_clear(&x->body);
    buf_append(&x->body, bytes, decoded);
    return true;
}

static bool decode_message(exchange *x, slice sent)
{
    buf_clear(&x->body);
    if (!buf_reserve(&x->body, sent.size + 1)) {
        return problem_refuse(x, 503, "not enough memory for this request now");
    }
    if (!uri_decode_bytes((const char *) sent.bytes, sent.size, x->body.bytes, &x->body.size)) {
        return problem_refuse(x, 400, "the parameter message is not percent-encoded");
    }
    return !has_value(x, "base64", "1") || decode_base64(x, x->body.size);
}

bool connect_get_message(const connect_call *c)
{
    exchange *x = c->call.x;
    slice sent = find_parameter(x->query, "message");
    const char *compression = compression_of(x);
    bool may_lack = !c->call.gateway->require_connect_version &&
                    find_parameter(x->query, "connect").bytes == NULL;
    if (!may_lack && !has_value(x, "connect", "v1")) {
        return problem_refuse(x, 400, "the parameter connect must be \"v1\"");
    }
    if (sent.bytes == NULL) {
        return problem_refuse(x, 400, "the parameter message is missing");
    }
    if (compression == NULL || !encoding_known(compression)) {
        return problem_refuse(x, 501,
                              "unknown compression \"%s\": supported encodings are gzip, identity",
                              compression != NULL ? compression : "");
    }
    return decode_message(x, sent) && encoding_unpack_body(x, compression);
}
