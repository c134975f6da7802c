// cli - what the commands of the program share: the connection, the output, the exit status.
#ifndef ERRAND_CLI_CLI_H
#define ERRAND_CLI_CLI_H

#include "options.h"

#include "base/buf.h"
#include "errand.h"

#include <stdbool.h>
#include <stdint.h>

// Exit status, part of the program's contract.
typedef enum cli_exit {
    CLI_OK = 0,
    CLI_NO_SUCCESS = 1,   // a job did not succeed, or its output could not be written
    CLI_USAGE = 2,        // the command line is wrong
    CLI_NOT_FOUND = 3,    // no such job
    CLI_UNREACHABLE = 4,  // no answer, or none in time
    CLI_REFUSED = 5,      // the server said no
} cli_exit;

#define CLI_FOREVER_MS INT64_C(3153600000000)  // a hundred years

typedef struct cli {
    const char *server;
    const char *token;
    int64_t timeout_ms;  // of a call, without what it is asked to wait
    bool json;           // -o json
    errand_client *client;
} cli;

typedef struct cli_command {
    const char *name;
    const char *words;    // what follows the options, as in --help
    const char *summary;  // one line
    const char *detail;   // a paragraph for --help and the manual
    const cli_option_group *const *groups;
    size_t min_words;
    size_t max_words;  // SIZE_MAX: any number
    cli_exit (*run)(cli *c, const cli_args *args);
} cli_command;

// The tables; rows end with a NULL name.
extern const cli_command cli_commands[];
extern const cli_option_group cli_global_options;
extern const cli_option_group *const cli_global_groups[];
const cli_command *cli_command_find(const char *name);

// Text made from the tables, on stdout.
void cli_help(void);
void cli_help_command(const cli_command *command);
void cli_manual(void);

// Commands.
cli_exit cli_fetch(cli *c, const cli_args *args);
cli_exit cli_submit(cli *c, const cli_args *args);
cli_exit cli_submit_file(cli *c, const cli_args *args);
cli_exit cli_get(cli *c, const cli_args *args);
cli_exit cli_result(cli *c, const cli_args *args);
cli_exit cli_wait(cli *c, const cli_args *args);
cli_exit cli_list(cli *c, const cli_args *args);

// Text goes to stdout, or to stderr.
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Failures go to stderr; the argument is freed.
cli_exit cli_bad_usage(status *failure);
cli_exit cli_bad_call(errand_error *error);
cli_exit cli_exit_of(int code);

// Output goes to stdout. cli_finish_output flushes it and tells whether all of it was written.
cli_exit cli_print_json(const ProtobufCMessage *message);
cli_exit cli_print_bytes(const void *bytes, size_t size);
cli_exit cli_finish_output(cli_exit ending);
const char *cli_state_name(Errand__V1__Job__State state);

// cli_show_result prints what a finished job produced, or on stderr why there is nothing.
cli_exit cli_show_result(const cli *c, const Errand__V1__GetResultResponse *answer);
// cli_await waits for the end of a job, as long as it takes with CLI_FOREVER_MS, and shows the
// result.
cli_exit cli_await(cli *c, const char *id, int64_t wait_ms);

// cli_read_file reads a file, or stdin for "-", into an empty buffer.
status *cli_read_file(const char *path, buf *ret);
// cli_copy_bytes copies a buffer into a field of a message in the arena.
status *cli_copy_bytes(const buf *from, arena *memory, ProtobufCBinaryData *ret);

#endif
