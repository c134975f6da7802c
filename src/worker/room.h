// room - holds up results under way that would take more memory than all may have.
//
// One that finds no room waits, and goes on when others have ended. The first that finds none goes
// on all the same, one at a time: so a result of any size comes to its end.
#ifndef ERRAND_WORKER_ROOM_H
#define ERRAND_WORKER_ROOM_H

#include "worker/attempt.h"

#include <stdbool.h>
#include <stddef.h>

#define ROOM_FREE_BYTES (64 << 10)  // of each result, not counted: small ones never wait

// Part of what makes one result.
typedef struct room_place {
    attempts *owner;
    size_t held_bytes;
    bool waiting;
    struct room_place *prev, *next;
} room_place;

typedef struct room {
    void (*resume)(room_place *place);  // it may go on, and ask again
    room_place *waiting;                // a list, longest first
    room_place *favoured;               // goes on without room
} room;

// room_take is asked before a result grows to size. False: it has to wait, and is resumed.
bool room_take(room *r, room_place *place, size_t size);

// room_leave gives back what a result, which is over, has taken.
void room_leave(room *r, room_place *place);

// room_turn resumes those that wait if there is room again.
void room_turn(room *r);

#endif
