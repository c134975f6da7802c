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

// The lines of a queue, or of all queues: those in which somebody waits.
typedef struct idle_group {
    char *queue;  // key; "": all
    idle_line *waited;
    size_t waited_count;
    size_t users;  // lines that belong to it
    UT_hash_handle hh;
} idle_group;

struct idle_line {
    char *name;        // key: queue and kind
    const char *kind;  // the end of it; "": all
    idle_group *group;
    idle_line *prev, *next;  // in the group, while somebody waits
    size_t users;            // posts that belong to it
    idle_post *first;        // of those whose call is parked
    offer *offers;           // routes with jobs for them
    size_t place;            // in the heap of lines with offers, from 1; 0: not there
    uint64_t since;          // arrival of the first, as far as the heap knows
    UT_hash_handle hh;
};

// What the engine has of it.
typedef struct idle_lines {
    idle_line *lines;    // by name
    idle_group *groups;  // by queue
    size_t picky;        // that wait where not all kinds are theirs
    idle_line **active;  // heap of lines with offers, from 1
    size_t active_count, active_size;
    uint64_t arrivals;  // of parked Lease calls that ask for jobs
} idle_lines;

// Lines and posts: idle_lines.c. idle_meet makes the posts of a worker whose queues and kinds are
// known. False when memory is short.
bool idle_meet(engine *e, session *s);
size_t idle_post_count(size_t queue_count, size_t kind_count);  // that it will make
void idle_forget(engine *e, session *s);                        // frees them

void idle_enter(engine *e, session *s);  // its call is parked
void idle_leave(engine *e, session *s);  // no longer; may be told twice

// The line of a queue and a kind, and the lines of a queue; NULL: nobody has named it. "" is all.
idle_line *idle_find_line(engine *e, const char *queue, const char *kind);
idle_group *idle_find_group(engine *e, const char *queue, size_t size);

// Offers: idle.c. idle_offer puts the offered routes into the lines of those who wait for them.
// False when memory is short.
bool idle_offer(engine *e);
// idle_next is the worker that waits longest of those who serve a route that was offered and still
// has jobs; NULL: there is none.
session *idle_next(engine *e);
void idle_decline(engine *e);   // that one has found nothing: not that route again
void idle_withdraw(engine *e);  // ends the offers
void idle_free(engine *e);      // when no session is left

#endif
