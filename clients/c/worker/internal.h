// internal - what the files of the worker share. All of it belongs to the loop's thread, but for
// `inbox` and the two flags.
//
// The loop has one turn, made before it waits for events: it looks at the state that the events
// left and does what is due. Events only change state. So all outcomes of a turn make one batch,
// and many free slots make one Lease.
#ifndef ERRAND_CLIENTS_C_WORKER_INTERNAL_H
#define ERRAND_CLIENTS_C_WORKER_INTERNAL_H

#include "base/clock.h"
#include "worker/attempt.h"
#include "worker/handover.h"
#include "worker/lease_plan.h"
#include "worker/outbox.h"
#include "worker/pipeline.h"
#include "worker/worker.h"

#include "errand.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define HOST_SIZE 256

// A call to the server; one object for each that can be under way.
typedef struct worker_call {
    handover_item item;  // hands the answer over
    worker *w;
    bool under_way;
    int64_t sent_us;
    int64_t sequence;       // of a Lease
    int code;               // STATUS_OK or why it failed
    struct answer *answer;  // copied from the reply; NULL on failure
    struct worker_call *next;
} worker_call;

typedef enum worker_phase {
    WORKER_RUNNING,
    WORKER_DRAINING,   // running jobs may end
    WORKER_REPORTING,  // nothing runs; what is not acknowledged goes out with Report
    WORKER_DONE,
} worker_phase;

struct worker {
    worker_options options;  // texts are owned
    const clock_source *clock;
    char id[UUID_TEXT_SIZE];
    char host[HOST_SIZE];
    char *authorization;  // NULL: none
    char **queues;
    char **kinds;
    Errand__V1__Worker self;  // as told to the server

    pthread_t thread;
    atomic_bool drain_wanted;
    atomic_bool stop_wanted;

    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t wake;  // of the next turn, if no event comes before
    int64_t wake_us;
    handover inbox;
    handover_item poke;

    errand_client *client;
    pipeline *pipeline;
    outbox outbox;
    attempts attempts;
    worker_phase phase;
    int64_t phase_end_us;

    int64_t lease_us;  // how long a lease lasts, as the server says

    size_t peak_bytes;  // most memory of results since memory was last given back
    int64_t trim_us;    // when to give it back

    lease_plan plan;  // lease.c
    worker_call *vacant_leases;
    uint32_t random;

    worker_call heartbeat;  // heartbeat.c
    int64_t heartbeat_due_us;
    bool unreachable;    // the last heartbeat failed
    int64_t renewed_us;  // when the last renewal that was answered was sent
    int64_t expiry_us;   // no lease runs out before

    handover_item connected_item;  // push.c
    handover_item broken_item;
    handover_item sent_item;
    bool sent_taken;
    bool link_seen;    // there is, or was, a connection
    int64_t renew_us;  // when to dial again; 0: not broken
    int64_t pushing;   // number of the batch given to the pipeline; 0: none

    worker_call report;  // report.c
    int64_t report_due_us;
};

// worker_wake_at makes sure of a turn at that time.
void worker_wake_at(worker *w, int64_t at_us);

// worker_suspect_link takes note of a failed call: a link that gave no answer in time may be dead
// without anybody having noticed.
void worker_suspect_link(worker *w, int code);

static inline int64_t worker_now(const worker *w)
{
    return clock_mono_us(w->clock);
}

double worker_random(worker *w);  // uniform in [0, 1)

// ---- one file each; the turns are made in this order ----

void push_turn(worker *w, int64_t now_us);  // push.c: outcomes into the pipeline
status *push_open(worker *w);
void push_check(worker *w, int64_t asked_us);  // after an answer to a question asked then

void lease_turn(worker *w, int64_t now_us);  // lease.c: asks for jobs
void lease_close(worker *w);

void heartbeat_turn(worker *w, int64_t now_us);  // heartbeat.c: renews, and sees leases run out
void heartbeat_lease_lasts(worker *w, int64_t lease_us);  // the server says so; 0: it does not

void report_turn(worker *w, int64_t now_us);  // report.c: the end of a drain

#endif
