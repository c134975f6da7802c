// program - what the main functions of the servers have in common: settings, log, signals, exit
// status.
#ifndef ERRAND_BASE_PROGRAM_H
#define ERRAND_BASE_PROGRAM_H

#include "base/config.h"
#include "base/status.h"

// Names of the settings log_level and log_format, in the order of their enums; they end with NULL.
extern const char *const program_log_levels[];
extern const char *const program_log_formats[];

// Rows of a settings table for a struct with `int log_level, log_format`.
// clang-format off
#define PROGRAM_LOG_ROWS(settings_type)                                                            \
    {.key = "log_level", .type = CONFIG_CHOICE, .fallback = "info", .names = program_log_levels,   \
     .help = "least important messages to log", .reloadable = true,                                \
     CONFIG_FIELD(settings_type, log_level)},                                                      \
    {.key = "log_format", .type = CONFIG_CHOICE, .fallback = "text", .names = program_log_formats, \
     .help = "form of the log on standard error", .reloadable = true,                              \
     CONFIG_FIELD(settings_type, log_format)}
// clang-format on

typedef struct program {
    const config_program *config;
    void *settings;         // of config->settings_size bytes
    const int *log_level;   // inside settings
    const int *log_format;  // inside settings
    // check judges settings that depend on each other; NULL: none do.
    status *(*check)(void);
    // check_reload judges those that a reload is about to take; NULL: all of them may be taken.
    status *(*check_reload)(const void *fresh);
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
