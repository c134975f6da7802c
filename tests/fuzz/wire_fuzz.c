// wire_fuzz - what passes the walk decodes, and what decodes can be encoded and passes again.
#include "rpc/wire.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const ProtobufCMessageDescriptor *const kinds[] = {
    &errand__v1__submit_request__descriptor,
    &errand__v1__batch_submit_request__descriptor,
    &errand__v1__outcome_batch__descriptor,
    &errand__v1__list_jobs_response__descriptor,
};

static void check_again(const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *encoded = malloc(size + 1);
    require(encoded != NULL && protobuf_c_message_pack(message, encoded) == size);
    status *failure = wire_check(message->descriptor, encoded, size);
    require(failure == NULL);
    free(encoded);
}

// The first byte chooses the kind of message.
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const ProtobufCMessageDescriptor *kind = kinds[bytes[0] % (sizeof kinds / sizeof kinds[0])];
    bytes++;
    size--;
    arena *memory = arena_new((size_t) 256 * 1024 * 1024);
    require(memory != NULL);
    ProtobufCMessage *message = NULL;
    status *walked = wire_check(kind, bytes, size);
    status *decoded = wire_decode(kind, bytes, size, memory, &message);
    bool short_of_memory = status_code_of(decoded) == STATUS_RESOURCE_EXHAUSTED;
    require(short_of_memory || status_code_of(walked) == status_code_of(decoded));
    if (message != NULL) {
        check_again(message);
    }
    status_free(walked);
    status_free(decoded);
    arena_free(memory);
    return 0;
}
