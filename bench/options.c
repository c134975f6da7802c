// options - the table of flags.
#include "bench/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct flag {
    const char *name;
    enum { FLAG_TEXT, FLAG_NUMBER } type;
    size_t offset;
    int64_t least;
    int64_t most;
    const char *help;
} flag;

#define TEXT(field)   FLAG_TEXT, offsetof(bench_options, field), 0, 0
#define NUMBER(field) FLAG_NUMBER, offsetof(bench_options, field)

// clang-format off
static const flag flags[] = {
    {"--errandd",   TEXT(errandd),                "FILE   server program (default: the one beside errand-bench)"},
    {"--dir",       TEXT(dir),                    "DIR    where data folders are made and removed (default: .)"},
    {"--json",      TEXT(json),                   "FILE   write the figures as JSON too; -: to standard output, and no tables"},
    {"--row",       TEXT(row),                    "TEXT   of echo, submit, fetch, peers and scale, only rows whose name holds this"},
    {"--runs",      NUMBER(runs), 1, 31,          "N      repetitions; figures are their medians (3)"},
    {"--count",     NUMBER(count), 0, 10000000,   "N      operations of one measurement (0: what the scenario takes)"},
    {"--time-ms",   NUMBER(time_ms), 10, 60000,   "N      longest measurement of a rate (2000)"},
    {"--timeout-s", NUMBER(timeout_s), 1, 3600,   "N      a measurement not over by then has failed (120)"},
    {"--batch",     NUMBER(batch), 1, 10000,      "N      jobs in one BatchSubmit (1000)"},
    {"--lease",     NUMBER(lease), 1, 10000,      "N      jobs in one Lease (1000)"},
    {"--lessees",   NUMBER(lessees), 1, 64,       "N      workers that drain (2)"},
    {"--workers",   NUMBER(workers), 1, 100000,   "N      jobs that the workers of errandd run at once in fetch (1000)"},
    {"--body",      NUMBER(body), 0, 1048576,     "N      bytes of the origin's answers in fetch (1024)"},
    {"--per-host",  NUMBER(max_per_host), 1, 65536, "N      transfers to the origin at once in fetch (256)"},
    {"--delay-ms",  NUMBER(delay_ms), 1, 60000,   "N      delay of the slow origin in fetch (100)"},
    {"--backlog",   NUMBER(backlog), 1, 20000000, "N      queued jobs in the largest case of scale, the others shrink with it; backlog has twice as many (5000000)"},
};
// clang-format on

#define FLAG_COUNT (sizeof flags / sizeof flags[0])

// The server program is looked for beside our own.
static status *default_errandd(const char **ret)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - sizeof "errandd");
    if (size < 0)
        return status_errno(errno, "own path");
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    memcpy(slash + 1, "errandd", sizeof "errandd");
    *ret = strdup(path);
    return *ret ? NULL : status_errno(ENOMEM, "own path");
}

status *options_init(bench_options *options)
{
    *options = (bench_options){.runs = 3,
                               .time_ms = 2000,
                               .timeout_s = 120,
                               .batch = 1000,
                               .lease = 1000,
                               .lessees = 2,
                               .workers = 1000,
                               .max_per_host = 256,
                               .body = 1024,
                               .delay_ms = 100,
                               .backlog = 5000000};
    options->dir = strdup(".");
    if (!options->dir)
        return status_errno(ENOMEM, "options");
    return default_errandd(&options->errandd);
}

void options_fini(bench_options *options)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (flags[i].type == FLAG_TEXT)
            free(*(char **) ((char *) options + flags[i].offset));
}

static status *set_number(const flag *f, const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || end == text || *end || number < f->least || number > f->most)
        return status_new(STATUS_INVALID_ARGUMENT,
                          "%s: found \"%s\", expected a number from %lld to %lld", f->name, text,
                          (long long) f->least, (long long) f->most);
    *ret = number;
    return NULL;
}

static status *set_text(const char *text, char **ret)
{
    char *copy = strdup(text);
    if (!copy)
        return status_errno(ENOMEM, "options");
    free(*ret);
    *ret = copy;
    return NULL;
}

static status *set_flag(bench_options *options, const char *name, const char *value)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        void *field = (char *) options + flags[i].offset;
        if (strcmp(flags[i].name, name) != 0)
            continue;
        if (!value)
            return status_new(STATUS_INVALID_ARGUMENT, "%s needs a value", name);
        return flags[i].type == FLAG_TEXT ? set_text(value, field)
                                          : set_number(&flags[i], value, field);
    }
    return status_new(STATUS_INVALID_ARGUMENT, "unknown flag %s", name);
}

status *options_parse(bench_options *options, int argc, char **argv, int *ret_count)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            argv[1 + count++] = argv[i];
            continue;
        }
        status *failure = set_flag(options, argv[i], argv[i + 1]);
        if (failure)
            return failure;
        i++;
    }
    *ret_count = count;
    return NULL;
}

void options_print_help(void)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        printf("  %-11s %s\n", flags[i].name, flags[i].help);
}
