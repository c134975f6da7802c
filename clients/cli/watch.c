// watch - errand watch ID: each change of a job until it has ended.
#include "cli.h"
#include "patience.h"
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define MESSAGE_MAX 60  // bytes of a progress message beside the bar

typedef struct watching {
    cli *c;
    const char *id;
    int64_t revision;  // seen last; 0: none
    patience patience;
    bool bar;    // on stderr
    bool lines;  // on stdout
} watching;

static void watching_init(watching *w, cli *c, const char *id)
{
    *w = (watching){.c = c, .id = id};
    patience_init(&w->patience);
    w->bar = isatty(STDERR_FILENO) != 0 && !(c->json && isatty(STDOUT_FILENO) != 0);
    w->lines = c->json || !w->bar || isatty(STDOUT_FILENO) == 0;
}

static bool has_ended(const Errand__V1__Job *job)
{
    return cli_state_exit(job->state) != CLI_UNREACHABLE;
}

static void hide_bar(const watching *w)
{
    if (w->bar)
        cli_erase_line();
}

static void draw(const watching *w, const Errand__V1__Job *job)
{
    char message[MESSAGE_MAX];
    const Errand__V1__Progress *how = job->progress;
    hide_bar(w);
    cli_tell("%-9s ", cli_state_name(job->state));
    if (how != NULL && how->total > 0)
        progress_bar(how->done, how->total);
    else if (how != NULL && how->done > 0)
        cli_tell("%" PRId64 "  ", how->done);
    if (how != NULL)
        cli_tell("%s", cli_plain_text(how->message, message, sizeof message));
    (void) fflush(stderr);
}

static void print_progress(const Errand__V1__Progress *how)
{
    char message[200];
    cli_print(" %" PRId64, how->done);
    if (how->total > 0)
        cli_print("/%" PRId64, how->total);
    if (*how->message != '\0')
        cli_print(" %s", cli_plain_text(how->message, message, sizeof message));
}

static void print_error(const Errand__Rpc__V1__Status *error)
{
    char message[400];
    cli_print(" %s: %s", status_code_name((status_code) error->code),
              cli_plain_text(error->message, message, sizeof message));
}

static cli_exit print_change(const watching *w, const Errand__V1__Job *job)
{
    if (w->c->json)
        return cli_print_json(&job->base);
    cli_print("%s", cli_state_name(job->state));
    if (job->state == ERRAND__V1__JOB__STATE__RUNNING && job->progress != NULL)
        print_progress(job->progress);
    if (job->state != ERRAND__V1__JOB__STATE__RUNNING && job->error != NULL)
        print_error(job->error);
    cli_print("\n");
    return CLI_OK;
}

// show tells a change: as a line, which a reader of ours gets at once, and with the bar.
static cli_exit show(const watching *w, const Errand__V1__Job *job)
{
    cli_exit ending = CLI_OK;
    hide_bar(w);
    if (w->lines || has_ended(job))
        ending = print_change(w, job);
    (void) fflush(stdout);  // a failure is remembered by stdout
    if (w->bar && !has_ended(job))
        draw(w, job);
    return ending;
}

static errand_error *ask(watching *w, Errand__V1__Job **ret)
{
    Errand__V1__WatchJobRequest request = ERRAND__V1__WATCH_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) w->id;
    request.revision = w->revision;
    request.wait = &w->patience.wait;
    return patience_watch(&w->patience, w->c, &errand__v1__job_service__descriptor, &request.base,
                          (ProtobufCMessage **) ret);
}

// next shows one change, or nothing when there was none; *ret_ended tells whether it was the last.
static cli_exit next(watching *w, bool *ret_ended)
{
    Errand__V1__Job *job = NULL;
    errand_error *error = ask(w, &job);
    if (error != NULL) {
        hide_bar(w);
        return cli_bad_call(error);
    }
    cli_exit ending = CLI_OK;
    if (job->revision != w->revision || w->revision == 0)
        ending = show(w, job);
    else
        patience_pause(&w->patience);
    w->revision = job->revision;
    *ret_ended = has_ended(job);
    if (*ret_ended && ending == CLI_OK)
        ending = cli_state_exit(job->state);
    errand__v1__job__free_unpacked(job, NULL);
    return ending;
}

cli_exit cli_watch(cli *c, const cli_args *args)
{
    watching w;
    bool ended = false;
    cli_exit ending = CLI_OK;
    watching_init(&w, c, args->words[0]);
    while (ending == CLI_OK && !ended && !ferror(stdout))
        ending = next(&w, &ended);
    return ending;
}
