// envelope - the Request and Response around each message; private to rpc.
//
// Both are written and read by hand: the payload is decoded straight out of the nng message, and
// copied once into it.
#ifndef ERRAND_RPC_ENVELOPE_H
#define ERRAND_RPC_ENVELOPE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <nng/nng.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#define ENVELOPE_AUTHORIZATION "authorization"
#define ENVELOPE_REQUEST_ID    "request-id"
#define ENVELOPE_TRACEPARENT   "traceparent"
#define ENVELOPE_ENDS          "ends"

// Longest timeout that makes sense: google.protobuf.Duration ends at 10,000 years.
#define ENVELOPE_MAX_TIMEOUT_SECONDS INT64_C(315576000000)

typedef struct envelope_entry {
    const char *key;
    const char *value;
    struct envelope_entry *next;
} envelope_entry;

typedef struct envelope_request {
    slice method;   // points into the message
    slice payload;  // points into the message
    bool has_timeout;
    int64_t timeout_us;
    envelope_entry *metadata;  // in the arena
    size_t calls;              // that it carries instead of one of its own
} envelope_request;

// envelope_read_request checks and reads. ret is filled as far as reading came even on failure,
// so that a refusal can still carry the request-id.
status *envelope_read_request(slice encoded, arena *memory, envelope_request *ret);
const char *envelope_metadata(const envelope_request *request, const char *key);
// envelope_next_call steps through the calls, envelope_next_answer through the answers of bytes
// that were read; false at the end.
bool envelope_next_call(slice *left, slice *ret);
bool envelope_next_answer(slice *left, slice *ret);

// envelope_write_request makes a message of at most max_bytes. The timeout stands last:
// ret_stable is the size of what comes before it and stays the same on a retry.
typedef struct envelope_call {
    const char *service;
    const char *method;
    const ProtobufCMessage *payload;
    const char *authorization;  // each may be NULL
    const char *request_id;
    const char *traceparent;
    const char *ends;
} envelope_call;
status *envelope_write_request(const envelope_call *call, int64_t timeout_ms, size_t max_bytes,
                               nng_msg **ret, size_t *ret_stable);
// envelope_write_again makes the message for a retry out of the stable part and a new timeout.
status *envelope_write_again(slice stable, int64_t timeout_ms, nng_msg **ret);

// envelope_write_calls makes one message of several; envelope_write_answers makes one of their
// answers, of as many of the first ones as there are and fit into max_bytes. Both are NULL when
// memory is short. The parts stay the caller's.
#define ENVELOPE_CALL_HEAD_BYTES 6  // at most, before each part
nng_msg *envelope_write_calls(nng_msg *const *parts, size_t count);
nng_msg *envelope_write_answers(nng_msg *const *parts, size_t count, size_t max_bytes);

// envelope_write_reply makes the answer with a reply message; request_id may be NULL.
// RESOURCE_EXHAUSTED beyond max_bytes.
status *envelope_write_reply(const ProtobufCMessage *reply, const char *request_id,
                             size_t max_bytes, nng_msg **ret);
// envelope_write_failure makes the answer with a failure. It leaves out what does not fit into
// max_bytes or the arena; NULL only when there is no memory for any message.
nng_msg *envelope_write_failure(const status *failure, const char *request_id, size_t max_bytes,
                                arena *memory);

// envelope_read_reply checks a Response and finds the payload in it. A failure that the peer
// reports comes back in ret_remote, with ret_payload empty; one of its bytes as the result.
status *envelope_read_reply(slice encoded, arena *memory, slice *ret_payload, status **ret_remote);

#endif
