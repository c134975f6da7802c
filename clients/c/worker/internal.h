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
#include "worker/heartbeat_plan.h"
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

typedef struct worker_link worker_link;

// A call to a server; one object for each that can be under way.
typedef struct worker_call {
    handover_item item;  // hands the answer over
    worker_link *link;
    bool under_way;
    int64_t sent_us;
    int64_t sequence;       // of a Lease or a batch; of a heartbeat: acknowledged when it was sent
    int32_t max_jobs;       // of a Lease
    int code;               // STATUS_OK or why it failed
    char why[256];          // the same in words, of a heartbeat
    struct answer *answer;  // copied from the reply; NULL on failure
    struct worker_call *next;
} worker_call;

typedef enum worker_phase {
    WORKER_RUNNING,
    WORKER_DRAINING,   // running jobs may end
    WORKER_REPORTING,  // nothing runs; what is not acknowledged goes out with Report
} worker_phase;

// What belongs to one server: its sockets, its outcomes, its leases.
struct worker_link {
    worker *w;
    char *rpc_url;
    char *results_url;  // NULL: not known yet
    bool learns;        // the address of the results is asked from the server
    char id[UUID_TEXT_SIZE];
    Errand__V1__Worker self;  // as told to the server

    errand_client *client;
    pipeline *pipeline;
    attempt_source source;

    int64_t lease_us;  // how long a lease lasts, as the server says

    lease_plan plan;  // lease.c
    worker_call *vacant_leases;
    int32_t asking;  // Leases under way that ask for jobs
    bool hungry;     // it had more jobs than were asked for
    int64_t served;  // by the count of jobs_served when it gave jobs last

    worker_call heartbeat;  // heartbeat.c
    heartbeat_plan beats;
    bool unreachable;    // the last heartbeat failed
    int64_t renewed_us;  // when the last renewal that was answered was sent
    int64_t expiry_us;   // no lease runs out before

    handover_item connected_item;  // push.c
    handover_item broken_item;
    handover_item sent_item;
    bool sent_taken;
    bool link_seen;     // there is, or was, a connection
    int64_t linked_us;  // since when
    int64_t parted_us;  // since when there is none
    bool told;          // that there is a connection, by options.connected
    int64_t renew_us;   // when to dial again; 0: not broken
    int64_t sealed_us;  // when a batch was sealed here last
    int64_t pushing;    // number of the batch given to the pipeline; 0: none

    worker_call info;  // learn.c

    worker_call report;  // report.c
    int64_t report_due_us;
    bool stranded;  // outcomes go with Report, for there is no pipeline
    bool reported;  // nothing is left to be said
};

struct worker {
    worker_options options;  // texts are owned
    const clock_source *clock;
    char host[HOST_SIZE];
    char *authorization;  // NULL: none
    char **queues;
    char **kinds;
    pthread_t thread;
    atomic_bool drain_wanted;
    atomic_bool stop_wanted;

    uv_loop_t loop;
    uv_prepare_t turn;
    uv_timer_t wake;  // of the next turn, if no event comes before
    int64_t wake_us;
    handover inbox;
    handover_item poke;

    worker_link *links;
    size_t link_count;
    attempt_source **sources;  // of the links
    attempts attempts;
    worker_phase phase;
    int64_t phase_end_us;
    int64_t leave_end_us;  // until then a Lease may still bring jobs that have to go back

    size_t peak_bytes;  // most memory of results since memory was last given back
    int64_t trim_us;    // when to give it back

    uint32_t random;
    int64_t jobs_served;
};

// worker_wake_at makes sure of a turn at that time.
void worker_wake_at(worker *w, int64_t at_us);

// worker_suspect_link takes note of a failed call: a link that gave no answer in time may be dead
// without anybody having noticed.
void worker_suspect_link(worker_link *l, int code);

static inline int64_t worker_now(const worker *w)
{
    return clock_mono_us(w->clock);
}

double worker_random(worker *w);  // uniform in [0, 1)

status *turn_open(worker *w);  // turn.c: the loop, with a turn before each wait

// ---- one file each; the turns are made in this order ----

void push_turn(worker_link *l, int64_t now_us);  // push.c: outcomes into the pipeline
status *push_open(worker_link *l);
status *push_dial(worker_link *l);  // to results_url
// push_check: a heartbeat was answered, with that acknowledgement.
void push_check(worker_link *l, const worker_call *call, int64_t acked);

void learn_turn(worker_link *l, int64_t now_us);  // learn.c: asks where the results go

void lease_turn(worker_link *l, int64_t now_us);  // lease.c: asks for jobs
bool lease_may_bring_jobs(const worker_link *l, int64_t now_us);
void lease_close(worker_link *l);

void heartbeat_turn(worker_link *l, int64_t now_us);  // heartbeat.c: renews, sees leases run out
void heartbeat_lease_lasts(worker_link *l, int64_t lease_us);  // the server says; 0: it does not

void report_turn(worker_link *l, int64_t now_us);  // report.c: outcomes without a pipeline

status *link_open(worker *w, worker_link *l, const worker_server *server);  // link.c
void link_close(worker_link *l);  // no callback of another thread runs any more
void link_free(worker_link *l);

#endif
