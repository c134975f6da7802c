// options - command line options as tables: each row is an option, its help, and the message field
// that it sets.
#ifndef ERRAND_CLI_OPTIONS_H
#define ERRAND_CLI_OPTIONS_H

#include "base/arena.h"
#include "base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum cli_value {
    CLI_FLAG,               // no value
    CLI_TEXT,               // as it stands
    CLI_NAME,               // an enum's name, in either case
    CLI_LABEL,              // KEY:VALUE or KEY=VALUE
    CLI_DURATION,           // 30s, 1.5s, 10m, 2h, 1d
    CLI_OPTIONAL_DURATION,  // --wait or --wait=30s
    CLI_NUMBER,             // a whole number, zero or more
    CLI_TIME,               // 2030-01-31T12:00:00Z, or a duration from now
} cli_value;

#define CLI_LABEL_SEPARATORS ":="

typedef struct cli_option {
    const char *name;         // long name without the dashes
    cli_value value;          // what follows
    char letter;              // short name, or 0
    bool repeated;            // may be given more than once
    const char *placeholder;  // of the value in --help; NULL for a flag
    const char *field;        // message field that the value sets; NULL: the command looks itself
    const char *constant;     // what a flag sets the field to
    const char *help;
} cli_option;

// A group of options; several make up what a command accepts. Rows end with a NULL name.
typedef struct cli_option_group {
    const char *title;
    const cli_option *options;
} cli_option_group;

typedef struct cli_given {
    const cli_option *option;
    const char *value;  // NULL for a flag
} cli_given;

// What stood on a command line. Zero it before the first cli_parse.
typedef struct cli_args {
    cli_given *given;
    size_t given_count;
    const char **words;  // what is no option
    size_t word_count;
} cli_args;

// cli_parse reads argv[*index...argc) into ret. groups ends with NULL. With stop_at_word it stops
// before the first word, and *index says where. INVALID_ARGUMENT for what the groups do not allow.
status *cli_parse(int argc, char **argv, const cli_option_group *const *groups, bool stop_at_word,
                  int *index, cli_args *ret);
void cli_args_fini(cli_args *args);

// The option's last value; NULL when it was not given (or has no value).
const char *cli_text(const cli_args *args, const char *name);
bool cli_has(const cli_args *args, const char *name);
status *cli_number(const cli_args *args, const char *name, int64_t fallback, int64_t *ret);
// In milliseconds, rounded up.
status *cli_duration_ms(const cli_args *args, const char *name, int64_t fallback, int64_t *ret);

// cli_fill sets each option's field of the message; memory comes from the arena.
status *cli_fill(const cli_args *args, ProtobufCMessage *message, arena *memory);

#endif
