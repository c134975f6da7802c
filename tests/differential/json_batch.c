// json_batch - converts many messages, both ways, for a test that compares the answers.
//
// Reads requests from standard input until it ends: what to do ('e'ncode, 'd'ecode, tell the 'n'ame
// or 'f'lush the answers), the number of the type, the size in four bytes, the bytes. Writes an
// answer for each: 'y' or 'n'o, the size, the bytes, which are the reason for a no.
#include "rpc/wire.h"
#include "json/codec.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"
#include "every_type.pb-c.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MEMORY   ((size_t) 64 << 20)
#define MAX_SIZE ((size_t) 1 << 20)

static const ProtobufCMessageDescriptor *const types[] = {
    &errand__test__scalars__descriptor,
    &errand__test__lists__descriptor,
    &errand__test__maps__descriptor,
    &errand__test__well_known__descriptor,
    &errand__test__tree__descriptor,
    &errand__v1__job__descriptor,
    &errand__v1__submit_request__descriptor,
    &errand__v1__get_result_response__descriptor,
    &errand__v1__list_jobs_request__descriptor,
    &errand__v1__explanation__descriptor,
    &errand__v1__update_queue_request__descriptor,
    &errand__v1__list_queues_response__descriptor,
    &errand__v1__lease_response__descriptor,
    &errand__v1__heartbeat_request__descriptor,
    &errand__v1__outcome_batch__descriptor,
    &errand__v1__server_stats__descriptor,
    &google__protobuf__timestamp__descriptor,
    &google__protobuf__duration__descriptor,
    &google__protobuf__value__descriptor,
    &google__protobuf__field_mask__descriptor,
};

typedef struct request {
    uint8_t what;
    uint8_t type;
    uint32_t size;
} request;

static bool read_request(request *ret, buf *bytes)
{
    uint8_t head[6];
    if (fread(head, 1, sizeof head, stdin) != sizeof head) {
        return false;
    }
    *ret = (request){.what = head[0], .type = head[1]};
    memcpy(&ret->size, head + 2, sizeof ret->size);
    buf_clear(bytes);
    if (ret->size > MAX_SIZE || ret->type >= sizeof types / sizeof types[0] ||
        !buf_reserve(bytes, ret->size + 1)) {
        return false;
    }
    bytes->size = fread(bytes->bytes, 1, ret->size, stdin);
    return bytes->size == ret->size;
}

static status *encode(const ProtobufCMessageDescriptor *type, const buf *bytes, arena *memory,
                      buf *out)
{
    ProtobufCMessage *message = NULL;
    status *failure = wire_decode(type, bytes->bytes, bytes->size, memory, &message);
    return failure != NULL ? failure : json_encode(message, out);
}

static status *decode(const ProtobufCMessageDescriptor *type, const buf *bytes, arena *memory,
                      buf *out)
{
    ProtobufCMessage *message = NULL;
    status *failure = json_decode(type, (const char *) bytes->bytes, bytes->size, memory, &message);
    if (failure != NULL) {
        return failure;
    }
    size_t size = protobuf_c_message_get_packed_size(message);
    if (buf_reserve(out, size)) {
        out->size = protobuf_c_message_pack(message, out->bytes);
    }
    return NULL;
}

static status *answer(const request *asked, const buf *bytes, arena *memory, buf *out)
{
    const ProtobufCMessageDescriptor *type = types[asked->type];
    switch (asked->what) {
    case 'e':
        return encode(type, bytes, memory, out);
    case 'd':
        return decode(type, bytes, memory, out);
    default:
        buf_append_text(out, type->name);
        return NULL;
    }
}

static bool write_answer(bool yes, const void *bytes, size_t size)
{
    uint8_t head[5] = {yes ? 'y' : 'n'};
    uint32_t size_4 = (uint32_t) size;
    memcpy(head + 1, &size_4, sizeof size_4);
    return fwrite(head, 1, sizeof head, stdout) == sizeof head &&
           fwrite(bytes, 1, size, stdout) == size;
}

static bool convert(const request *asked, const buf *bytes, arena *memory, buf *out)
{
    buf_clear(out);
    AUTO(status) failure = answer(asked, bytes, memory, out);
    arena_reset(memory);
    return failure == NULL ? write_answer(true, out->bytes, out->size)
                           : write_answer(false, failure->message, strlen(failure->message));
}

int main(void)
{
    AUTO(arena) memory = arena_new(MEMORY);
    AUTO_BUF bytes = {0};
    AUTO_BUF out = {0};
    request asked;
    bool ok = memory != NULL;
    while (ok && read_request(&asked, &bytes)) {
        ok = asked.what == 'f' ? fflush(stdout) == 0 : convert(&asked, &bytes, memory, &out);
    }
    return ok && fflush(stdout) == 0 && feof(stdin) ? 0 : 1;
}
