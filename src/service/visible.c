// visible - what a caller gets to see whose token is limited to some queues.
//
// What is in another queue is answered exactly like what does not exist.
#include "service/internal.h"

#include "base/crypto.h"

#include <stdio.h>

const queue_set *call_queues(const rpc_call *call)
{
    const access_grant *grant = rpc_call_grant(call);
    return grant != NULL ? grant->queues : NULL;
}

// Says the same whether there is such a queue or not.
status *queue_check(const rpc_call *call, const char *queue)
{
    if (queue_set_has(call_queues(call), queue)) {
        return NULL;
    }
    return status_new(STATUS_PERMISSION_DENIED, "the token is not for the queue \"%s\"", queue);
}

// The queue of a job never changes, so that what is decided here holds until the answer.
static status *check_job(service *s, const rpc_call *call, const uuid *id)
{
    char text[UUID_TEXT_SIZE];
    store_job stored;
    const queue_set *queues = call_queues(call);
    AUTO(arena) memory = queues != NULL ? arena_new(0) : NULL;
    if (queues == NULL) {
        return NULL;
    }
    if (memory == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    status *failure = reader_get(&s->readers, id, STORE_PART_QUEUE, memory, &stored);
    if (failure == NULL && !queue_set_has(queues, stored.queue)) {
        failure = status_new(STATUS_NOT_FOUND, "no job %s", uuid_format(id, text));
    }
    return failure;
}

status *job_find(service *s, const rpc_call *call, const char *id, uuid *ret)
{
    status *failure = job_id_check("id", id, ret);
    return failure != NULL ? failure : check_job(s, call, ret);
}

// Workers with limited tokens have their own space of ids: whoever learns the id of another one
// can not speak for it.
void worker_scope(const access_grant *grant, uuid *id)
{
    char text[UUID_TEXT_SIZE], name[UUID_TEXT_SIZE + 8];
    if (grant != NULL && grant->queues != NULL) {
        // No UUID, of which half would come back: the result is a hash throughout.
        (void) snprintf(name, sizeof name, "worker %s", uuid_format(id, text));
        *id = uuid_derive(grant->name, name, 0);
    }
}

// The token of a lease is the number of its job in the order in which jobs came from everybody. Who
// is limited to some queues must not learn that, and knows it under a mask of that job only. Twice
// is as if it had not been.
void token_mask(const service *s, const access_grant *grant, const uuid *id,
                uint8_t token[static ENGINE_TOKEN_BYTES])
{
    uint8_t hash[SHA256_BYTES], use = 't';
    const crypto_part parts[] = {{&use, 1}, {id->bytes, sizeof id->bytes}};
    if (grant == NULL || grant->queues == NULL) {
        return;
    }
    crypto_hmac_sha256(s->page_key.bytes, sizeof s->page_key.bytes, parts,
                       sizeof parts / sizeof parts[0], hash);
    for (size_t i = 0; i < ENGINE_TOKEN_BYTES; i++) {
        token[i] ^= hash[i];
    }
}

void refs_mask(const service *s, const access_grant *grant, engine_lease_ref *refs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        token_mask(s, grant, &refs[i].id, refs[i].token.bytes);
    }
}

void rejections_mask(const service *s, const access_grant *grant, engine_rejection *rejected,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        token_mask(s, grant, &rejected[i].ref.id, rejected[i].ref.token.bytes);
    }
}
