// tally - what happened to the jobs of each queue since the start, for metrics.
#ifndef ERRAND_ENGINE_TALLY_H
#define ERRAND_ENGINE_TALLY_H

#include "engine/engine.h"

typedef struct queue_tally queue_tally;

typedef enum tally_what {
    TALLY_SUBMITTED,
    TALLY_FINISHED,  // value: the state
    TALLY_FAILED_ATTEMPT,
    TALLY_WAIT,  // value: microseconds
    TALLY_RUN,   // value: microseconds
} tally_what;

// What a round has counted so far.
typedef struct tally_event {
    queue_tally *tally;
    int64_t value;
    tally_what what;
} tally_event;

struct queue_tally {
    engine_queue_numbers numbers;
    queue_tally *next;
};

typedef struct tallies {
    queue_tally *first, *last;  // of queues that have their own
    size_t count;
    queue_tally other;  // of all the others
    tally_event *events;
    size_t event_count, event_capacity;
} tallies;

// tally_note counts something that has happened to a job of a route, if the round is committed.
void tally_note(engine *e, int32_t route, tally_what what, int64_t value);
// tally_end ends the round: what it has counted counts, or is forgotten.
void tally_end(engine *e, bool committed);
void tally_free(engine *e);

void numbers_apply(engine *e, engine_numbers *command);

#endif
