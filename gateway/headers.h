// headers - values of request header fields that mean something to the API. Pure.
#ifndef ERRAND_GATEWAY_HEADERS_H
#define ERRAND_GATEWAY_HEADERS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

// headers_is_json: application/json, in no charset but UTF-8; other parameters mean nothing to it.
bool headers_is_json(const char *content_type);

// headers_bearer is the token of an Authorization field; "" when there is none.
const char *headers_bearer(const char *authorization);

// headers_traceparent is the value itself when it is valid by W3C Trace Context, otherwise NULL.
const char *headers_traceparent(const char *value);

// headers_idempotency_key reads an Idempotency-Key: a quoted string of RFC 8941 or the bare key, 1
// to 255 visible ASCII characters. NULL when it is neither.
const char *headers_idempotency_key(const char *value, arena *memory);

// headers_prefer_wait reads wait=SECONDS of a Prefer field (RFC 7240); -1 when it is not there.
int64_t headers_prefer_wait(const char *value);

// headers_is_media_type: type/subtype and perhaps parameters, safe to be sent on.
bool headers_is_media_type(const char *value);

#endif
