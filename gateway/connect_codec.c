// connect_codec - messages as JSON and in protobuf's own form.
#include "gateway/connect_internal.h"

#include "gateway/problem.h"
#include "rpc/wire.h"
#include "json/codec.h"

bool connect_decode(connect_call *c, slice bytes)
{
    exchange *x = c->call.x;
    const ProtobufCMessageDescriptor *type = c->method.descriptor->input;
    status *failure =
        c->codec == CONNECT_JSON
            ? json_decode(type, (const char *) bytes.bytes, bytes.size, x->memory, &c->call.request)
            : wire_decode(type, bytes.bytes, bytes.size, x->memory, &c->call.request);
    return failure == NULL || problem_take(x, failure);
}

status *connect_encode(connect_codec codec, const ProtobufCMessage *reply, buf *out)
{
    if (codec == CONNECT_JSON) {
        return json_encode(reply, out);
    }
    size_t size = protobuf_c_message_get_packed_size(reply);
    if (buf_reserve(out, size)) {
        out->size += protobuf_c_message_pack(reply, out->bytes + out->size);
    }
    return NULL;
}
