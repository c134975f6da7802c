// json_fuzz - what decodes can be encoded, and then comes back as the same text.
#include "json/codec.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const ProtobufCMessageDescriptor *const kinds[] = {
    &errand__v1__job__descriptor,
    &errand__v1__submit_request__descriptor,
    &errand__v1__outcome_batch__descriptor,
    &errand__v1__update_queue_request__descriptor,
};

static bool decode_and_encode(const ProtobufCMessageDescriptor *kind, const char *text, size_t size,
                              buf *out)
{
    AUTO(arena) memory = arena_new((size_t) 64 << 20);
    require(memory != NULL);
    ProtobufCMessage *message = NULL;
    AUTO(status) refused = json_decode(kind, text, size, memory, &message);
    require((refused == NULL) == (message != NULL));
    if (message != NULL) {
        status *failure = json_encode(message, out);
        require(failure == NULL);
    }
    return message != NULL;
}

// The first byte chooses the kind of message.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const ProtobufCMessageDescriptor *kind = kinds[bytes[0] % (sizeof kinds / sizeof kinds[0])];
    AUTO_BUF once;
    AUTO_BUF twice;
    buf_init(&once, 0);
    buf_init(&twice, 0);
    if (decode_and_encode(kind, (const char *) bytes + 1, size - 1, &once)) {
        require(decode_and_encode(kind, (const char *) once.bytes, once.size, &twice));
        require(once.size == twice.size && memcmp(once.bytes, twice.bytes, once.size) == 0);
    }
    return 0;
}
