// program - what the main functions of the servers have in common: settings, log, signals, exit
// status.
#ifndef ERRAND_BASE_PROGRAM_H
#define ERRAND_BASE_PROGRAM_H

#include "base/config.h"
#include "base/status.h"

// Names of the settings log_level and log_format, in the order of their enums; they end with NULL.
extern const char *const program_log_levels[];
extern const char *const program_log_formats[];

typedef struct program {
    const config_program *config;
    void *settings;         // of config->settings_size bytes
    const int *log_level;   // inside settings
    const int *log_format;  // inside settings
    // check judges settings that depend on each other; NULL: none do.
    status *(*check)(void);
    // reloaded is told that reloadable settings were loaded again; NULL: nobody asks.
    void (*reloaded)(void);
    // serve works until program_wait_for_end says that it is time. Settings are loaded, SIGTERM,
    // SIGINT and SIGHUP are blocked in all threads, SIGPIPE is ignored.
    status *(*serve)(void);
} program;

// program_main is all of main: it loads the settings, answers --help and the like, serves, and
// returns the exit status: 0, 1 when serving failed, 2 when a setting is wrong.
int program_main(const program *p, int argc, char **argv);

// program_wait_for_end returns at the first SIGTERM or SIGINT; a second one ends the program at
// once. At SIGHUP it loads the settings again, takes those whose rows are reloadable, and logs
// which others have changed.
void program_wait_for_end(void);

#endif
