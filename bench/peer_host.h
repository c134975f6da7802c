// peer_host - another job server, started for a measurement with data of its own.
#ifndef ERRAND_BENCH_PEER_HOST_H
#define ERRAND_BENCH_PEER_HOST_H

#include "base/cleanup.h"
#include "base/status.h"
#include "bench/options.h"

#include <stdbool.h>

typedef struct peer_host peer_host;

// peer_host_new makes the folder: data goes to DIR/data, the socket is DIR/socket. Absolute paths.
status *peer_host_new(const bench_options *options, peer_host **ret);
const char *peer_host_folder(const peer_host *host);
const char *peer_host_socket(const peer_host *host);

// peer_host_name_socket: it makes its socket under another name in the folder.
void peer_host_name_socket(peer_host *host, const char *name);

// peer_host_start runs the program, argv[0] is a path, and waits until its socket can be connected
// to. as_other: as the user `postgres`, to whom the folder is given; does nothing unless we are
// root.
// Both fail with FAILED_PRECONDITION when the folder is a place where that can not be.
status *peer_host_start(peer_host *host, char *const *argv, bool as_other);
// peer_host_run runs a program to its end, which must be a good one.
status *peer_host_run(peer_host *host, char *const *argv, bool as_other);

// CPU seconds of the program and the processes that it started.
double peer_host_cpu_s(const peer_host *host);

// peer_host_free ends the program and removes the folder. Accepts NULL.
void peer_host_free(peer_host *host);
DEFINE_AUTO(peer_host, peer_host_free)

// peer_find_program looks for a program in the places where Debian has such; NULL: not installed.
// Owned.
char *peer_find_program(const char *name);

#endif
