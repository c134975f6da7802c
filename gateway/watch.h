// watch - cuts connections that hold a thread of civetweb for nothing.
//
// civetweb has a thread for each connection, idle ones included, and no deadline for a body that
// drips in byte by byte. Each of its threads has a place here that says whether it has a request at
// work, and until when that has to have arrived. One thread of ours shuts sockets down: those past
// their deadline, and those idle for longest when places run out. One whose bytes wait for a thread
// is not idle, nor is one that a thread has just taken.
#ifndef ERRAND_GATEWAY_WATCH_H
#define ERRAND_GATEWAY_WATCH_H

#include "base/status.h"
#include "gateway/sockets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct watch watch;
typedef struct watch_place watch_place;

// watch_start makes places for so many connections and starts the thread.
status *watch_start(size_t places, watch **ret);
void watch_stop(watch *w);  // accepts NULL

// watch_listens tells the port; nothing is cut before.
void watch_listens(watch *w, int port);

// watch_join gives the calling thread a place for all its connections; NULL when all are given.
watch_place *watch_join(watch *w);

// Told by civetweb's threads. The peer is 0 at the opening of a connection when nobody knows it
// yet.
void watch_opened(watch *w, watch_place *place, socket_peer peer);
void watch_closed(watch *w);
void watch_busy(watch *w, watch_place *place, socket_peer peer);
void watch_idle(watch *w, watch_place *place);

// watch_set_deadline: on the monotonic clock, in microseconds; 0: none any more. watch_was_late
// tells whether it struck while the place was busy with the present request. What is being read
// then ends, so that an answer can still go out; WATCH_WRITING ends that too.
// It strikes up to WATCH_LAG_MS late.
#define WATCH_LAG_MS 2000
typedef enum watch_deed { WATCH_READING, WATCH_WRITING } watch_deed;
void watch_set_deadline(watch_place *place, watch_deed deed, int64_t deadline_us);
bool watch_was_late(watch_place *place);

// watch_is_crowded: nearly all places are taken.
bool watch_is_crowded(const watch *w);

// watch_wait waits until at most so many requests are at work, or the time is over.
void watch_wait(watch *w, size_t most, int64_t timeout_ms);

// watch_quiesce stops listening and cuts all connections without a request at work.
void watch_quiesce(watch *w);

#endif
