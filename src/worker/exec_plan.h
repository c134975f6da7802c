// exec_plan - what the launcher is told about a command, in an anonymous file.
#ifndef ERRAND_WORKER_EXEC_PLAN_H
#define ERRAND_WORKER_EXEC_PLAN_H

#include "base/status.h"
#include "worker/exec_command.h"

#include <stddef.h>

// exec_plan_write makes the file; its descriptor is the caller's.
status *exec_plan_write(const exec_command *command, const exec_call *call, int *ret_fd);

// exec_plan_bytes makes such a file of bytes, to be read from the start: standard input.
status *exec_plan_bytes(const void *bytes, size_t size, int *ret_fd);

#endif
