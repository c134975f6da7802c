// engine - the one writer: applies commands to the store in batches.
//
// Anybody may post a command from any thread. The engine's thread takes all that wait, applies them
// in one transaction, commits, and only then runs their `done` functions (on one of its own two
// threads, in the order of the rounds; they must not block). A command and all it points to belong
// to the poster, and must stay alive until done runs. Every command is done exactly once, at the
// latest when the engine stops.
#ifndef ERRAND_ENGINE_ENGINE_H
#define ERRAND_ENGINE_ENGINE_H

#include "engine/commands.h"

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct engine engine;

typedef struct engine_options {
    store *store;               // borrowed
    const clock_source *clock;  // borrowed; NULL: the system's
    int64_t lease_us;           // how long a lease lasts
    int64_t grace_us;           // the server voids an attempt this long after its timeout
    size_t max_sessions;        // worker processes known at one time
    size_t max_served;          // queues, kinds and pairs of both that all of them name
    size_t max_leases;          // jobs running at one time
    size_t max_routes;          // pairs of queue and kind that submitters may use
    size_t max_queues;          // queues that may be made, by their first job or setting
    size_t max_named_queues;    // queues that have numbers of their own in engine_numbers
    size_t max_feed_changes;    // changes kept for those who watch queues, but for a few of each
    const uuid *own_workers;    // ids of the workers that live and die with the server
    size_t own_worker_count;    // 0: none
    size_t max_reply_bytes;     // assignments in one answer stop there, after at least one
    uint64_t seed;              // of the jitter; 0: from the kernel
    bool callers_lead;          // engine_post may do what is asked, and call done, in the caller
} engine_options;

void engine_options_init(engine_options *options);  // 30 s, 5 s, 10,000, 1,000,000, 1,000,000,
                                                    // 100,000, 100,000, 200, 131,072, 8 MiB

// engine_start reads what was running from the store and starts the thread.
status *engine_start(const engine_options *options, engine **ret);

// engine_drain answers parked and coming Lease calls empty from now on.
void engine_drain(engine *e);

// engine_stop finishes what was posted, fails what is parked with UNAVAILABLE, and waits for the
// thread. Nothing may be posted afterwards. engine_free accepts NULL.
void engine_stop(engine *e);
void engine_free(engine *e);

// ---- commands ----

// engine_post hands a command over. With callers_lead and little to do it is carried out before the
// function returns: then no lock that done takes may be held. done may post.
void engine_post(engine *e, engine_command *command);

// engine_together: what this thread posts from when it begins until it ends is handed over as one.
// They do not nest.
void engine_together(engine *e, bool begins);

// A waiting command is found again by its ticket. Tickets are never used twice.
uint64_t engine_ticket(engine *e);

// engine_gone tells that nobody waits for that ticket any more: its command is done soon, with
// CANCELLED unless it was answered before; or, if it shall be answered, as at its deadline.
void engine_gone(engine *e, uint64_t ticket, bool answered);

// ---- what others may read while it runs ----

// engine_queue_length is the number of commands that wait to be applied.
size_t engine_queue_length(const engine *e);

#endif
