// uuid - 128-bit identifiers: RFC 9562 version 7, and identifiers derived from a request.
#ifndef ERRAND_BASE_UUID_H
#define ERRAND_BASE_UUID_H

#include "base/crypto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct uuid {
    uint8_t bytes[16];
} uuid;

#define UUID_TEXT_SIZE 37  // 36 characters and the NUL

// uuid_new_v7 makes a version 7 UUID: 48 bits of milliseconds, 12 bits of the fraction behind them,
// then random bits. Thread-safe; one thread's UUIDs rise even when the clock stands still.
uuid uuid_new_v7(int64_t wall_us);

// uuid_derive makes the id of the index-th item of a request: the same arguments always give the
// same id. When request_id is itself a version 7 UUID the result keeps its time, so that derived
// ids are ordered like fresh ones, and those of one request by index, and is version 7 again;
// otherwise it is version 8. The rest is taken from SHA-256 over caller, request_id and index.
uuid uuid_derive(const char *caller, const char *request_id, uint64_t index);

// uuid_source is what uuid_derive makes of caller and request_id, for a request of many items.
typedef struct uuid_source {
    crypto_hash begun;  // with the SHA-256 of each
    uuid request;
    bool is_ordered;       // request is a version 7 UUID
    uint32_t first_place;  // of the item with index 0 among such
} uuid_source;

void uuid_source_init(const char *caller, const char *request_id, uuid_source *ret);
uuid uuid_derive_from(const uuid_source *source, uint64_t index);

// uuid_parse reads 8-4-4-4-12 hexadecimal digits of either case; false for anything else.
bool uuid_parse(const char *text, uuid *ret);

// uuid_format writes 36 lower-case characters and a NUL, and returns text.
char *uuid_format(const uuid *id, char text[static UUID_TEXT_SIZE]);

bool uuid_equal(const uuid *a, const uuid *b);
bool uuid_is_nil(const uuid *id);

// uuid_spread makes a number of an id, for hash tables: all of the id counts. The ids of version 1
// that a host makes differ in their first bytes only.
uint32_t uuid_spread(const uuid *id);

#endif
