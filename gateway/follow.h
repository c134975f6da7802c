// follow - what happens to a job or in a queue, one change after another: Watch, asked again and
// again.
//
// A follower holds its thread. A call waits no longer than until the next beat, so that somebody
// can look whether the client is still there.
#ifndef ERRAND_GATEWAY_FOLLOW_H
#define ERRAND_GATEWAY_FOLLOW_H

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "gateway/routes.h"

#define FOLLOW_CURSOR_SIZE 64

// follow_change_fn is told of each answer with news, a Job or a WatchQueueResponse, on a thread of
// the client library while the follower's own waits.
typedef void follow_change_fn(void *data, const ProtobufCMessage *news);

typedef struct follower {
    api_call *call;    // its request is a WatchJobRequest or a WatchQueueRequest
    int64_t beat_us;   // no call waits longer
    int64_t revision;  // of a job: that the client has; 0: none
    follow_change_fn *on_change;
    void *data;
    bool ended;    // the job is in a final state; a queue does not end
    bool changed;  // in the last call

    // Its own.
    char cursor[FOLLOW_CURSOR_SIZE];  // of a queue: where to go on
    Google__Protobuf__Duration wait;
    int64_t pause_ms;
} follower;

// follow_admit takes one of the places for streams; false: all are taken. follow_leave gives it
// back.
bool follow_admit(struct gateway *g);
void follow_leave(struct gateway *g);

// follow_first asks without waiting: whether there is such a job or queue, how it is now, and
// whether the job has ended.
status *follow_first(follower *f) __attribute__((warn_unused_result));

// follow_next waits for the next change, until the next beat at most.
status *follow_next(follower *f) __attribute__((warn_unused_result));

#endif
