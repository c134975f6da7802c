// envelope_fuzz - Requests and Responses from anybody: read or refused, and read as protobuf-c
// reads them.
#include "rpc/envelope.h"

#include "errand/rpc/v1/envelope.pb-c.h"

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

static void require_same(slice ours, ProtobufCBinaryData theirs)
{
    require(ours.size == theirs.len);
    require(ours.size == 0 || memcmp(ours.bytes, theirs.data, ours.size) == 0);
}

typedef bool next_fn(slice *left, slice *ret);

static void compare_parts(slice encoded, next_fn *next, const ProtobufCBinaryData *theirs,
                          size_t count)
{
    slice part;
    for (size_t i = 0; i < count; i++) {
        require(next(&encoded, &part));
        require_same(part, theirs[i]);
    }
    require(!next(&encoded, &part));
}

static void compare(const envelope_request *ours, const Errand__Rpc__V1__Request *theirs)
{
    require(theirs != NULL);
    require(ours->method.size == strlen(theirs->method));
    require(ours->method.size == 0 ||
            memcmp(ours->method.bytes, theirs->method, ours->method.size) == 0);
    require_same(ours->payload, theirs->payload);
    require(ours->has_timeout == (theirs->timeout != NULL));
    for (size_t i = 0; i < theirs->n_metadata; i++) {
        const char *value = envelope_metadata(ours, theirs->metadata[i]->key);
        require(value != NULL && strcmp(value, theirs->metadata[i]->value) == 0);
    }
    require(ours->calls == theirs->n_calls);
}

static void read_request(slice encoded)
{
    arena *memory = arena_new(0);
    require(memory != NULL);
    envelope_request request;
    status *failure = envelope_read_request(encoded, memory, &request);
    if (failure == NULL) {
        Errand__Rpc__V1__Request *theirs =
            errand__rpc__v1__request__unpack(NULL, encoded.size, encoded.bytes);
        compare(&request, theirs);
        compare_parts(encoded, envelope_next_call, theirs->calls, theirs->n_calls);
        errand__rpc__v1__request__free_unpacked(theirs, NULL);
    }
    status_free(failure);
    arena_free(memory);
}

static void compare_reply(slice encoded, slice payload, const status *remote)
{
    Errand__Rpc__V1__Response *theirs =
        errand__rpc__v1__response__unpack(NULL, encoded.size, encoded.bytes);
    require(theirs != NULL);
    require_same(payload, theirs->payload);
    require(remote == NULL || theirs->status != NULL);
    compare_parts(encoded, envelope_next_answer, theirs->answers, theirs->n_answers);
    errand__rpc__v1__response__free_unpacked(theirs, NULL);
}

static void read_reply(slice encoded)
{
    arena *memory = arena_new(0);
    require(memory != NULL);
    slice payload;
    status *remote = NULL;
    status *failure = envelope_read_reply(encoded, memory, &payload, &remote);
    if (failure == NULL) {
        compare_reply(encoded, payload, remote);
    }
    if (remote != NULL) {
        nng_msg *again = envelope_write_failure(remote, NULL, SIZE_MAX, memory);
        require(again != NULL);
        nng_msg_free(again);
    }
    status_free(failure);
    status_free(remote);
    arena_free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    slice encoded = {bytes, size};
    read_request(encoded);
    read_reply(encoded);
    return 0;
}
