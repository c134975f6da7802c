// idle - parked Lease calls, found by what they ask for.
//
// A call waits in a line for each pair of a queue and a kind that its worker names; one that names
// none of the two waits in the line of all. A route finds its workers in at most four lines, the
// longest waiting one first in each.
#ifndef ERRAND_ENGINE_IDLE_H
#define ERRAND_ENGINE_IDLE_H

#include "engine/supply.h"

typedef struct session session;
typedef struct idle_line idle_line;

// The place of a worker in one line.
typedef struct idle_post {
    session *session;
    idle_line *line;
    struct idle_post *prev, *next;  // while its call is parked
} idle_post;

struct idle_line {
    char *name;  // key: queue and kind
    bool all_kinds;
    size_t users;      // posts that belong to it
    idle_post *first;  // of those whose call is parked
    offer *offers;     // routes with jobs for them
    size_t place;      // in the heap of lines with offers, from 1; 0: not there
    uint64_t since;    // arrival of the first, as far as the heap knows
    UT_hash_handle hh;
};

// What the engine has of it.
typedef struct idle_lines {
    idle_line *lines;    // by name
    idle_line **active;  // heap of lines with offers, from 1
    size_t active_count, active_size;
    uint64_t arrivals;  // of parked Lease calls that ask for jobs
} idle_lines;

// idle_meet makes the posts of a worker whose queues and kinds are known. False when memory is
// short.
bool idle_meet(engine *e, session *s);
size_t idle_post_count(size_t queue_count, size_t kind_count);  // that it will make
void idle_forget(engine *e, session *s);                        // frees them

void idle_enter(engine *e, session *s);  // its call is parked
void idle_leave(session *s);             // no longer; may be told twice

// idle_offer puts the offered routes into the lines of those who wait for them. False when memory
// is short.
bool idle_offer(engine *e);
// idle_next is the worker that waits longest of those who serve a route that was offered and still
// has jobs; NULL: there is none.
session *idle_next(engine *e);
void idle_decline(engine *e);   // that one has found nothing: not that route again
void idle_withdraw(engine *e);  // ends the offers
void idle_free(engine *e);      // when no session is left

#endif
