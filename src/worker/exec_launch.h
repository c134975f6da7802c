// exec_launch - the worker's side of the launcher: starts it, asks it for commands, hears of them.
#ifndef ERRAND_WORKER_EXEC_LAUNCH_H
#define ERRAND_WORKER_EXEC_LAUNCH_H

#include "base/status.h"
#include "worker/exec_wire.h"

#include <uv.h>

typedef struct exec_launch exec_launch;

typedef struct exec_launch_listener {
    void (*heard)(void *data, const exec_event *event);
    void (*lost)(void *data);  // the launcher has gone, and all commands with it
    void *data;
} exec_launch_listener;

// exec_launch_find looks for the launcher beside this program and where it is installed. NOT_FOUND
// says where it was looked for. The path is the caller's.
status *exec_launch_find(char **ret_path);

// exec_launch_open starts it.
status *exec_launch_open(uv_loop_t *loop, const char *path, const exec_launch_listener *listener,
                         exec_launch **ret);

// exec_launch_start asks for a command; fds are those of exec_wire, and stay the caller's.
status *exec_launch_start(exec_launch *l, uint64_t id, const int *fds);

// exec_launch_signal signals a command's process group, best effort.
void exec_launch_signal(exec_launch *l, uint64_t id, int number);

// exec_launch_close kills what still runs and waits for the launcher's end. The handle on the loop
// is closed by then. Accepts NULL.
void exec_launch_close(exec_launch *l);

#endif
