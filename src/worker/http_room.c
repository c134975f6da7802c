// http_room - holds up transfers whose responses would take more memory than all may have.
#include "worker/http_room.h"

#include <utlist.h>

#define RESUMED_BYTES ((size_t) 1 << 20)  // room for which one paused transfer goes on

// Outcomes that wait for the server make room without anybody going on; responses do not.
static bool may_be_favoured(const http_room *room, const http_transfer *t)
{
    const attempts *all = t->attempt->owner;
    return room->favoured == t ||
           (room->favoured == NULL && attempts_unacked(all) < all->max_held_bytes);
}

static void wait_for_room(http_room *room, http_transfer *t)
{
    t->paused = true;
    DL_APPEND2(room->waiting, t, line_prev, line_next);
}

bool http_room_take(http_room *room, http_transfer *t, size_t size)
{
    attempts *all = t->attempt->owner;
    size_t counted =
        t->body.size + size > HTTP_FREE_BYTES ? t->body.size + size - HTTP_FREE_BYTES : 0;
    size_t more = counted - t->held_bytes;
    if (more > 0 && attempts_held(all) + more > all->max_held_bytes) {
        if (!may_be_favoured(room, t)) {
            wait_for_room(room, t);
            return false;
        }
        room->favoured = t;
    }
    t->held_bytes = counted;
    all->held_bytes += more;
    return true;
}

static void stop_waiting(http_room *room, http_transfer *t)
{
    t->paused = false;
    DL_DELETE2(room->waiting, t, line_prev, line_next);
}

void http_room_leave(http_room *room, http_transfer *t)
{
    if (t->paused) {
        stop_waiting(room, t);
    }
    if (room->favoured == t) {
        room->favoured = NULL;
    }
    t->attempt->owner->held_bytes -= t->held_bytes;
    t->held_bytes = 0;
}

// What it has waited for is delivered at once, and may make it wait again.
static void resume(http_room *room, http_transfer *t)
{
    stop_waiting(room, t);
    (void) curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

void http_room_turn(http_room *room)
{
    if (room->waiting == NULL) {
        return;
    }
    const attempts *all = room->waiting->attempt->owner;
    size_t held = attempts_held(all);
    size_t count = held < all->max_held_bytes ? (all->max_held_bytes - held) / RESUMED_BYTES : 0;
    if (count == 0 && may_be_favoured(room, room->waiting)) {
        count = 1;
    }
    http_transfer *last = room->waiting->line_prev;  // of those that wait now
    for (http_transfer *t = NULL; count > 0 && room->waiting != NULL && t != last; count--) {
        t = room->waiting;
        resume(room, t);
    }
}
