// folder - a place on disk for a measurement, removed with all that is in it.
#ifndef ERRAND_BENCH_FOLDER_H
#define ERRAND_BENCH_FOLDER_H

#include "base/status.h"
#include "bench/options.h"

#define FOLDER_PATH_SIZE 512

// folder_make makes a new one in --dir.
status *folder_make(const bench_options *options, char ret_path[static FOLDER_PATH_SIZE]);

// folder_remove says so on standard error when it can not. Accepts "".
void folder_remove(const char *path);

#endif
