// uuid - making, reading and writing identifiers.
#include "base/uuid.h"

#include <string.h>

// Random bytes are fetched for many identifiers at once: a system call for each would dominate.
typedef struct random_pool {
    uint8_t bytes[512];
    size_t used;
    bool filled;
} random_pool;

static void pool_take(uint8_t *ret, size_t size)
{
    static _Thread_local random_pool pool;
    if (!pool.filled || pool.used + size > sizeof pool.bytes) {
        crypto_random(pool.bytes, sizeof pool.bytes);
        pool.used = 0;
        pool.filled = true;
    }
    memcpy(ret, pool.bytes + pool.used, size);
    memset(pool.bytes + pool.used, 0, size);
    pool.used += size;
}

// tick_of is the time in units of 1/4096 ms: the 48 bits of milliseconds and the 12 bits behind
// the version (RFC 9562 section 6.2, method 3).
static uint64_t tick_of(int64_t wall_us)
{
    uint64_t us = wall_us > 0 ? (uint64_t) wall_us : 0;
    return us / 1000 << 12 | us % 1000 * 4096 / 1000;
}

// next_tick keeps a thread's identifiers rising while its clock stands still or steps back a
// little. A long step back is followed, or else the time in new identifiers would be wrong.
static uint64_t next_tick(int64_t wall_us)
{
    static _Thread_local uint64_t last;
    const uint64_t ten_seconds = UINT64_C(10000) << 12;
    uint64_t tick = tick_of(wall_us);
    if (tick <= last && last - tick < ten_seconds) {
        tick = last + 1;
    }
    last = tick;
    return tick;
}

static void set_version(uuid *id, uint8_t version)
{
    id->bytes[6] = (uint8_t) ((id->bytes[6] & 0x0f) | version << 4);
    id->bytes[8] = (uint8_t) ((id->bytes[8] & 0x3f) | 0x80);
}

uuid uuid_new_v7(int64_t wall_us)
{
    uint64_t tick = next_tick(wall_us);
    uint64_t milliseconds = tick >> 12;
    uuid id;
    for (int i = 0; i < 6; i++) {
        id.bytes[i] = (uint8_t) (milliseconds >> (40 - 8 * i));
    }
    id.bytes[6] = (uint8_t) (tick >> 8);
    id.bytes[7] = (uint8_t) tick;
    pool_take(id.bytes + 8, 8);
    set_version(&id, 7);
    return id;
}

// uuid_hash writes SHA-256 over the SHA-256 of caller and of request_id and over the index, each
// of fixed size, so that no two different triples are hashed as the same bytes.
static void uuid_hash(const uuid_source *source, uint64_t index, uint8_t ret[static SHA256_BYTES])
{
    uint8_t bytes[sizeof index];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t) (index >> (56 - 8 * i));
    }
    crypto_sha256_end(&source->begun, bytes, sizeof bytes, ret);
}

// The 22 bits behind the variant.
static uint32_t place_in(const uint8_t *bytes)
{
    return (uint32_t) (bytes[8] & 0x3f) << 16 | (uint32_t) bytes[9] << 8 | bytes[10];
}

static void set_place(uuid *id, uint32_t place)
{
    id->bytes[8] = (uint8_t) (place >> 16 & 0x3f);
    id->bytes[9] = (uint8_t) (place >> 8);
    id->bytes[10] = (uint8_t) place;
}

// The hashes of both fill a block of SHA-256, which is the same for all items.
void uuid_source_init(const char *caller, const char *request_id, uuid_source *ret)
{
    uint8_t hashes[SHA256_BYTES + SHA256_BYTES], first[SHA256_BYTES];
    crypto_sha256(caller, strlen(caller), hashes);
    crypto_sha256(request_id, strlen(request_id), hashes + SHA256_BYTES);
    crypto_sha256_begin(hashes, sizeof hashes, &ret->begun);
    ret->is_ordered = uuid_parse(request_id, &ret->request) && ret->request.bytes[6] >> 4 == 7;
    if (ret->is_ordered) {
        uuid_hash(ret, 0, first);
        ret->first_place = place_in(first);
    }
}

// The first half of an ordered one holds the time, to the fraction of a millisecond. Behind it
// those of a request count up from where the first one stands by chance: neighbours in an index.
uuid uuid_derive_from(const uuid_source *source, uint64_t index)
{
    uint8_t hash[SHA256_BYTES];
    uuid_hash(source, index, hash);
    uuid id;
    memcpy(id.bytes, hash, sizeof id.bytes);
    if (source->is_ordered) {
        memcpy(id.bytes, source->request.bytes, 8);
        set_place(&id, source->first_place + (uint32_t) index);
        set_version(&id, 7);
    } else {
        set_version(&id, 8);
    }
    return id;
}

uuid uuid_derive(const char *caller, const char *request_id, uint64_t index)
{
    uuid_source source;
    uuid_source_init(caller, request_id, &source);
    return uuid_derive_from(&source, index);
}

// hex_value is the digit's value, 16 for anything else.
static unsigned hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return (unsigned) (digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return (unsigned) (digit - 'a') + 10;
    }
    return digit >= 'A' && digit <= 'F' ? (unsigned) (digit - 'A') + 10 : 16;
}

static bool hyphen_after(size_t byte)
{
    return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

bool uuid_parse(const char *text, uuid *ret)
{
    uuid id;
    for (size_t i = 0; i < sizeof id.bytes; i++) {
        unsigned high = hex_value(text[0]);
        unsigned low = high < 16 ? hex_value(text[1]) : 16;
        if (low > 15) {
            return false;
        }
        id.bytes[i] = (uint8_t) (high << 4 | low);
        text += 2;
        if (hyphen_after(i) && *text++ != '-') {
            return false;
        }
    }
    if (*text != '\0') {
        return false;
    }
    *ret = id;
    return true;
}

char *uuid_format(const uuid *id, char text[static UUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    char *at = text;
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        *at++ = digits[id->bytes[i] >> 4];
        *at++ = digits[id->bytes[i] & 15];
        if (hyphen_after(i)) {
            *at++ = '-';
        }
    }
    *at = '\0';
    return text;
}

bool uuid_equal(const uuid *a, const uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool uuid_is_nil(const uuid *id)
{
    static const uuid nil;
    return uuid_equal(id, &nil);
}

// The upper bits of a product depend on all bits below them: they are what is used of it, folded
// onto lower ones.
uint32_t uuid_spread(const uuid *id)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t first, last;
    memcpy(&first, id->bytes, sizeof first);
    memcpy(&last, id->bytes + sizeof first, sizeof last);
    uint64_t mixed = first ^ last * factor;
    mixed = (mixed ^ mixed >> 32) * factor;
    return (uint32_t) (mixed >> 32 ^ mixed >> 47);
}
