// supply - which queues have jobs that may start.
//
// A route, a pair of queue and kind, is listed when jobs may stand in its lane. Whoever finds it
// empty takes it off the list; it comes back when a job enters the lane. A queue with listed routes
// stands in a ring, unless something holds it back: then it is blocked until it may go on. So
// nobody looks at queues that have nothing to give, however many there are, and a queue goes out
// and comes back at the same cost however many kinds it has: those of its routes that somebody
// comes across meanwhile are set aside, and come back with it.
#ifndef ERRAND_ENGINE_SUPPLY_H
#define ERRAND_ENGINE_SUPPLY_H

#include "engine/engine.h"
#include "engine/timers.h"

#include <uthash.h>

typedef struct job_queue job_queue;
typedef struct job_route job_route;
typedef struct job_kind job_kind;

// A route, or a queue with all its routes, that idle workers are to look at; it stands in the list
// of a line of theirs.
typedef struct offer {
    job_route *route;  // NULL: all of the queue
    job_queue *queue;
    uint64_t round;  // when it was put there last
    struct offer *next;
} offer;

#define OFFER_LINES 4  // lines of idle workers that a route may have; see idle.c

struct job_route {
    int32_t number;  // the store's
    job_queue *queue;
    job_kind *kind;
    bool listed;                       // see above
    bool aside;                        // until its queue is blocked no longer
    job_route *prev, *next;            // in the ring of its kind, or aside
    job_route *prev_here, *next_here;  // among the listed ones of its queue
    bool offered;                      // to idle workers, in this round
    job_route *next_offered;
    offer offers[OFFER_LINES];
};

struct job_kind {
    char *name;       // key
    job_route *ring;  // its listed routes
    size_t listed;
    UT_hash_handle hh;
};

// What the engine has of it.
typedef struct supply {
    job_kind *kinds;     // by name
    job_route **routes;  // by number
    size_t known, size;  // routes made, room for routes
    bool unknown;        // which of them are to be listed
    job_queue *ready;    // the ring of queues with listed routes
    size_t ready_count;
    job_route *offered;  // to idle workers
    job_queue *opened;   // blocked no longer: to be offered
    uint64_t looked;     // at routes and lines of workers, because of queues that were opened
    timers wakes;        // of queues that may go on then
} supply;

// supply_know makes routes, kinds and queues known that jobs have named since. False when memory is
// short.
bool supply_know(engine *e);
job_route *supply_route(engine *e, int32_t number);  // NULL when memory is short
job_route *supply_find(engine *e, const job_queue *q, const char *kind);  // NULL: there is none
job_kind *supply_kind(engine *e, const char *name);  // NULL: no job has named it

// supply_wake_at lets a queue that is blocked go on at a time; supply_wake does so. They have
// timers of their own, which run before a command is applied too: it comes after what is due.
void supply_wake_at(engine *e, job_queue *q, int64_t when_us);
void supply_wake(engine *e);

// supply_refresh lists and offers the routes whose lanes jobs have entered since.
void supply_refresh(engine *e);
void supply_forget(engine *e);  // the next refresh looks at all of them

void supply_exhausted(engine *e, job_route *r);  // its lane is empty
void supply_block(engine *e, job_queue *q);      // nothing of it starts
void supply_unblock(engine *e, job_queue *q);    // something may start again
bool supply_may_start(const job_queue *q);       // it may have jobs, and is not blocked
bool supply_is_open(const job_route *r);         // the same of one kind

// The next queue in turn that has jobs: of one kind, or of all. NULL: there is none.
job_queue *supply_next_of_kind(job_kind *kind);
job_queue *supply_next(engine *e);

void supply_free(engine *e);

#endif
