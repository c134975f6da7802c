// rpc_parcel - several calls put into one message by hand, and their answers looked at one by one.
#ifndef ERRAND_TESTS_UNIT_RPC_PARCEL_H
#define ERRAND_TESTS_UNIT_RPC_PARCEL_H

#include "unit/rpc_rig.h"

#define PARCEL_MOST 300

typedef struct parcel {
    ProtobufCBinaryData calls[PARCEL_MOST];
    size_t count;
    const char *authorization;  // of the calls to come, or NULL
} parcel;

static inline void parcel_add_bytes(parcel *p, const void *bytes, size_t size)
{
    assert_true(p->count < PARCEL_MOST);
    ProtobufCBinaryData *call = &p->calls[p->count++];
    call->len = size;
    call->data = malloc(size + 1);
    assert_non_null(call->data);
    memcpy(call->data, bytes, size);
}

static inline void parcel_entry(Errand__Rpc__V1__Request__MetadataEntry *entry, const char *key,
                                const char *value)
{
    errand__rpc__v1__request__metadata_entry__init(entry);
    entry->key = (char *) (uintptr_t) key;
    entry->value = (char *) (uintptr_t) value;
}

static inline void parcel_add_request(parcel *p, const Errand__Rpc__V1__Request *request)
{
    uint8_t *bytes = malloc(errand__rpc__v1__request__get_packed_size(request) + 1);
    assert_non_null(bytes);
    parcel_add_bytes(p, bytes, errand__rpc__v1__request__pack(request, bytes));
    free(bytes);
}

static inline void parcel_add(parcel *p, const char *method, const char *request_id,
                              const ProtobufCMessage *message)
{
    Errand__Rpc__V1__Request request = ERRAND__RPC__V1__REQUEST__INIT;
    Errand__Rpc__V1__Request__MetadataEntry entries[2];
    Errand__Rpc__V1__Request__MetadataEntry *metadata[2] = {&entries[0], &entries[1]};
    char name[100];
    uint8_t *payload = malloc(protobuf_c_message_get_packed_size(message) + 1);
    assert_non_null(payload);
    snprintf(name, sizeof name, "/errand.v1.JobService/%s", method);
    parcel_entry(&entries[0], "request-id", request_id);
    parcel_entry(&entries[1], "authorization", p->authorization);
    request.method = name;
    request.payload = (ProtobufCBinaryData){protobuf_c_message_pack(message, payload), payload};
    request.metadata = metadata;
    request.n_metadata = p->authorization != NULL ? 2 : 1;
    parcel_add_request(p, &request);
    free(payload);
}

static inline void parcel_get(parcel *p, const char *request_id, const char *id, int size)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    request.view = (Errand__V1__JobView) size;
    parcel_add(p, "Get", request_id, &request.base);
}

// A call that the rig holds.
static inline void parcel_hold(parcel *p, const char *request_id)
{
    Errand__V1__ListJobsRequest request = ERRAND__V1__LIST_JOBS_REQUEST__INIT;
    parcel_add(p, "List", request_id, &request.base);
}

// A call that the rig would park.
static inline void parcel_wait(parcel *p, const char *request_id)
{
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    parcel_add(p, "GetResult", request_id, &request.base);
}

// The message that carries them; the parcel is empty again.
static inline Errand__Rpc__V1__Request parcel_whole(parcel *p)
{
    Errand__Rpc__V1__Request whole = ERRAND__RPC__V1__REQUEST__INIT;
    whole.calls = p->calls;
    whole.n_calls = p->count;
    return whole;
}

static inline void parcel_clear(parcel *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->calls[i].data);
    }
    p->count = 0;
}

static inline void parcel_pack(parcel *p, buf *ret)
{
    Errand__Rpc__V1__Request whole = parcel_whole(p);
    size_t size = errand__rpc__v1__request__get_packed_size(&whole);
    buf_clear(ret);
    assert_true(buf_reserve(ret, size + 1));
    ret->size = errand__rpc__v1__request__pack(&whole, ret->bytes);
    parcel_clear(p);
}

static inline void parcel_send(parcel *p, nng_socket socket)
{
    AUTO_BUF bytes = {0};
    parcel_pack(p, &bytes);
    raw_send(socket, bytes.bytes, bytes.size);
}

static inline Errand__Rpc__V1__Response *parcel_call(parcel *p, nng_socket socket)
{
    parcel_send(p, socket);
    return raw_receive(socket);
}

static inline void response_free(Errand__Rpc__V1__Response *response)
{
    errand__rpc__v1__response__free_unpacked(response, NULL);
}

static inline Errand__Rpc__V1__Response *answer_at(const Errand__Rpc__V1__Response *response,
                                                   size_t place, const char *request_id)
{
    assert_in_range(place, 0, response->n_answers - 1);
    ProtobufCBinaryData bytes = response->answers[place];
    Errand__Rpc__V1__Response *answer =
        errand__rpc__v1__response__unpack(NULL, bytes.len, bytes.data);
    assert_non_null(answer);
    if (request_id != NULL) {
        assert_int_equal(answer->n_metadata, 1);
        assert_string_equal(answer->metadata[0]->key, "request-id");
        assert_string_equal(answer->metadata[0]->value, request_id);
    }
    return answer;
}

static inline void assert_answer_job(const Errand__Rpc__V1__Response *response, size_t place,
                                     const char *request_id, const char *id)
{
    Errand__Rpc__V1__Response *answer = answer_at(response, place, request_id);
    assert_null(answer->status);
    Errand__V1__Job *job = errand__v1__job__unpack(NULL, answer->payload.len, answer->payload.data);
    assert_non_null(job);
    assert_string_equal(job->id, id);
    errand__v1__job__free_unpacked(job, NULL);
    response_free(answer);
}

static inline void assert_answer_failure(const Errand__Rpc__V1__Response *response, size_t place,
                                         const char *request_id, int code)
{
    Errand__Rpc__V1__Response *answer = answer_at(response, place, request_id);
    assert_non_null(answer->status);
    assert_int_equal(answer->status->code, code);
    assert_true(strlen(answer->status->message) > 0);
    response_free(answer);
}

// ---- a server, and a connection that sends what is put into the parcel ----

typedef struct scene {
    rig *rig;
    nng_socket raw;
    parcel parcel;
} scene;

static inline void scene_open(scene *s, const rpc_server_options *options)
{
    memset(s, 0, sizeof *s);
    s->rig = rig_new(options, "tcp://127.0.0.1:0");
    s->raw = raw_dial(s->rig->url);
}

static inline void scene_close(scene *s)
{
    nng_close(s->raw);
    rig_free(s->rig);
}

static inline void assert_no_answer_yet(const scene *s)
{
    nng_msg *message = NULL;
    assert_int_equal(nng_recvmsg(s->raw, &message, NNG_FLAG_NONBLOCK), NNG_EAGAIN);
}

// That nothing of what came before is left.
static inline void assert_serves(scene *s)
{
    parcel_get(&s->parcel, "last", "z", 0);
    Errand__Rpc__V1__Response *response = parcel_call(&s->parcel, s->raw);
    assert_int_equal(response->n_answers, 1);
    assert_answer_job(response, 0, "last", "z");
    response_free(response);
}

#endif
