// tables - every command and option of the program. Adding one is adding a row.
#include "cli.h"

#include <stdint.h>
#include <string.h>

// clang-format off
#define END {NULL, 0, CLI_FLAG, NULL, NULL, NULL, false, NULL}

static const cli_option global_options[] = {
    {"server",  's', CLI_TEXT,     "URL",    NULL, NULL, false, "the server; default: ERRAND_SERVER, or tcp://127.0.0.1:6710"},
    {"token",   0,   CLI_TEXT,     "TOKEN",  NULL, NULL, false, "bearer token; better: ERRAND_TOKEN, which other users can not see"},
    {"output",  'o', CLI_TEXT,     "FORMAT", NULL, NULL, false, "table (default) or json: canonical JSON, one document a line"},
    {"timeout", 0,   CLI_DURATION, "TIME",   NULL, NULL, false, "give up when the server has not answered by then; default: 10s"},
    {"help",    'h', CLI_FLAG,     NULL,     NULL, NULL, false, "show this help"},
    {"version", 0,   CLI_FLAG,     NULL,     NULL, NULL, false, "show the version"},
    END
};

static const cli_option job_options[] = {
    {"queue",            'q', CLI_TEXT,     "NAME",   "queue",              NULL, false, "queue; default: default"},
    {"priority",         'p', CLI_TEXT,     "NUMBER", "priority",           NULL, false, "-100 to 100; higher runs sooner; default: 0"},
    {"delay",            0,   CLI_DURATION, "TIME",   "delay",              NULL, false, "not before this long from now"},
    {"at",               0,   CLI_TEXT,     "WHEN",   "schedule_time",      NULL, false, "not before this time, as in 2030-01-31T12:00:00Z"},
    {"attempt-timeout",  0,   CLI_DURATION, "TIME",   "attempt_timeout",    NULL, false, "longest time of one attempt"},
    {"retention",        0,   CLI_DURATION, "TIME",   "retention",          NULL, false, "how long the finished job is kept; default: 24h"},
    {"max-attempts",     0,   CLI_NUMBER,   "NUMBER", "retry.max_attempts", NULL, false, "attempts in all; default: 10"},
    {"min-backoff",      0,   CLI_DURATION, "TIME",   "retry.min_backoff",  NULL, false, "longest wait before the first retry; default: 1s"},
    {"max-backoff",      0,   CLI_DURATION, "TIME",   "retry.max_backoff",  NULL, false, "longest wait before any retry; default: 10m"},
    {"multiplier",       0,   CLI_TEXT,     "NUMBER", "retry.multiplier",   NULL, false, "growth of the wait from retry to retry; default: 2"},
    {"id",               0,   CLI_TEXT,     "UUID",   "id",                 NULL, false, "id of the job; default: made by the server"},
    {"request-id",       0,   CLI_TEXT,     "ID",     NULL,                 NULL, false, "makes it safe to run the same command again: the job is stored once"},
    END
};

static const cli_option callback_options[] = {
    {"callback",             0, CLI_TEXT, "URL",    "callback.url",         NULL, false, "POST to this URL when the job has ended"},
    {"callback-format",      0, CLI_NAME, "FORMAT", "callback.format",      NULL, false, "event (default): a JSON event; raw: the result's own bytes"},
    {"callback-on",          0, CLI_NAME, "STATE",  "callback.on",          NULL, true,  "only when it ended in this state; may be repeated"},
    {"callback-secret-file", 0, CLI_TEXT, "FILE",   NULL,                   NULL, false, "file with the secret (whsec_...) that signs events; or set ERRAND_CALLBACK_SECRET"},
    {"callback-secret-name", 0, CLI_TEXT, "NAME",   "callback.secret_name", NULL, false, "name of a secret in the server's configuration, instead"},
    END
};

static const cli_option wait_options[] = {
    {"wait", 'w', CLI_OPTIONAL_DURATION, "TIME", NULL, NULL, false, "wait for the end, as long as it takes or this long, and print the result"},
    END
};

static const cli_option fetch_options[] = {
    {"method",         'X', CLI_TEXT,   "METHOD", "http.method",           NULL,    false, "request method; default: GET, or POST with --data"},
    {"header",         'H', CLI_TEXT,   "HEADER", NULL,                    NULL,    true,  "request header, 'Name: value'; may be repeated"},
    {"data",           'd', CLI_TEXT,   "DATA",   NULL,                    NULL,    false, "request body: text, @FILE, or @- for standard input"},
    {"no-redirects",   0,   CLI_FLAG,   NULL,     "http.follow_redirects", "false", false, "take a redirect as the answer"},
    {"max-body-bytes", 0,   CLI_NUMBER, "NUMBER", "http.max_body_bytes",   NULL,    false, "a longer answer fails the job; default: 16 MiB"},
    {"success-code",   0,   CLI_TEXT,   "CODE",   "http.success_codes",    NULL,    true,  "status that means success, such as 404 or 3xx; may be repeated; default: 2xx"},
    END
};

