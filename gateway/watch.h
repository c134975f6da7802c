// watch - cuts connections that hold a thread of civetweb for nothing.
//
// civetweb has a thread for each connection and no deadline for a body that drips in byte by byte.
// Each of its threads has a place here that says what its connection is doing. One thread of ours
// looks at the places and shuts sockets down: those past their deadline, and idle ones when places
// run out.
#ifndef ERRAND_GATEWAY_WATCH_H
#define ERRAND_GATEWAY_WATCH_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct watch watch;
typedef struct watch_place watch_place;

// watch_start makes places for so many connections and starts the thread.
status *watch_start(size_t places, watch **ret);
void watch_stop(watch *w);  // accepts NULL

// watch_join gives the calling thread a place for all its connections; NULL when all are given.
watch_place *watch_join(watch *w);

// The life of a connection, told by its thread; addresses are the peer's.
void watch_opened(watch *w, watch_place *place, const char *address, int port);
void watch_idle(watch_place *place);
void watch_busy(watch_place *place);
void watch_closed(watch *w, watch_place *place);

// watch_set_deadline: on the monotonic clock, in microseconds; 0: none any more. watch_was_cut
// tells whether the deadline, or watch_cut_idle, struck since the connection was opened.
void watch_set_deadline(watch_place *place, int64_t deadline_us);
bool watch_was_cut(watch_place *place);

// Connections open now.
size_t watch_open_count(const watch *w);
// watch_is_crowded: nearly all places are taken.
bool watch_is_crowded(const watch *w);

// watch_cut_idle cuts all idle connections, and stops listening on the port.
void watch_cut_idle(watch *w, int port);

#endif
