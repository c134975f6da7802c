// exec_settings - what the configuration says of a command: one table, for all programs that run
// workers.
#ifndef ERRAND_WORKER_EXEC_SETTINGS_H
#define ERRAND_WORKER_EXEC_SETTINGS_H

#include "base/config.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct exec_settings {
    config_list argv;
    char *directory;
    config_map env;
    config_list allow_env;
    char *user;           // NULL: the worker's
    int64_t cpu_us;       // 0: no limit
    int64_t memory;       // 0: no limit
    int64_t open_files;   // 0: the usual ones
    int64_t timeout_us;   // 0: the job's attempt_timeout alone
    int64_t grace_us;     // between TERM and KILL
    int64_t retry_after;  // us, after exit code 75
    int64_t max_stdout;   // 0: as much as a result may have
    int64_t max_stderr;
    bool allow_options;
} exec_settings;

extern const config_program exec_settings_record;

// What a row of commands says that it takes.
#define EXEC_COMMANDS_FORM "the keys below, such as argv=PROGRAM,{args} timeout=60s"

// exec_settings_check judges a command, with its program, directory and user as they are now: a
// judge of config_row.
status *exec_settings_check(const char *name, const void *record);

// exec_program_find is the path of the program that runs, in PATH if it is a bare name; the
// caller's. INVALID_ARGUMENT when there is none that can be executed.
status *exec_program_find(const exec_settings *settings, char **ret_path);

#endif
