// child - a program started for a measurement, which prints `listening NAME URL` lines when ready.
#ifndef ERRAND_BENCH_CHILD_H
#define ERRAND_BENCH_CHILD_H

#include "base/cleanup.h"
#include "base/status.h"

#include <stddef.h>
#include <sys/types.h>

typedef struct child child;

// child_start runs argv (NULL-terminated, argv[0] is a path) and waits, 10 s at most, until it has
// printed `listeners` lines. It is killed when our main thread goes.
status *child_start(char *const *argv, size_t listeners, child **ret);

// child_start_self starts errand-bench itself with the arguments given.
status *child_start_self(const char *const *arguments, size_t listeners, child **ret);

// child_url is the URL of the index-th line whose name is `name`; NULL if there is none. Borrowed.
const char *child_url(const child *c, const char *name, size_t index);
pid_t child_pid(const child *c);

// child_stop sends SIGTERM, waits, 40 s at most, and frees. The failure says how it ended if that
// was not exit status 0. Accepts NULL.
status *child_stop(child *c);

// child_wait waits until it ends by itself, 40 s at most, and frees; otherwise like child_stop.
// What it prints must be little.
status *child_wait(child *c);

// child_kill ends it at once and frees. Accepts NULL.
void child_kill(child *c);
DEFINE_AUTO(child, child_kill)

#endif
