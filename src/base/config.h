// config - settings of a program: one table gives the YAML keys, the environment variables, the
// flags, --help, the documentation and the manual page.
//
// Rising order: built-in default, YAML file (--config), environment (ERRAND_...), flag. A row with
// the key `tls.cert_file` is `tls: {cert_file: ...}` in YAML, ERRAND_TLS_CERT_FILE in the
// environment and --tls-cert-file on the command line.
#ifndef ERRAND_BASE_CONFIG_H
#define ERRAND_BASE_CONFIG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// What each type is stored as in the settings struct. Everything there belongs to the config.
typedef enum config_type {
    CONFIG_STRING,    // char *; NULL when there is neither a value nor a default
    CONFIG_LIST,      // config_list; environment: comma-separated, flag: that, or repeated
    CONFIG_INT,       // int64_t
    CONFIG_BOOL,      // bool; true or false; a flag alone means true
    CONFIG_DURATION,  // int64_t, microseconds; 30s, 1.5s, 250ms, 10m
    CONFIG_SIZE,      // int64_t, bytes; 16MiB, 64kB, 512
    CONFIG_CHOICE,    // int or an enum: the index into the row's names
    CONFIG_LISTEN,    // config_listen; HOST:PORT, [::1]:PORT or off
    CONFIG_MAP,       // config_map; environment: a=x,b=y, flag: --key a=x repeated
} config_type;

typedef struct config_list {
    char **items;
    size_t count;
} config_list;

typedef struct config_pair {
    char *key;
    char *value;
} config_pair;

typedef struct config_map {
    config_pair *pairs;
    size_t count;
} config_map;

typedef struct config_listen {
    char *address;  // HOST:PORT as written; NULL when off
    uint16_t port;  // 0: any free port
} config_listen;

typedef struct config_row {
    const char *key;  // lower-case words joined by _; levels of the YAML file joined by .
    config_type type;
    const char *fallback;      // the default, written like a value in the environment; NULL: none
    const char *help;          // one sentence, no full stop
    const char *value_name;    // in --help, such as DIR; NULL: by type
    int64_t min, max;          // of INT, DURATION (us), SIZE (bytes); both 0: from 0 on.
                               // max of LIST, MAP: how many there may be; 0: 1000
    const char *const *names;  // CHOICE: the names; STRING, LIST: beginnings allowed, such as
                               // tcp://. NULL-terminated; NULL: anything goes
    bool (*accepts)(const char *value);   // MAP, LIST: whether a value is good; NULL: any text is
    const char *accepted;                 // what accepts wants, such as "a number"
    bool nested;                          // MAP: a value may be a mapping, see config_words
    const struct config_program *record;  // MAP: the table that a value is read by; nested, too
    // MAP with a record: what is wrong with a good record; its fields are keys of the table.
    status *(*judge)(const char *key, const void *record);
    bool reloadable;    // takes effect at SIGHUP
    bool secret;        // never shown in a message, and no flag takes it
    const char *alias;  // a former name that still makes a flag: workers for --workers; NULL: none
    size_t offset, size;  // CONFIG_FIELD(settings_struct, member)
} config_row;

#define CONFIG_FIELD(settings_type, member)                                                        \
    .offset = offsetof(settings_type, member), .size = sizeof(((settings_type *) 0)->member)

// A further section of the manual page, such as SIGNALS. Paragraphs are parted by an empty line.
typedef struct config_section {
    const char *title;
    const char *text;
} config_section;

typedef struct config_program {
    const char *name;         // errandd
    const char *summary;      // one line: what it is
    const char *description;  // paragraphs for the manual page; NULL: none
    const char *operands;     // what may follow the flags, such as [FILE]; NULL: nothing may
    const char *version;
    const config_row *rows;
    size_t row_count;
    const config_section *sections;
    size_t section_count;
    size_t settings_size;
    // Of a record: what to warn of in good settings; owned, naming the key; NULL: nothing.
    char *(*warning)(const void *settings);
} config_program;

typedef enum config_action {
    CONFIG_RUN,       // the settings are there
    CONFIG_CHECK,     // --check-config: the settings are there, only say whether they are good
    CONFIG_HELP,      // --help; like the following ones without settings
    CONFIG_VERSION,   // --version
    CONFIG_MAN,       // --man: the manual page, for the build
    CONFIG_MARKDOWN,  // --markdown: the table of the documentation, for the build
} config_action;

typedef struct config_outcome {
    config_action action;
    char *file;            // the YAML file read; NULL: none
    config_list operands;  // arguments that are no flags
    config_list warnings;  // variables that nobody reads, what records warn of; one sentence each
} config_outcome;

// config_load fills settings (a struct of settings_size bytes) from all sources. When it fails
// (INVALID_ARGUMENT with the key as the violation's field; NOT_FOUND and the like when the file
// can not be read) or when the action has no settings, settings are zeroed and need no
// config_free. Variables other than ERRAND_... are not looked at; envp ends with NULL.
status *config_load(const config_program *program, int argc, char *const *argv, char *const *envp,
                    void *settings, config_outcome *ret);

void config_free(const config_program *program, void *settings);

// config_origin is the place of a setting in the file, `FILE:LINE: KEY`; owned. NULL: it was not
// taken from there, there is no such key, or memory is short.
char *config_origin(const config_program *program, int argc, char *const *argv, char *const *envp,
                    const char *key);
void config_outcome_fini(config_outcome *outcome);

// config_answer prints what the action asks for on out; false when it asks to run.
bool config_answer(const config_program *program, const config_outcome *outcome, FILE *out);

// config_same compares one row of two settings, to tell at a reload what changed.
bool config_same(const config_row *row, const void *settings, const void *other);

void config_print_help(const config_program *program, FILE *out);
void config_print_markdown(const config_program *program, FILE *out);
void config_print_man(const config_program *program, FILE *out);

#endif
