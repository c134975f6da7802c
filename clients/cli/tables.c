// tables - every command and option of the program. Adding one is adding a row.
#include "cli.h"

#include <stdint.h>
#include <string.h>

// clang-format off
#define END {NULL, CLI_FLAG, 0, false, NULL, NULL, NULL, NULL}

static const cli_option global_options[] = {
    {"server",  CLI_TEXT,     's', false, "URL",    NULL, NULL, "the server; default: ERRAND_SERVER, or tcp://127.0.0.1:6710"},
    {"token",   CLI_TEXT,     0,   false, "TOKEN",  NULL, NULL, "bearer token; better: --token-file or ERRAND_TOKEN, which other users can not see"},
    {"token-file", CLI_TEXT,  0,   false, "FILE",   NULL, NULL, "file with the bearer token; default: ERRAND_TOKEN_FILE"},
    {"tls-ca",   CLI_TEXT,    0,   false, "FILE",   NULL, NULL, "who signs a tls+tcp:// server's certificate; default: those that this system trusts"},
    {"tls-cert", CLI_TEXT,    0,   false, "FILE",   NULL, NULL, "certificate to show to the server"},
    {"tls-key",  CLI_TEXT,    0,   false, "FILE",   NULL, NULL, "private key of --tls-cert"},
    {"tls-server-name", CLI_TEXT, 0, false, "NAME", NULL, NULL, "name in the server's certificate; default: the host of the URL"},
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
    {"expire",          CLI_TIME,     0,   false, "WHEN",   "expire_time",        NULL, "drop it if not started by this time, or this long from now, as in 30m"},
    {"after",           CLI_TEXT,     0,   true,  "ID",     "after",              NULL, "only when this job has succeeded; may be repeated"},
    {"unique-key",      CLI_TEXT,     0,   false, "KEY",    "unique_key",         NULL, "while an unfinished job of the queue has this key, answer with that one"},
    {"concurrency-key", CLI_TEXT,     0,   false, "KEY",    "concurrency_key",    NULL, "run at most the queue's max-per-key jobs of this key at once"},
    {"label",           CLI_LABEL,    'l', true,  "K=V",    NULL,                 NULL, "label to find the job by; may be repeated"},
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

static const cli_option exec_options[] = {
    {"env",   CLI_TEXT, 'e', true,  "NAME=VALUE", NULL, NULL, "environment variable that the command's configuration allows; may be repeated"},
    {"stdin", CLI_TEXT, 'i', false, "FILE",       NULL, NULL, "its standard input; -: that of errand"},
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

static const cli_option filter_options[] = {
    {"queue", CLI_TEXT, 'q', false, "NAME",  "queue", NULL, "jobs of this queue"},
    {"state", CLI_NAME, 0,   false, "STATE", "state", NULL, "jobs in this state: blocked, scheduled, ready, running, succeeded, failed, ..."},
    {"kind",  CLI_TEXT, 0,   false, "NAME",  "kind",  NULL, "jobs of this kind"},
    {"label", CLI_LABEL, 'l', false, "K=V",  "label", NULL, "jobs with this label"},
    END
};

static const cli_option list_options[] = {
    {"limit", CLI_NUMBER, 'n', false, "NUMBER", NULL, NULL, "jobs at most; 0: all; default: 50"},
    END
};

static const cli_option setting_options[] = {
    {"rate-limit",  CLI_TEXT,   0, false, "N/TIME", NULL, NULL, "start at most N jobs in each TIME, as in 10/1s; none: no limit"},
    {"burst",       CLI_NUMBER, 0, false, "NUMBER", NULL, NULL, "jobs that may start at once after a rest; with --rate-limit; default: 1"},
    {"max-running", CLI_TEXT,   0, false, "NUMBER", NULL, NULL, "jobs that run at once; none: no limit"},
    {"max-per-key", CLI_TEXT,   0, false, "NUMBER", NULL, NULL, "jobs of one concurrency key that run at once; none: no limit"},
    {"max-depth",   CLI_TEXT,   0, false, "NUMBER", NULL, NULL, "unfinished jobs that the queue takes; none: no limit"},
    {"hold-on-retry-after", CLI_TEXT, 0, false, "ON|OFF", NULL, NULL, "hold back the whole queue when an answer names a time to try again"},
    {"aging",       CLI_TEXT,   0, false, "TIME",   NULL, NULL, "one point of priority is worth this much waiting; none: strict priority"},
    END
};

static const cli_option top_options[] = {
    {"interval", CLI_DURATION, 0, false, "TIME", NULL, NULL, "show it anew after this long; default: 2s"},
    END
};

const cli_option_group cli_global_options = {"Options of every command", global_options};
static const cli_option_group job_group = {"Job options", job_options};
static const cli_option_group callback_group = {"Callback options", callback_options};
static const cli_option_group wait_group = {"Waiting", wait_options};
static const cli_option_group fetch_group = {"HTTP options", fetch_options};
static const cli_option_group exec_group = {"Command options", exec_options};
static const cli_option_group submit_group = {"Input options", submit_options};
static const cli_option_group result_group = {"Waiting", result_options};
static const cli_option_group all_wait_group = {"Waiting", all_wait_options};
static const cli_option_group filter_group = {"Which jobs", filter_options};
static const cli_option_group list_group = {"How many", list_options};
static const cli_option_group setting_group = {"Settings", setting_options};
static const cli_option_group top_group = {"Display", top_options};

const cli_option_group *const cli_global_groups[] = {&cli_global_options, NULL};
static const cli_option_group *const fetch_groups[] = {&fetch_group, &job_group, &callback_group, &wait_group, &cli_global_options, NULL};
static const cli_option_group *const exec_groups[] = {&exec_group, &job_group, &callback_group, &wait_group, &cli_global_options, NULL};
static const cli_option_group *const submit_groups[] = {&submit_group, &job_group, &callback_group, &wait_group, &cli_global_options, NULL};
static const cli_option_group *const result_groups[] = {&result_group, &cli_global_options, NULL};
static const cli_option_group *const wait_groups[] = {&all_wait_group, &cli_global_options, NULL};
static const cli_option_group *const list_groups[] = {&filter_group, &list_group, &cli_global_options, NULL};
static const cli_option_group *const filter_groups[] = {&filter_group, &cli_global_options, NULL};
static const cli_option_group *const setting_groups[] = {&setting_group, &cli_global_options, NULL};
static const cli_option_group *const top_groups[] = {&top_group, &cli_global_options, NULL};

const cli_command cli_commands[] = {
    {"fetch",  "URL",     "have a URL fetched",
     "Submits an http job and prints its id. With --wait it waits for the end and prints the body of the answer.",
     fetch_groups, 1, 1, cli_fetch},
    {"exec",   "NAME [ARG...]", "have a command run",
     "Submits a job that runs a command, and prints its id. NAME is a command that the configuration of the workers "
     "names; they decide what it takes. Arguments that begin with a dash stand behind --. With --wait it waits for the "
     "end and prints what the command wrote: standard output and standard error on those of errand.",
     exec_groups, 1, SIZE_MAX, cli_exec},
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
    {"watch",  "ID",      "follow a job to its end",
     "Shows each change of a job until it has ended: a progress bar on standard error when that is a terminal, "
     "otherwise a line for each change. With -o json each change is the whole job.",
     cli_global_groups, 1, 1, cli_watch},
    {"explain", "ID",     "tell why a job is not running",
     "Tells what keeps a job from running: its time, jobs it waits for, a pause or a limit of its queue, a missing "
     "worker, or the jobs before it.",
     cli_global_groups, 1, 1, cli_explain},
    {"cancel", "[ID...]", "cancel jobs, by id or filter",
     "Cancels jobs that have not ended; running ones are stopped. Prints id and state of each. With filters instead "
     "of ids it cancels all that match and prints how many those were.",
     filter_groups, 0, SIZE_MAX, cli_cancel},
    {"retry",  "[ID...]", "try jobs again, by id or filter",
     "Makes jobs that failed, were cancelled or expired ready again. Prints id and state of each. With filters "
     "instead of ids it takes all that match and prints how many those were.",
     filter_groups, 0, SIZE_MAX, cli_retry},
    {"rm",     "[ID...]", "delete jobs, by id or filter",
     "Deletes jobs that are not running, with their results. Prints id and former state of each. With filters "
     "instead of ids it deletes all that match and prints how many those were.",
     filter_groups, 0, SIZE_MAX, cli_remove},
    {"ls",     "",        "list jobs, newest first",
     "Lists jobs, newest first. All filters given must match.",
     list_groups, 0, 0, cli_list},
    {"queue ls", "[NAME...]", "list queues",
     "Shows queues with the number of their jobs in each state, and their settings; without names all of them.",
     cli_global_groups, 0, SIZE_MAX, cli_queue_list},
    {"queue pause", "NAME", "start no more jobs of a queue",
     "Starts no more jobs of a queue; those that run go on.",
     cli_global_groups, 1, 1, cli_queue_pause},
    {"queue resume", "NAME", "end the pause of a queue",
     "Ends the pause of a queue.",
     cli_global_groups, 1, 1, cli_queue_resume},
    {"queue set", "NAME", "change settings of a queue",
     "Changes the settings given and leaves the others; none clears a setting.",
     setting_groups, 1, 1, cli_queue_set},
    {"queue purge", "NAME", "delete the jobs of a queue that wait",
     "Deletes the jobs of a queue that wait, and prints how many those were. Running and finished jobs stay.",
     cli_global_groups, 1, 1, cli_queue_purge},
    {"queue watch", "NAME", "follow what happens in a queue",
     "Prints the queue and each change of the state of its jobs, until it is interrupted.",
     cli_global_groups, 1, 1, cli_queue_watch},
    {"worker ls", "",     "list workers",
     "Shows the workers that the server heard of lately.",
     cli_global_groups, 0, 0, cli_worker_list},
    {"token new", "",     "make a bearer token",
     "Prints a fresh token, for its owner, and its hash, for `tokens` in the server's configuration. Asks no server.",
     cli_global_groups, 0, 0, cli_token_new},
    {"token hash", "FILE", "print the hash of a token",
     "Prints what `tokens` in the server's configuration needs of the token in a file. Asks no server.",
     cli_global_groups, 1, 1, cli_token_hash},
    {"stats",  "",        "show the server's counters",
     "Shows how many jobs there are in each state, workers, waiting calls, and the size of the store.",
     cli_global_groups, 0, 0, cli_stats},
    {"top",    "",        "watch the queues",
     "Shows the queues, busiest first, and shows them anew every two seconds when standard output is a terminal.",
     top_groups, 0, 0, cli_top},
    {"backup", "FILE",    "copy the store of a running server",
     "Has the server write a consistent copy of its store to a file on the server's host, which must not exist. "
     "Prints the size of the copy.",
     cli_global_groups, 1, 1, cli_backup},
    {NULL, NULL, NULL, NULL, NULL, 0, 0, NULL},
};
// clang-format on

// How many words of the command line the name is; 0: it is another command.
static int match_name(const char *name, int argc, char *const *argv)
{
    for (int count = 0; count < argc; count++) {
        size_t size = strcspn(name, " ");
        if (strlen(argv[count]) != size || memcmp(argv[count], name, size) != 0)
            return 0;
        if (name[size] == '\0')
            return count + 1;
        name += size + 1;
    }
    return 0;
}

const cli_command *cli_command_find(int argc, char *const *argv, int *ret_count)
{
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        int count = match_name(command->name, argc, argv);
        if (count > 0) {
            *ret_count = count;
            return command;
        }
    }
    return NULL;
}

bool cli_command_in(const cli_command *command, const char *topic)
{
    size_t size = strcspn(command->name, " ");
    return command->name[size] == ' ' && strlen(topic) == size &&
           memcmp(command->name, topic, size) == 0;
}

bool cli_topic_known(const char *topic)
{
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        if (cli_command_in(command, topic))
            return true;
    }
    return false;
}
