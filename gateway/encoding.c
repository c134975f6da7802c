// encoding - bodies that come and go as gzip.
#include "gateway/encoding.h"

#include "gateway/compress.h"
#include "gateway/negotiate.h"
#include "gateway/problem.h"

#include <string.h>
#include <strings.h>

#define MIN_PACKED 1024  // a packet holds as much

static bool is_gzip(const char *encoding)
{
    return encoding != NULL &&
           (strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0);
}

bool encoding_known(const char *encoding)
{
    return encoding == NULL || *encoding == '\0' || strcasecmp(encoding, "identity") == 0 ||
           is_gzip(encoding);
}

// The compressed bytes are still there while the others come out of them.
static bool hold(void *data, size_t size)
{
    exchange *x = data;
    return x->hold == NULL || x->hold(x, x->body.size + size);
}

bool encoding_unpack(exchange *x, slice packed, buf *out)
{
    const compress_limit limit = {.cap = x->max_body_bytes, .hold = hold, .data = x};
    bool held = true;
    status *failure = compress_unpack(packed, &limit, out, &held);
    if (failure == NULL) {
        return held;
    }
    int http_status = failure->code == STATUS_RESOURCE_EXHAUSTED ? 413 : 0;
    problem_write(x, http_status, failure);
    status_free(failure);
    return false;
}

bool encoding_unpack_body(exchange *x, const char *encoding)
{
    if (!is_gzip(encoding) || x->body.size == 0) {
        return true;
    }
    buf plain;
    buf_init(&plain, 0);
    bool ok = encoding_unpack(x, buf_slice(&x->body), &plain);
    if (ok) {
        buf packed = x->body;
        x->body = plain;
        plain = packed;
    }
    buf_fini(&plain);
    return ok;
}

// Pictures and the like are compressed already.
static bool is_compressible(const char *type)
{
    static const char *const kinds[] = {"text/",
                                        "application/json",
                                        "application/problem+json",
                                        "application/proto",
                                        "application/xml",
                                        "application/javascript",
                                        "image/svg+xml"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncasecmp(type, kinds[i], strlen(kinds[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool takes_gzip(const exchange *x)
{
    const char *accepted = exchange_list(x, "Accept-Encoding");
    return accepted != NULL ? negotiate_gzip(accepted) : x->assume_gzip;
}

bool encoding_is_worth_it(size_t size)
{
    return size >= MIN_PACKED;
}

// What a cache keeps says so whatever its size, which may be another next time; a 304 says it too.
static bool may_be_kept(const exchange *x)
{
    return x->reply.size > 0 && exchange_is_method(x, "GET");
}

void encoding_pack_reply(exchange *x)
{
    if (x->streaming || x->reply.failed || !is_compressible(x->content_type)) {
        return;
    }
    bool is_large = encoding_is_worth_it(x->reply.size);
    if (is_large || may_be_kept(x)) {
        exchange_add_header(x, "Vary", "Accept-Encoding");
    }
    if (!is_large || !takes_gzip(x)) {
        return;
    }
    AUTO_BUF packed;
    buf_init(&packed, 0);
    if (compress_pack(buf_slice(&x->reply), &packed)) {
        buf plain = x->reply;
        x->reply = packed;
        packed = plain;
        exchange_add_header(x, "Content-Encoding", "gzip");
    }
}
