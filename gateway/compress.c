// compress - gzip, both ways; the only file that knows zlib.
#include "gateway/compress.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_ONLY  (16 + MAX_WBITS)  // for zlib: neither its own format nor raw data
#define LEVEL      4                 // above, time grows faster than size shrinks
#define MEMORY     8                 // zlib's own default
#define FIRST_STEP ((size_t) 4096)
#define MAX_STEP   ((size_t) 256 * 1024)

static status *damaged(void)
{
    return status_new(STATUS_INVALID_ARGUMENT, "the gzip data is damaged or cut off");
}

static status *too_large(const compress_limit *limit)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "unpacked, the data is larger than %zu bytes",
                      limit->cap);
}

// Makes room for the next piece, one byte more than allowed at most.
static status *make_room(const compress_limit *limit, buf *out, z_stream *z, bool *ret_held)
{
    size_t step = out->size < FIRST_STEP ? FIRST_STEP : out->size;
    step = step < MAX_STEP ? step : MAX_STEP;
    if (step > limit->cap + 1 - out->size) {
        step = limit->cap + 1 - out->size;
    }
    if (limit->hold != NULL && !limit->hold(limit->data, out->size + step)) {
        *ret_held = false;
        return NULL;
    }
    if (!buf_reserve(out, step)) {
        return status_new(STATUS_UNAVAILABLE, "not enough memory for this request now");
    }
    z->next_out = out->bytes + out->size;
    z->avail_out = (uInt) step;
    return NULL;
}

// One step of zlib: its verdict, and the bytes that it wrote counted in.
static int inflate_step(z_stream *z, buf *out)
{
    uInt room = z->avail_out;
    int verdict = inflate(z, Z_NO_FLUSH);
    out->size += room - z->avail_out;
    if (verdict == Z_STREAM_END && z->avail_in > 0) {
        return inflateReset(z);  // another member follows
    }
    return verdict;
}

static status *unpack(const compress_limit *limit, z_stream *z, buf *out, bool *ret_held)
{
    int verdict = Z_OK;
    while (verdict == Z_OK) {
        status *failure = make_room(limit, out, z, ret_held);
        if (failure != NULL || !*ret_held) {
            return failure;
        }
        verdict = inflate_step(z, out);
        if (out->size > limit->cap) {
            return too_large(limit);
        }
    }
    return verdict == Z_STREAM_END ? NULL : damaged();
}

status *compress_unpack(slice packed, const compress_limit *limit, buf *out, bool *ret_held)
{
    if (packed.size > UINT_MAX) {
        return too_large(limit);
    }
    z_stream z = {.next_in = (z_const Bytef *) (uintptr_t) packed.bytes,
                  .avail_in = (uInt) packed.size};
    if (inflateInit2(&z, GZIP_ONLY) != Z_OK) {
        return status_new(STATUS_UNAVAILABLE, "not enough memory for this request now");
    }
    *ret_held = true;
    status *failure = unpack(limit, &z, out, ret_held);
    (void) inflateEnd(&z);
    return failure;
}

bool compress_pack(slice bytes, buf *out)
{
    z_stream z = {.next_in = (z_const Bytef *) (uintptr_t) bytes.bytes,
                  .avail_in = (uInt) bytes.size};
    if (bytes.size > UINT_MAX ||
        deflateInit2(&z, LEVEL, Z_DEFLATED, GZIP_ONLY, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    size_t room = deflateBound(&z, (uLong) bytes.size);
    bool ok = room <= UINT_MAX && buf_reserve(out, room);
    if (ok) {
        z.next_out = out->bytes + out->size;
        z.avail_out = (uInt) room;
        ok = deflate(&z, Z_FINISH) == Z_STREAM_END;
        out->size += room - z.avail_out;
    }
    (void) deflateEnd(&z);
    return ok;
}
