// json - messages from and to JSON text.
#include "error.h"

#include "base/arena.h"
#include "json/codec.h"

#include <string.h>

// A copy of a message that lives in an arena, each part of it to be freed alone.
static ProtobufCMessage *copy_out(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    AUTO_FREE uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return NULL;
    }
    (void) protobuf_c_message_pack(message, bytes);
    return protobuf_c_message_unpack(message->descriptor, NULL, size, bytes);
}

errand_error *errand_value_from_json(const char *json, Google__Protobuf__Value **ret)
{
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *value = NULL;
    if (memory == NULL) {
        return error_no_memory();
    }
    status *failure =
        json_decode(&google__protobuf__value__descriptor, json, strlen(json), memory, &value);
    if (failure != NULL) {
        return error_from(failure);
    }
    ProtobufCMessage *own = copy_out(value);
    if (own == NULL) {
        return error_no_memory();
    }
    *ret = (Google__Protobuf__Value *) own;
    return NULL;
}

errand_error *errand_to_json(const ProtobufCMessage *message, char **ret)
{
    AUTO_BUF text = {0};
    status *failure = json_encode(message, &text);
    if (failure != NULL) {
        return error_from(failure);
    }
    if (buf_text(&text) == NULL) {
        return error_no_memory();
    }
    *ret = (char *) TAKE(text.bytes);
    return NULL;
}
