// queue - what the engine knows of a queue, and what it may start.
#ifndef ERRAND_ENGINE_QUEUE_H
#define ERRAND_ENGINE_QUEUE_H

#include "engine/feed.h"
#include "engine/supply.h"
#include "engine/tally.h"
#include "engine/timers.h"

#include <uthash.h>

// A queue: its settings, and what they are held against.
struct job_queue {
    char *name;  // key
    queue_settings settings;
    bucket tokens;       // on the monotonic clock
    job_route **routes;  // one for each kind
    size_t route_count;
    size_t listed;     // of its routes
    job_route *here;   // those
    job_route *aside;  // some of those: out of the rings until it may go on
    bool blocked;      // nothing of it starts until it may go on
    bool opened;       // in this round: to be offered
    job_queue *next_opened;
    offer offers[2];                     // to those who wait for all its kinds, or for all
    job_queue *prev_ready, *next_ready;  // in the ring of queues with listed routes
    size_t running;
    bool changed;                 // in this round: settings or tokens
    bool releasing;               // its held jobs are looked at again, a step a round
    size_t release_index;         // up to that route,
    int64_t release_seq;          // and to that job of it
    bool ranking;                 // its READY jobs take new places, a step a round
    bool rank_held;               // those that stand aside
    size_t rank_index;            // up to that route,
    int64_t rank_from, rank_seq;  // that place, and that job of it
    int64_t held_back_us;         // monotonic: nothing starts before
    bool probing;                 // one job at a time until one succeeds
    int64_t window_us;            // monotonic: start of the window that is counted
    size_t window_starts;
    double starts_a_second;  // of the window before
    timer wake;              // when something may start again
    queue_tally *tally;      // NULL: not chosen yet
    queue_feed *feed;        // NULL: nobody watches it
    struct job_queue *next_changed;
    UT_hash_handle hh;
};

// Queues: queue.c. queue_of is NULL when memory is short: such a route waits.
job_queue *queue_find(engine *e, const char *name);
job_queue *queue_make(engine *e, const char *name);  // finds or makes
job_queue *queue_of(engine *e, int32_t route);
// queue_refused says why there can not be such a queue; NULL: it exists, or may be made.
status *queue_refused(engine *e, const char *name);
void queue_apply(engine *e, engine_queue *command);
void queues_apply(engine *e, engine_queues *command);
int64_t queue_depth(engine *e, const job_queue *q);  // unfinished jobs
void queue_describe(engine *e, const job_queue *q, engine_queue_info *ret);
status *queues_load(engine *e);
bool queues_save(engine *e);  // those that changed in this round
void queue_changed(engine *e, job_queue *q);
void queues_free(engine *e);

// Limits: limits.c. limits_room is how many jobs of the queue may start now, at most wanted.
size_t limits_room(engine *e, job_queue *q, size_t wanted);
void limits_started(engine *e, job_queue *q);  // takes a token
void limits_opened(engine *e, const job_row *row);
void limits_closed(engine *e, const job_row *row);
size_t limits_key_running(engine *e, const uuid *key);
void limits_failed(engine *e, const job_row *row, int64_t retry_after_us);
void limits_succeeded(engine *e, const job_row *row);

// Jobs whose concurrency key is full: hold.c.
bool hold_needed(engine *e, const job_queue *q, const job_row *row);
bool hold(engine *e, const job_row *before);
bool hold_release_key(engine *e, const job_row *ended);  // a slot of its key is free
void hold_look_again(engine *e, job_queue *q);           // its limit may have changed
void hold_release_queues(engine *e);                     // a step for those that look again

// The places of READY jobs: ranks.c.
void ranks_look_again(engine *e, job_queue *q);  // its aging has changed
void ranks_renew(engine *e, job_row *row);       // that goes back to READY
void ranks_run(engine *e);                       // a step for those that look again

#endif
