// lease_ref - what names one lease of a job: the job's id and the token of the attempt.
#ifndef ERRAND_CLIENTS_C_WORKER_LEASE_REF_H
#define ERRAND_CLIENTS_C_WORKER_LEASE_REF_H

#include "base/uuid.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LEASE_TOKEN_MAX 32

// Plain data without padding bytes in use: two references to one lease are equal byte by byte.
typedef struct lease_ref {
    char job_id[UUID_TEXT_SIZE];
    uint8_t token_size;
    uint8_t token[LEASE_TOKEN_MAX];
} lease_ref;

// lease_ref_set is false when no server of ours can have sent that.
static inline bool lease_ref_set(lease_ref *ref, const char *job_id, ProtobufCBinaryData token)
{
    memset(ref, 0, sizeof *ref);
    if (strlen(job_id) >= sizeof ref->job_id || token.len > sizeof ref->token || token.len == 0) {
        return false;
    }
    memcpy(ref->job_id, job_id, strlen(job_id));
    memcpy(ref->token, token.data, token.len);
    ref->token_size = (uint8_t) token.len;
    return true;
}

static inline ProtobufCBinaryData lease_ref_token(lease_ref *ref)
{
    return (ProtobufCBinaryData){.len = ref->token_size, .data = ref->token};
}

#endif
