// exec_keeper - the process beside each command: it starts the command, passes signals on, tells of
// the end, and sees to it that nothing of the command stays.
//
//   worker ── launcher ── keeper ── command ── whatever the command starts
//                     └── keeper ── command
//
// A process that leaves the group of its command and loses its parent, as daemons do, becomes a
// child of the keeper, the nearest subreaper above it: so what is left is told apart by command, by
// nothing that it could take off. When the command has ended the keeper kills its children until it
// has none; only then the end is told.
//
// When the launcher dies, by SIGKILL even, its keepers kill their commands in the same way. When a
// keeper dies by SIGKILL its command gets the same, and the rest falls to the launcher.
// A keeper takes some 40 KiB of memory of its own.
#ifndef ERRAND_WORKER_EXEC_KEEPER_H
#define ERRAND_WORKER_EXEC_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

// What a keeper, just forked by its launcher, has from it.
typedef struct exec_keeper {
    pid_t launcher;
    int socket;  // to tell the worker
    uint64_t id;
    const int *fds;  // of exec_wire
} exec_keeper;

// exec_keeper_run is the life of the process, with all signals blocked. It ends it with 0 when the
// worker was told all there is.
_Noreturn void exec_keeper_run(const exec_keeper *k);

// exec_keeper_signal passes SIGTERM or SIGKILL to the group of the keeper's command. It comes to
// any keeper that is not reaped, however early.
void exec_keeper_signal(pid_t keeper, int number);

#endif
