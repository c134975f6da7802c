// take - what the files that choose jobs for a Lease call share.
#ifndef ERRAND_ENGINE_TAKE_H
#define ERRAND_ENGINE_TAKE_H

#include "engine/internal.h"

typedef struct taking {
    engine *engine;
    session *session;
    engine_lease *command;
    size_t room;  // jobs still wanted
    size_t bytes;
    size_t holds;
    int64_t changed_seq;  // a job that is another now than when it was read
} taking;

bool take_is_full(const taking *t);

// take_queue takes up to limit jobs of one queue. If it takes fewer, the queue has no more to give
// for now. False: the round is lost.
bool take_queue(taking *t, job_queue *q, size_t limit);

// take_by_weight takes from the queues that the worker names, in proportion to their weights.
bool take_by_weight(taking *t);

#endif
