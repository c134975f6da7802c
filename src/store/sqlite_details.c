// sqlite_details - the fields of a job that stand in no column of their own.
#include "store/sqlite_details.h"

#include "base/varint.h"

#include <math.h>
#include <string.h>

#define FORMAT    1
#define HEAD_SIZE 5  // format and bits

// ---- writing ----

static uint8_t *put_number(uint8_t *at, int64_t number)
{
    return varint_put(at, zigzag(number));
}

// Differences wrap around, so that there is one for any two times.
static int64_t difference(int64_t a, int64_t b)
{
    return (int64_t) ((uint64_t) a - (uint64_t) b);
}

static uint8_t *put_INT64(uint8_t *at, const job_row *row, const int64_t *value, int64_t null)
{
    (void) row;
    return *value == null ? at : put_number(at, *value);
}

static uint8_t *put_INT32(uint8_t *at, const job_row *row, const int32_t *value, int64_t null)
{
    (void) row;
    return *value == null ? at : put_number(at, *value);
}

static uint8_t *put_TIME(uint8_t *at, const job_row *row, const int64_t *value, int64_t null)
{
    return *value == null ? at : put_number(at, difference(*value, row->create_us));
}

static uint8_t *put_BOOL(uint8_t *at, const job_row *row, const bool *value, int64_t null)
{
    (void) row;
    return *value == (null != 0) ? at : put_number(at, *value);
}

static uint8_t *put_UUID(uint8_t *at, const job_row *row, const uuid *value, int64_t null)
{
    (void) row;
    (void) null;
    if (uuid_is_nil(value))
        return at;
    memcpy(at, value->bytes, sizeof value->bytes);
    return at + sizeof value->bytes;
}

static uint8_t *put_REAL(uint8_t *at, const job_row *row, const double *value, int64_t null)
{
    uint64_t bits;
    (void) row;
    if (!islessgreater(*value, (double) null))
        return at;
    memcpy(&bits, value, sizeof bits);
    for (int i = 0; i < 8; i++)
        *at++ = (uint8_t) (bits >> (8 * i));
    return at;
}

#define PUT(name, type, member, null)                                                              \
    end = put_##type(at, row, &row->member, null);                                                 \
    bits |= end != at ? bit : 0;                                                                   \
    at = end;                                                                                      \
    bit <<= 1;

size_t sqlite_details_write(const job_row *row, uint8_t ret[static SQLITE_DETAILS_SIZE])
{
    uint8_t *at = ret + HEAD_SIZE, *end;
    uint32_t bits = 0, bit = 1;
    JOB_DETAILS(PUT)
    (void) bit;
    ret[0] = FORMAT;
    for (int i = 0; i < 4; i++)
        ret[1 + i] = (uint8_t) (bits >> (8 * i));
    return (size_t) (at - ret);
}

// ---- reading ----

typedef struct source {
    const uint8_t *at, *end;
    int64_t create_us;
    bool damaged;
} source;

static int64_t get_number(source *s)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 64 && s->at < s->end; shift += 7) {
        uint8_t byte = *s->at++;
        number |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
            return (int64_t) unzigzag(number);
    }
    s->damaged = true;
    return 0;
}

static bool has(source *s, size_t size)
{
    s->damaged = s->damaged || (size_t) (s->end - s->at) < size;
    return !s->damaged;
}

static void get_INT64(source *s, int64_t *ret)
{
    *ret = get_number(s);
}

static void get_INT32(source *s, int32_t *ret)
{
    int64_t number = get_number(s);
    s->damaged = s->damaged || number < INT32_MIN || number > INT32_MAX;
    *ret = (int32_t) number;
}

static void get_TIME(source *s, int64_t *ret)
{
    *ret = (int64_t) ((uint64_t) get_number(s) + (uint64_t) s->create_us);
}

static void get_BOOL(source *s, bool *ret)
{
    *ret = get_number(s) != 0;
}

static void get_UUID(source *s, uuid *ret)
{
    if (!has(s, sizeof ret->bytes))
        return;
    memcpy(ret->bytes, s->at, sizeof ret->bytes);
    s->at += sizeof ret->bytes;
}

static void get_REAL(source *s, double *ret)
{
    uint64_t bits = 0;
    if (!has(s, sizeof bits))
        return;
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t) *s->at++ << (8 * i);
    memcpy(ret, &bits, sizeof *ret);
}

static void none_INT64(int64_t *ret, int64_t null)
{
    *ret = null;
}

static void none_TIME(int64_t *ret, int64_t null)
{
    *ret = null;
}

static void none_INT32(int32_t *ret, int64_t null)
{
    *ret = (int32_t) null;
}

static void none_BOOL(bool *ret, int64_t null)
{
    *ret = null != 0;
}

static void none_UUID(uuid *ret, int64_t null)
{
    (void) null;
    *ret = (uuid){{0}};
}

static void none_REAL(double *ret, int64_t null)
{
    *ret = (double) null;
}

// The time that others count from comes first.
#define GET(name, type, member, null)                                                              \
    if ((bits & 1) != 0)                                                                           \
        get_##type(&s, &ret->member);                                                              \
    else                                                                                           \
        none_##type(&ret->member, null);                                                           \
    s.create_us = ret->create_us;                                                                  \
    bits >>= 1;

bool sqlite_details_read(const uint8_t *bytes, size_t size, job_row *ret)
{
    uint32_t bits = 0;
    if (size < HEAD_SIZE || bytes[0] != FORMAT)
        return false;
    source s = {.at = bytes + HEAD_SIZE, .end = bytes + size};
    for (int i = 0; i < 4; i++)
        bits |= (uint32_t) bytes[1 + i] << (8 * i);
    JOB_DETAILS(GET)
    return !s.damaged && bits == 0 && s.at == s.end;
}
