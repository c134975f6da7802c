// exec_child - from the fork to the program: what a command does to itself before it is one.
#ifndef ERRAND_WORKER_EXEC_CHILD_H
#define ERRAND_WORKER_EXEC_CHILD_H

#include "worker/exec_wire.h"

#include <sys/types.h>

// exec_child_run makes itself what the plan in fds[EXEC_PLAN_FD] says and runs the program, which
// dies with its parent, the keeper. It returns only when that can not be done: the step, and errno
// in *ret_error.
exec_step exec_child_run(const int *fds, pid_t keeper, int *ret_error);

#endif
