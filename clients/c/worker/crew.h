// crew - a bounded number of threads that run tasks, in the order in which these came.
//
// One thread, the owner, adds tasks, calls for them to be run, and takes them back.
#ifndef ERRAND_CLIENTS_C_WORKER_CREW_H
#define ERRAND_CLIENTS_C_WORKER_CREW_H

#include <stdbool.h>
#include <stdint.h>

// A task is part of the object that it is about, zero to begin with. It may be gone once its run
// has begun: the crew does not touch it any more.
typedef struct crew_task {
    struct crew_task *prev, *next;
    bool noted;   // the owner's: added, and not yet called for
    bool queued;  // the crew's: no thread has taken it yet
} crew_task;

typedef struct crew crew;
typedef void crew_run(crew_task *task);  // on a thread of the crew

// crew_new makes no thread yet. NULL when memory is short.
crew *crew_new(int32_t max_threads, crew_run *run);
void crew_free(crew *c);  // after crew_stop; accepts NULL

// crew_add is false when not even one thread can be had. The task is not begun before the next
// crew_call: so those that come together cost one wake-up, and not one each.
bool crew_add(crew *c, crew_task *task);
void crew_call(crew *c);

// crew_take_back is true when the task has not begun, and now will not.
bool crew_take_back(crew *c, crew_task *task);

// crew_stop comes when no task is left that was not begun; it waits for those that run.
void crew_stop(crew *c);

#endif
