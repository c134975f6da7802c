// tables - every command and option of the program. Adding one is adding a row.
#include "cli.h"

#include <stdint.h>
#include <string.h>

// clang-format off
#define END {NULL, CLI_FLAG, 0, false, NULL, NULL, NULL, NULL}

static const cli_option global_options[] = {
    {"server",  CLI_TEXT,     's', false, "URL",    NULL, NULL, "the server; default: ERRAND_SERVER, or tcp://127.0.0.1:6710"},
    {"token",   CLI_TEXT,     0,   false, "TOKEN",  NULL, NULL, "bearer token; better: ERRAND_TOKEN, which other users can not see"},
    {"output",  CLI_TEXT,     'o', false, "FORMAT", NULL, NULL, "table (default) or json: canonical JSON, one document a line"},
    {"timeout", CLI_DURATION, 0,   false, "TIME",   NULL, NULL, "give up when the server has not answered by then; default: 10s"},
    {"help",    CLI_FLAG,     'h', false, NULL,     NULL, NULL, "show this help"},
    {"version", CLI_FLAG,     0,   false, NULL,     NULL, NULL, "show the version"},
    END
};

static const cli_option job_options[] = {
    {"queue",           CLI_TEXT,     'q', false, "NAME",   "queue",              NULL, "queue; default: default"},
    {"priority",        CLI_TEXT,     'p', false, "NUMBER", "priority",           NULL, "-100 to 100; higher runs sooner; default: 0"},
    {"delay",           CLI_DURATION, 0,   false, "TIME",   "delay",              NULL, "not before this long from now"},
    {"at",              CLI_TEXT,     0,   false, "WHEN",   "schedule_time",      NULL, "not before this time, as in 2030-01-31T12:00:00Z"},
    {"attempt-timeout", CLI_DURATION, 0,   false, "TIME",   "attempt_timeout",    NULL, "longest time of one attempt"},
    {"retention",       CLI_DURATION, 0,   false, "TIME",   "retention",          NULL, "how long the finished job is kept; default: 24h"},
    {"max-attempts",    CLI_NUMBER,   0,   false, "NUMBER", "retry.max_attempts", NULL, "attempts in all; default: 10"},
    {"min-backoff",     CLI_DURATION, 0,   false, "TIME",   "retry.min_backoff",  NULL, "longest wait before the first retry; default: 1s"},
    {"max-backoff",     CLI_DURATION, 0,   false, "TIME",   "retry.max_backoff",  NULL, "longest wait before any retry; default: 10m"},
    {"multiplier",      CLI_TEXT,     0,   false, "NUMBER", "retry.multiplier",   NULL, "growth of the wait from retry to retry; default: 2"},
    {"id",              CLI_TEXT,     0,   false, "UUID",   "id",                 NULL, "id of the job; default: made by the server"},
    {"request-id",      CLI_TEXT,     0,   false, "ID",     NULL,                 NULL, "makes it safe to run the same command again: the job is stored once"},
    END
};

static const cli_option callback_options[] = {
    {"callback",             CLI_TEXT, 0, false, "URL",    "callback.url",         NULL, "POST to this URL when the job has ended"},
    {"callback-format",      CLI_NAME, 0, false, "FORMAT", "callback.format",      NULL, "event (default): a JSON event; raw: the result's own bytes"},
    {"callback-on",          CLI_NAME, 0, true,  "STATE",  "callback.on",          NULL, "only when it ended in this state; may be repeated"},
    {"callback-secret-file", CLI_TEXT, 0, false, "FILE",   NULL,                   NULL, "file with the secret (whsec_...) that signs events; or set ERRAND_CALLBACK_SECRET"},
    {"callback-secret-name", CLI_TEXT, 0, false, "NAME",   "callback.secret_name", NULL, "name of a secret in the server's configuration, instead"},
    END
};

static const cli_option wait_options[] = {
    {"wait", CLI_OPTIONAL_DURATION, 'w', false, "TIME", NULL, NULL, "wait for the end, as long as it takes or this long, and print the result"},
    END
};

static const cli_option fetch_options[] = {
    {"method",         CLI_TEXT,   'X', false, "METHOD", "http.method",           NULL,    "request method; default: GET, or POST with --data"},
    {"header",         CLI_TEXT,   'H', true,  "HEADER", NULL,                    NULL,    "request header, 'Name: value'; may be repeated"},
    {"data",           CLI_TEXT,   'd', false, "DATA",   NULL,                    NULL,    "request body: text, @FILE, or @- for standard input"},
    {"no-redirects",   CLI_FLAG,   0,   false, NULL,     "http.follow_redirects", "false", "take a redirect as the answer"},
    {"max-body-bytes", CLI_NUMBER, 0,   false, "NUMBER", "http.max_body_bytes",   NULL,    "a longer answer fails the job; default: 16 MiB"},
    {"success-code",   CLI_TEXT,   0,   true,  "CODE",   "http.success_codes",    NULL,    "status that means success, such as 404 or 3xx; may be repeated; default: 2xx"},
    END
};

static const cli_option submit_options[] = {
    {"args",         CLI_TEXT, 'a', false, "JSON", NULL, NULL, "what the handler is given, any JSON value; default: null"},
    {"data",         CLI_TEXT, 'd', false, "FILE", NULL, NULL, "give the handler the bytes of a file; -: standard input"},
    {"content-type", CLI_TEXT, 0,   false, "TYPE", NULL, NULL, "media type of --data; default: application/octet-stream"},
    {"file",         CLI_TEXT, 'f', false, "FILE", NULL, NULL, "submit many: one JSON job a line; -: standard input"},
    END
};

static const cli_option result_options[] = {
    {"wait", CLI_DURATION, 'w', false, "TIME", NULL, NULL, "wait this long for the end"},
    END
};

static const cli_option all_wait_options[] = {
    {"for", CLI_DURATION, 0, false, "TIME", NULL, NULL, "give up after this long; default: never"},
    END
};

static const cli_option list_options[] = {
    {"queue", CLI_TEXT,   'q', false, "NAME",   "queue", NULL, "jobs of this queue"},
    {"state", CLI_NAME,   0,   false, "STATE",  "state", NULL, "jobs in this state: scheduled, ready, running, succeeded, failed, ..."},
    {"kind",  CLI_TEXT,   0,   false, "NAME",   "kind",  NULL, "jobs of this kind"},
    {"limit", CLI_NUMBER, 'n', false, "NUMBER", NULL,    NULL, "jobs at most; 0: all; default: 50"},
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
