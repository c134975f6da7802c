// room - holds up results under way that would take more memory than all may have.
#include "worker/room.h"

#include <utlist.h>

#define RESUMED_BYTES ((size_t) 1 << 20)  // room for which one that waits goes on

// Outcomes that wait for the server make room without anybody going on; results under way do not.
static bool may_be_favoured(const room *r, const room_place *place)
{
    const attempts *all = place->owner;
    return r->favoured == place ||
           (r->favoured == NULL && attempts_unacked(all) < all->max_held_bytes);
}

static void begin_waiting(room *r, room_place *place)
{
    if (!place->waiting) {
        place->waiting = true;
        DL_APPEND(r->waiting, place);
    }
}

static void stop_waiting(room *r, room_place *place)
{
    place->waiting = false;
    DL_DELETE(r->waiting, place);
}

bool room_take(room *r, room_place *place, size_t size)
{
    attempts *all = place->owner;
    size_t counted = size > ROOM_FREE_BYTES ? size - ROOM_FREE_BYTES : 0;
    size_t more = counted > place->held_bytes ? counted - place->held_bytes : 0;
    if (more > 0 && attempts_held(all) + more > all->max_held_bytes) {
        if (!may_be_favoured(r, place)) {
            begin_waiting(r, place);
            return false;
        }
        r->favoured = place;
    }
    place->held_bytes += more;
    all->held_bytes += more;
    return true;
}

void room_leave(room *r, room_place *place)
{
    if (place->waiting) {
        stop_waiting(r, place);
    }
    if (r->favoured == place) {
        r->favoured = NULL;
    }
    place->owner->held_bytes -= place->held_bytes;
    place->held_bytes = 0;
}

// One that goes on may find at once that it has to wait again.
void room_turn(room *r)
{
    if (r->waiting == NULL) {
        return;
    }
    const attempts *all = r->waiting->owner;
    size_t held = attempts_held(all);
    size_t count = held < all->max_held_bytes ? (all->max_held_bytes - held) / RESUMED_BYTES : 0;
    if (count == 0 && may_be_favoured(r, r->waiting)) {
        count = 1;
    }
    room_place *last = r->waiting->prev;  // of those that wait now
    for (room_place *place = NULL; count > 0 && r->waiting != NULL && place != last; count--) {
        place = r->waiting;
        stop_waiting(r, place);
        r->resume(place);
    }
}