static const cli_option submit_options[] = {
    {"args",         'a', CLI_TEXT, "JSON", NULL, NULL, false, "what the handler is given, any JSON value; default: null"},
    {"data",         'd', CLI_TEXT, "FILE", NULL, NULL, false, "give the handler the bytes of a file; -: standard input"},
    {"content-type", 0,   CLI_TEXT, "TYPE", NULL, NULL, false, "media type of --data; default: application/octet-stream"},
    {"file",         'f', CLI_TEXT, "FILE", NULL, NULL, false, "submit many: one JSON job a line; -: standard input"},
    END
};

static const cli_option result_options[] = {
    {"wait", 'w', CLI_DURATION, "TIME", NULL, NULL, false, "wait this long for the end"},
    END
};

static const cli_option all_wait_options[] = {
    {"for", 0, CLI_DURATION, "TIME", NULL, NULL, false, "give up after this long; default: never"},
    END
};

static const cli_option list_options[] = {
    {"queue", 'q', CLI_TEXT,   "NAME",   "queue", NULL, false, "jobs of this queue"},
    {"state", 0,   CLI_NAME,   "STATE",  "state", NULL, false, "jobs in this state: scheduled, ready, running, succeeded, failed, ..."},
    {"kind",  0,   CLI_TEXT,   "NAME",   "kind",  NULL, false, "jobs of this kind"},
    {"limit", 'n', CLI_NUMBER, "NUMBER", NULL,    NULL, false, "jobs at most; 0: all; default: 50"},
    END
};

const cli_option_group cli_global_options = {"Options of every command", global_options};
static const cli_option_group job_group = {"Job options", job_options};
static const cli_option_group callback_group = {"Callback options", callback_options};
static const cli_option_group wait_group = {"Waiting", wait_options};
static const cli_option_group fetch_group = {"HTTP options", fetch_options};
static const cli_option_group submit_group = {"Input options", submit_options};
static const cli_option_group result_group = {"Waiting", result_options};
static const cli_option_group all_wait_group = {"Waiting", all_wait_options};
static const cli_option_group list_group = {"Which jobs", list_options};

const cli_option_group *const cli_global_groups[] = {&cli_global_options, NULL};
static const cli_option_group *const fetch_groups[] = {&fetch_group, &job_group, &callback_group, &wait_group, &cli_global_options, NULL};
static const cli_option_group *const submit_groups[] = {&submit_group, &job_group, &callback_group, &wait_group, &cli_global_options, NULL};
static const cli_option_group *const result_groups[] = {&result_group, &cli_global_options, NULL};
static const cli_option_group *const wait_groups[] = {&all_wait_group, &cli_global_options, NULL};
static const cli_option_group *const list_groups[] = {&list_group, &cli_global_options, NULL};

const cli_command cli_commands[] = {
    {"fetch",  "URL",     "have a URL fetched",
     "Submits an http job and prints its id. With --wait it waits for the end and prints the body of the answer.",
     fetch_groups, 1, 1, cli_fetch},
    {"submit", "[KIND]",  "submit a job of any kind, or a file of jobs",
     "Submits a job that a worker of your own does, and prints its id. With --file it submits many jobs: each line "
     "is one job in JSON; the ids are printed in the order of the lines, refused lines are told on standard error.",
     submit_groups, 0, 1, cli_submit},
    {"get",    "ID",      "show a job",
     "Shows a job as it is now, without its input and result.",
     cli_global_groups, 1, 1, cli_get},
    {"result", "ID",      "print what a job produced",
     "Prints the result of a job as it is: the body of an HTTP answer, the bytes or the JSON value that a worker "
     "returned. With -o json it prints state, result and error as one JSON document.",
     result_groups, 1, 1, cli_result},
    {"wait",   "ID...",   "wait until jobs have ended",
     "Waits until all the jobs have ended and prints id and state of each.",
     wait_groups, 1, SIZE_MAX, cli_wait},
    {"ls",     "",        "list jobs, newest first",
     "Lists jobs, newest first. All filters given must match.",
     list_groups, 0, 0, cli_list},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL},
};
// clang-format on

const cli_command *cli_command_find(const char *name)
{
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}
