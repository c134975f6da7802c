// http_room - holds up transfers whose responses would take more memory than all may have.
//
// A transfer that finds no room is paused, and goes on when others have ended. The first that finds
// none goes on all the same, one at a time: so a response of any size arrives.
#ifndef ERRAND_WORKER_HTTP_ROOM_H
#define ERRAND_WORKER_HTTP_ROOM_H

#include "worker/http_transfer.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_FREE_BYTES (64 << 10)  // of each response, not counted: small ones never wait

typedef struct http_room {
    http_transfer *waiting;   // a list, paused longest first
    http_transfer *favoured;  // goes on without room
} http_room;

// http_room_take is asked before size more bytes of the body are kept. False: the transfer has to
// pause; the bytes come again.
bool http_room_take(http_room *room, http_transfer *t, size_t size);

// http_room_leave gives back what the transfer, which has ended, has taken.
void http_room_leave(http_room *room, http_transfer *t);

// http_room_turn lets paused transfers go on if there is room again. Not from inside curl.
void http_room_turn(http_room *room);

#endif
