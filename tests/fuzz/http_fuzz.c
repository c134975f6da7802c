// http_fuzz - what strangers write into requests: queries, header fields, compressed bodies.
#include "gateway/compress.h"
#include "gateway/headers.h"
#include "gateway/negotiate.h"
#include "gateway/uri.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CAP ((size_t) 1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

// What unpacks stays within the cap, and is the same after it was packed again.
static void try_unpack(slice packed)
{
    const compress_limit limit = {.cap = CAP};
    AUTO_BUF plain = {0};
    AUTO_BUF again = {0};
    AUTO_BUF back = {0};
    bool held = false;
    AUTO(status) refused = compress_unpack(packed, &limit, &plain, &held);
    require(held);
    if (refused != NULL) {
        return;
    }
    require(plain.size <= CAP);
    require(compress_pack(buf_slice(&plain), &again));
    require(compress_unpack(buf_slice(&again), &limit, &back, &held) == NULL);
    require(back.size == plain.size &&
            (plain.size == 0 || memcmp(back.bytes, plain.bytes, plain.size) == 0));
}

static void try_query(const char *text, arena *memory)
{
    uri_pair pairs[URI_MAX_PARAMETERS];
    size_t count = 0;
    if (uri_parse_query(text, memory, pairs, &count) == NULL) {
        require(count <= URI_MAX_PARAMETERS);
    }
    size_t size = strlen(text);
    size_t decoded = 0;
    uint8_t *room = arena_alloc(memory, size + 1);
    if (uri_decode_bytes(text, size, room, &decoded)) {
        require(decoded <= size);
    }
}

static void try_fields(const char *text, arena *memory)
{
    (void) negotiate_gzip(text);
    (void) negotiate_type(text, "application/json");
    (void) negotiate_has_tag(text, "W/\"1\"");
    (void) headers_is_json(text);
    (void) headers_bearer(text);
    (void) headers_traceparent(text);
    (void) headers_idempotency_key(text, memory);
    (void) headers_prefer_wait(text);
    (void) headers_is_media_type(text);
}

// The first byte chooses what is tried.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    AUTO(arena) memory = arena_new(0);
    char *text = arena_alloc(memory, size);
    memcpy(text, bytes + 1, size - 1);
    text[size - 1] = '\0';
    switch (bytes[0] % 3) {
    case 0:
        try_unpack((slice){bytes + 1, size - 1});
        break;
    case 1:
        try_query(text, memory);
        break;
    default:
        try_fields(text, memory);
        break;
    }
    return 0;
}
