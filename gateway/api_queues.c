// api_queues - PATCH of a queue: the members of the body are what is changed.
#include "gateway/routes.h"

#include "errand/v1/queue_service.pb-c.h"
#include "gateway/problem.h"
#include "json/codec.h"

#include <string.h>

static bool out_of_memory(exchange *x)
{
    return problem_refuse(x, 503, "not enough memory for this request now");
}

// The body may name the queue, but not another one than the path does.
static bool check_name(api_call *call, const char *name)
{
    const uri_span *value = &call->variables[0];
    const char *text = uri_decode(value->start, value->size, false, call->x->memory);
    if (*name == '\0' || (text != NULL && strcmp(text, name) == 0)) {
        return true;
    }
    return problem_refuse_field(call->x, "name", "must be the queue that the path names");
}

static bool make_mask(api_call *call, const json_given *given)
{
    Errand__V1__UpdateQueueRequest *request = (Errand__V1__UpdateQueueRequest *) call->request;
    arena *memory = call->x->memory;
    Google__Protobuf__FieldMask *mask = arena_alloc(memory, sizeof *mask);
    char **paths = arena_alloc(memory, (given->count + 1) * sizeof *paths);
    if (mask == NULL || paths == NULL) {
        return out_of_memory(call->x);
    }
    google__protobuf__field_mask__init(mask);
    mask->paths = paths;
    for (size_t i = 0; i < given->count; i++) {
        if (strcmp(given->names[i], "name") != 0) {
            mask->paths[mask->n_paths++] = (char *) (uintptr_t) given->names[i];
        }
    }
    request->update_mask = mask;
    return true;
}

bool api_queue_read(api_call *call)
{
    exchange *x = call->x;
    Errand__V1__UpdateQueueRequest *request = (Errand__V1__UpdateQueueRequest *) call->request;
    ProtobufCMessage *queue = NULL;
    json_given given;
    status *failure =
        json_decode_given(&errand__v1__queue__descriptor, (const char *) x->body.bytes,
                          x->body.size, x->memory, &queue, &given);
    if (failure != NULL) {
        return problem_take(x, failure);
    }
    request->queue = (Errand__V1__Queue *) queue;
    return check_name(call, request->queue->name) && make_mask(call, &given);
}

void api_queue_fail(api_call *call, status *failure)
{
    api_strip_prefix(failure, "queue.");
    (void) problem_take(call->x, failure);
}
