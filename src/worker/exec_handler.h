// exec_handler - runs jobs of kind `exec`: commands that the configuration names.
#ifndef ERRAND_WORKER_EXEC_HANDLER_H
#define ERRAND_WORKER_EXEC_HANDLER_H

#include "worker/attempt.h"
#include "worker/exec_command.h"

// The handler's settings are exec_commands, which have to outlive it.
extern const handler_ops exec_handler;

#endif
