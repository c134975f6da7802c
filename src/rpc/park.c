// park - one lock, one table of connections, for each one list of calls and a table of those that
// have a request-id.
// uthash's default hash falls through switch cases, which clang reports.
#define HASH_FUNCTION                HASH_FNV
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->lost = true)

#include "rpc/park.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

typedef struct park_pipe {
    uint32_t id;
    size_t count;
    rpc_parked *first;
    rpc_parked *named;  // the latest of each request-id
    bool lost;          // there was no memory to put it into the table
    UT_hash_handle hh;
} park_pipe;

struct rpc_park {
    pthread_mutex_t lock;
    park_pipe *pipes;
    size_t cap;
    size_t cap_per_pipe;
    _Atomic size_t count;  // changed under the lock, read without
    bool closed;
};

rpc_park *rpc_park_new(size_t cap, size_t cap_per_pipe)
{
    rpc_park *park = calloc(1, sizeof *park);
    if (park == NULL) {
        return NULL;
    }
    if (pthread_mutex_init(&park->lock, NULL) != 0) {
        free(park);
        return NULL;
    }
    park->cap = cap;
    park->cap_per_pipe = cap_per_pipe;
    return park;
}

void rpc_park_free(rpc_park *park)
{
    if (park == NULL) {
        return;
    }
    park_pipe *each;
    park_pipe *next;
    HASH_ITER(hh, park->pipes, each, next)
    {
        HASH_DEL(park->pipes, each);
        free(each);
    }
    pthread_mutex_destroy(&park->lock);
    free(park);
}

static park_pipe *find_pipe(const rpc_park *park, uint32_t id)
{
    park_pipe *found = NULL;
    HASH_FIND(hh, park->pipes, &id, sizeof id, found);
    return found;
}

// Without memory the connection stays unknown, and its calls can not be parked.
void rpc_park_pipe_came(rpc_park *park, uint32_t pipe)
{
    park_pipe *fresh = calloc(1, sizeof *fresh);
    if (fresh == NULL) {
        return;
    }
    fresh->id = pipe;
    pthread_mutex_lock(&park->lock);
    HASH_ADD(hh, park->pipes, id, sizeof fresh->id, fresh);
    pthread_mutex_unlock(&park->lock);
    if (fresh->lost) {
        free(fresh);
    }
}

static void run_gone(rpc_parked *place, rpc_gone_reason reason)
{
    rpc_gone_fn *gone = place->gone;
    place->gone = NULL;
    if (gone != NULL) {
        gone(place->data, place->ticket, reason);
    }
}

void rpc_park_pipe_went(rpc_park *park, uint32_t pipe)
{
    pthread_mutex_lock(&park->lock);
    park_pipe *gone = find_pipe(park, pipe);
    if (gone != NULL) {
        for (rpc_parked *at = gone->first; at != NULL; at = at->next) {
            at->pipe = NULL;
            run_gone(at, RPC_GONE_LEFT);
        }
        HASH_CLEAR(hh, gone->named);
        HASH_DEL(park->pipes, gone);
        free(gone);
    }
    pthread_mutex_unlock(&park->lock);
}

static rpc_parked *find_named(const park_pipe *pipe, const char *request_id)
{
    rpc_parked *found = NULL;
    HASH_FIND_STR(pipe->named, request_id, found);
    return found;
}

static void forget_name(park_pipe *pipe, rpc_parked *place)
{
    if (place->named) {
        HASH_DEL(pipe->named, place);
        place->named = false;
    }
}

// Without memory it can not be found by its name, which matters little.
static void take_name(park_pipe *pipe, rpc_parked *place)
{
    place->named = place->lost = false;
    if (place->request_id == NULL) {
        return;
    }
    rpc_parked *before = find_named(pipe, place->request_id);
    if (before != NULL) {
        forget_name(pipe, before);
    }
    HASH_ADD_KEYPTR(hh, pipe->named, place->request_id, strlen(place->request_id), place);
    place->named = !place->lost;
}

static bool is_repeated(const rpc_parked *before, const rpc_parked *place)
{
    return before->method == place->method && strcmp(before->caller, place->caller) == 0;
}

static void replace_twin(const park_pipe *pipe, const rpc_parked *place)
{
    rpc_parked *before = place->request_id != NULL ? find_named(pipe, place->request_id) : NULL;
    if (before != NULL && is_repeated(before, place)) {
        run_gone(before, RPC_GONE_REPLACED);
    }
}

static void link_place(park_pipe *pipe, rpc_parked *place)
{
    take_name(pipe, place);
    place->pipe = pipe;
    place->previous = NULL;
    place->next = pipe->first;
    if (pipe->first != NULL) {
        pipe->first->previous = place;
    }
    pipe->first = place;
    pipe->count++;
}

static void unlink_place(rpc_parked *place)
{
    park_pipe *pipe = place->pipe;
    if (pipe == NULL) {
        return;  // its list went with the connection
    }
    forget_name(pipe, place);
    if (place->previous != NULL) {
        place->previous->next = place->next;
    } else {
        pipe->first = place->next;
    }
    if (place->next != NULL) {
        place->next->previous = place->previous;
    }
    pipe->count--;
}

bool rpc_park_add(rpc_park *park, uint32_t pipe, rpc_parked *place)
{
    pthread_mutex_lock(&park->lock);
    park_pipe *at = park->closed || park->count >= park->cap ? NULL : find_pipe(park, pipe);
    bool fits = at != NULL && at->count < park->cap_per_pipe;
    if (fits) {
        replace_twin(at, place);
        link_place(at, place);
        place->parked = true;
        park->count++;
    }
    pthread_mutex_unlock(&park->lock);
    return fits;
}

void rpc_park_remove(rpc_park *park, rpc_parked *place)
{
    pthread_mutex_lock(&park->lock);
    unlink_place(place);
    place->parked = false;
    place->gone = NULL;
    park->count--;
    pthread_mutex_unlock(&park->lock);
}

void rpc_park_leave(rpc_park *park, rpc_parked *place)
{
    pthread_mutex_lock(&park->lock);
    if (place->parked) {
        run_gone(place, RPC_GONE_LEFT);
    }
    pthread_mutex_unlock(&park->lock);
}

void rpc_park_end(rpc_park *park, uint32_t pipe, const char *request_id)
{
    pthread_mutex_lock(&park->lock);
    const park_pipe *from = find_pipe(park, pipe);
    rpc_parked *at = from != NULL ? find_named(from, request_id) : NULL;
    if (at != NULL) {
        run_gone(at, RPC_GONE_LEFT);
    }
    pthread_mutex_unlock(&park->lock);
}

void rpc_park_close(rpc_park *park)
{
    pthread_mutex_lock(&park->lock);
    park->closed = true;
    for (park_pipe *pipe = park->pipes; pipe != NULL; pipe = pipe->hh.next) {
        for (rpc_parked *at = pipe->first; at != NULL; at = at->next) {
            run_gone(at, RPC_GONE_LEFT);
        }
    }
    pthread_mutex_unlock(&park->lock);
}

size_t rpc_park_count(const rpc_park *park)
{
    return atomic_load(&park->count);
}
