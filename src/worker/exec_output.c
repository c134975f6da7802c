// exec_output - what is kept of the output of a command: its beginning, or its end.
#include "worker/exec_output.h"

#include <string.h>

void exec_output_init(exec_output *o, size_t cap, bool keep_end)
{
    *o = (exec_output){.cap = cap, .keep_end = keep_end};
    buf_init(&o->kept, 0);
}

void exec_output_fini(exec_output *o)
{
    buf_fini(&o->kept);
}

static void drop_first(exec_output *o, size_t count)
{
    o->kept.size -= count;
    memmove(o->kept.bytes, o->kept.bytes + count, o->kept.size);
    o->omitted_bytes += (int64_t) count;
}

// Up to twice the cap is held, so that bytes are moved once for each of them, not for each write.
static bool take_last(exec_output *o, const uint8_t *bytes, size_t size)
{
    if (size > o->cap) {
        o->omitted_bytes += (int64_t) (size - o->cap);
        bytes += size - o->cap;
        size = o->cap;
    }
    if (o->kept.size + size > o->cap * 2) {
        drop_first(o, o->kept.size + size - o->cap);
    }
    return buf_append(&o->kept, bytes, size);
}

static bool take_first(exec_output *o, const uint8_t *bytes, size_t size)
{
    size_t room = o->cap - o->kept.size;
    size_t taken = size < room ? size : room;
    o->omitted_bytes += (int64_t) (size - taken);
    return taken == 0 || buf_append(&o->kept, bytes, taken);
}

bool exec_output_take(exec_output *o, const void *bytes, size_t size)
{
    return o->keep_end ? take_last(o, bytes, size) : take_first(o, bytes, size);
}

size_t exec_output_most(const exec_output *o, size_t more)
{
    size_t cap = o->keep_end ? 2 * o->cap : o->cap;
    return o->kept.size + more < cap ? o->kept.size + more : cap;
}

slice exec_output_text(exec_output *o)
{
    if (o->kept.size > o->cap) {
        drop_first(o, o->kept.size - o->cap);
    }
    return buf_slice(&o->kept);
}
