// compress - gzip, both ways; the only file that knows zlib. Pure.
#ifndef ERRAND_GATEWAY_COMPRESS_H
#define ERRAND_GATEWAY_COMPRESS_H

#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

// How large what is unpacked may get: a few kilobytes of gzip can hold gigabytes.
typedef struct compress_limit {
    size_t cap;  // beyond: RESOURCE_EXHAUSTED
    // hold is asked before so many bytes in all are needed; false: no, and the reason was told.
    // NULL: nobody is asked.
    bool (*hold)(void *data, size_t size);
    void *data;
} compress_limit;

// compress_unpack appends what the gzip data holds, all members of it. INVALID_ARGUMENT when it is
// damaged or cut off. *ret_held is false when hold said no; then there is no status.
status *compress_unpack(slice packed, const compress_limit *limit, buf *out, bool *ret_held);

// compress_pack appends the bytes as gzip; false when memory is short.
bool compress_pack(slice bytes, buf *out);

#endif
