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
    CLI_NOT_FOUND = 3,    // no such job or queue
    CLI_UNREACHABLE = 4,  // no answer, or none in time
    CLI_REFUSED = 5,      // the server said no
} cli_exit;

#define CLI_FOREVER_MS INT64_C(3153600000000)  // a hundred years

typedef struct cli {
    const char *server;
    const char *token;
    const char *token_file;
    const char *tls_ca, *tls_cert, *tls_key, *tls_server_name;
    int64_t timeout_ms;  // of a call, without what it is asked to wait
    bool has_timeout;    // --timeout was given
    bool json;           // -o json
    errand_client *client;
} cli;

typedef struct cli_command {
    const char *name;     // one word, or two with a space between
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
// cli_command_find takes the words of a command line; ret_count is how many of them are the name.
const cli_command *cli_command_find(int argc, char *const *argv, int *ret_count);
// cli_command_in tells whether a command's name is the topic and one more word.
bool cli_command_in(const cli_command *command, const char *topic);
bool cli_topic_known(const char *topic);

// Text made from the tables, on stdout.
void cli_help(void);
void cli_help_command(const cli_command *command);
void cli_help_topic(const char *topic);
void cli_manual(void);
// cli_completion writes the completion script of a shell: bash, zsh or fish. False: another one.
bool cli_completion(const char *shell);

// Commands.
cli_exit cli_fetch(cli *c, const cli_args *args);
cli_exit cli_exec(cli *c, const cli_args *args);
cli_exit cli_submit(cli *c, const cli_args *args);
cli_exit cli_submit_file(cli *c, const cli_args *args);
cli_exit cli_get(cli *c, const cli_args *args);
cli_exit cli_result(cli *c, const cli_args *args);
cli_exit cli_wait(cli *c, const cli_args *args);
cli_exit cli_list(cli *c, const cli_args *args);
cli_exit cli_watch(cli *c, const cli_args *args);
cli_exit cli_explain(cli *c, const cli_args *args);
cli_exit cli_cancel(cli *c, const cli_args *args);
cli_exit cli_retry(cli *c, const cli_args *args);
cli_exit cli_remove(cli *c, const cli_args *args);
cli_exit cli_queue_list(cli *c, const cli_args *args);
cli_exit cli_queue_pause(cli *c, const cli_args *args);
cli_exit cli_queue_resume(cli *c, const cli_args *args);
cli_exit cli_queue_set(cli *c, const cli_args *args);
cli_exit cli_queue_purge(cli *c, const cli_args *args);
cli_exit cli_queue_watch(cli *c, const cli_args *args);
cli_exit cli_token_new(cli *c, const cli_args *args);
cli_exit cli_token_hash(cli *c, const cli_args *args);
cli_exit cli_worker_list(cli *c, const cli_args *args);
cli_exit cli_stats(cli *c, const cli_args *args);
cli_exit cli_top(cli *c, const cli_args *args);
cli_exit cli_backup(cli *c, const cli_args *args);

// Text goes to stdout, or to stderr. Control characters in it become spaces, but for line ends and
// tabs.
void cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
// cli_erase_line clears the line of the terminal that stderr stands in.
void cli_erase_line(void);

// Failures go to stderr; the argument is freed.
cli_exit cli_bad_usage(status *failure);
cli_exit cli_bad_call(errand_error *error);
cli_exit cli_exit_of(int code);

// cli_call makes a call whose request has at most one field, named, or NULL. When it fails the
// reason is told, and the exit status is not CLI_OK.
cli_exit cli_call(cli *c, const ProtobufCServiceDescriptor *service, const char *method,
                  const char *field, const char *value, ProtobufCMessage **ret);
// cli_call_long is for calls that do as much as there is to do: without --timeout they have long.
cli_exit cli_call_long(cli *c, const ProtobufCServiceDescriptor *service, const char *method,
                       const ProtobufCMessage *request, ProtobufCMessage **ret);
// cli_print_count prints the field `count` of a reply, which it frees.
cli_exit cli_print_count(const cli *c, ProtobufCMessage *reply);

// Output goes to stdout. cli_finish_output flushes it and tells whether all of it was written.
cli_exit cli_print_json(const ProtobufCMessage *message);
cli_exit cli_print_bytes(const void *bytes, size_t size);
cli_exit cli_finish_output(cli_exit ending);
const char *cli_state_name(Errand__V1__Job__State state);
// cli_state_exit is CLI_OK or CLI_NO_SUCCESS for a job that has ended, otherwise CLI_UNREACHABLE.
cli_exit cli_state_exit(Errand__V1__Job__State state);

// Texts for people; "-" for what is not there.
#define CLI_TEXT_MAX 32
const char *cli_time_text(const Google__Protobuf__Timestamp *when, char text[static CLI_TEXT_MAX]);
const char *cli_duration_text(const Google__Protobuf__Duration *duration,
                              char text[static CLI_TEXT_MAX]);
// cli_span_text is for how long something has lasted: its two largest units, such as 3d4h or 5m12s.
const char *cli_span_text(const Google__Protobuf__Duration *span, char text[static CLI_TEXT_MAX]);
// cli_plain_text copies what somebody else wrote, in one line and without control characters.
const char *cli_plain_text(const char *from, char *text, size_t size);
// Lines of "name value"; nothing for what is not there.
void cli_print_line(const char *name, const char *value);
void cli_print_time(const char *name, const Google__Protobuf__Timestamp *when);
void cli_print_number(const char *name, int64_t number);

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
