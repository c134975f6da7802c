// exec_process - a command under way: its output, its time, and its end.
//
//          start           time is up, or exec_process_end           grace is over
//   (new) ───────▶ RUNNING ────────────────────────────────▶ ENDING ──────────────▶ KILLED
//                     │            SIGTERM                      │       SIGKILL        │
//                     └───────────────────────── ended ◀────────┴──────────────────────┘
#ifndef ERRAND_WORKER_EXEC_PROCESS_H
#define ERRAND_WORKER_EXEC_PROCESS_H

#include "worker/attempt.h"
#include "worker/exec_command.h"
#include "worker/exec_launch.h"
#include "worker/exec_outcome.h"
#include "worker/exec_output.h"
#include "worker/exec_progress.h"
#include "worker/exec_stream.h"
#include "worker/room.h"

#include <stdbool.h>

typedef enum exec_phase {
    EXEC_RUNNING,
    EXEC_ENDING,  // was told to end
    EXEC_KILLED,  // again and again, until it is gone
} exec_phase;

typedef struct exec_process exec_process;

// What all processes of a worker share.
typedef struct exec_host {
    uv_loop_t *loop;
    exec_launch *launch;
    size_t max_stdout;
    int nothing_fd;  // of /dev/null
    uint64_t last_id;
    exec_process *all;  // a list
    room room;
    void (*ended)(exec_process *p, const exec_event *event);
} exec_host;

struct exec_process {
    exec_host *host;
    const exec_command *command;
    attempt *attempt;  // NULL: it has gone, and nobody waits for the end
    attempts *owner;
    uint64_t id;
    exec_phase phase;
    exec_reason reason;
    exec_step step;  // of EXEC_NO_START
    int error;
    uv_timer_t timer;
    exec_stream out, err, report;
    exec_output out_text, err_text;
    exec_progress progress;
    room_place place;
    int open_handles;
    exec_process *prev, *next;
};

// exec_process_start runs a call of the command for the attempt.
status *exec_process_start(exec_host *host, const exec_command *command, const exec_call *call,
                           attempt *a, exec_process **ret);

// exec_process_end tells it to end, and kills it after its grace.
void exec_process_end(exec_process *p);

// exec_process_disown is exec_process_end for one whose attempt has gone: nobody wants its output.
void exec_process_disown(exec_process *p);

// exec_process_resume is what the host's room calls.
void exec_process_resume(room_place *place);

// exec_process_heard finds the process that the launcher speaks of.
void exec_process_heard(exec_host *host, const exec_event *event);

// exec_process_lost ends all: the launcher has gone.
void exec_process_lost(exec_host *host);

// exec_process_free_all comes when the loop's handles are closed and nothing runs.
void exec_process_free_all(exec_host *host);

#endif
