// departures - clients that go while their requests wait at the server.
//
// A thread of civetweb that waits for an answer does not see its client go. Each has a place here
// while it waits, and one thread of ours watches the sockets of all. civetweb keeps those to
// itself: for requests that wait longer than a moment they are looked up, many at a time.
#ifndef ERRAND_GATEWAY_DEPARTURES_H
#define ERRAND_GATEWAY_DEPARTURES_H

#include "base/status.h"
#include "gateway/sockets.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct departures departures;

// departure_fn runs on the thread that watches: others wait for it.
typedef void departure_fn(void *data);

typedef enum departure_state {
    DEPARTURE_NONE,
    DEPARTURE_NEW,      // its socket is not known yet
    DEPARTURE_SOUGHT,   // it is being looked for
    DEPARTURE_WATCHED,  // it is
    DEPARTURE_LOST,     // it was not found
    DEPARTURE_TOLD,     // gone is running
    DEPARTURE_GONE,     // and has
} departure_state;

// A place belongs to a thread, which uses it for one request after another. It begins as zeros.
typedef struct departure_place {
    departure_state state;
    int fd;  // with `found`: of the connection of the latest request
    bool found;
    socket_peer peer;
    int64_t since_us;
    departure_fn *gone;
    void *data;
    struct departure_place *prev, *next;  // those that are NEW or SOUGHT
} departure_place;

// departures_start: port is that of the listener, once it is known.
status *departures_start(departures **ret);
void departures_listens(departures *d, int port);
void departures_stop(departures *d);  // accepts NULL

// departures_knows: the place has the socket of the connection with this peer. Between a leave and
// the next enter.
bool departures_knows(const departure_place *place, socket_peer peer);

// departures_enter watches the connection with this peer until departures_leave. gone runs once if
// the client closes it, its sending side at least.
void departures_enter(departures *d, departure_place *place, socket_peer peer, departure_fn *gone,
                      void *data);
// departures_leave waits for gone if that is running, and tells whether it has.
bool departures_leave(departures *d, departure_place *place);

#endif
