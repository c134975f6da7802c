// feed - what happens in the queues that are watched: changes of their jobs, kept for a while.
//
// A queue has a feed from its first watch until nobody has watched it for a minute; for all others
// nothing is kept, and nothing is done. Changes are numbered, over all queues, in the order of the
// rounds that committed them. A watch names the last one it has seen. What is too old for it, or
// from another run of the server, is answered with a reset.
#ifndef ERRAND_ENGINE_FEED_H
#define ERRAND_ENGINE_FEED_H

#include "engine/engine.h"
#include "engine/supply.h"

struct parked;
typedef struct queue_feed queue_feed;

// A change of a round that is not committed yet.
typedef struct feed_change {
    queue_feed *feed;
    bool of_job;  // otherwise of the queue itself
    engine_feed_item item;
} feed_change;

// What the engine has of it.
typedef struct feeds {
    uint64_t run;   // tells this run of the server from others; 0: not drawn yet
    int64_t last;   // number of the latest change
    size_t count;   // feeds
    size_t places;  // in all rings
    feed_change *changes;
    size_t change_count, change_capacity;
} feeds;

void feed_apply(engine *e, engine_feed *command);
void feed_leave(engine *e, struct parked *p);  // out of its list
void feed_end(engine *e, bool committed);      // of a round: what it noted has happened, or not
void feed_free(engine *e, job_queue *q);
void feed_free_all(engine *e);

// What is noted counts if the round is committed. The row is as it is after the change; a change
// that leaves state and attempt alone is none.
void feed_note_job(engine *e, const job_row *before, const job_row *row);
void feed_note_removed(engine *e, const job_row *row);
void feed_note_queue(engine *e, job_queue *q);

#endif
