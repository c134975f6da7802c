// exec_tell - what the launcher's side tells the worker of a command.
#ifndef ERRAND_WORKER_EXEC_TELL_H
#define ERRAND_WORKER_EXEC_TELL_H

#include "worker/exec_wire.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

void exec_tell_not_started(int socket, uint64_t id, exec_step step, int error);
void exec_tell_ended(int socket, uint64_t id, int wait_status, bool signalled,
                     const struct rusage *usage);

#endif
