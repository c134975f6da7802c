// submit_file - errand submit --file: many jobs, a few batches in flight at a time.
#include "batch.h"
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Enough to keep the server's writer busy while lines are read.
#define WINDOW 4

// Any server takes a message of so many bytes of jobs; for more it is asked what it takes.
#define SMALL_BATCH_BYTES ((size_t) 16 << 10)

typedef struct submission {
    cli *c;
    const char *request_id;
    FILE *file;
    char *line;  // getline's
    size_t line_capacity;
    uint64_t line_number;
    batch *batches[WINDOW];  // a ring: sent ones wait from `oldest` on
    uint64_t sent;
    uint64_t collected;
    size_t batch_bytes;  // of jobs at most, and one job; 0: not known yet
    cli_exit status;
    progress progress;
} submission;

static void worsen(submission *s, cli_exit ending)
{
    if (ending > s->status)
        s->status = ending;
}

static void tell(submission *s, const buf *text)
{
    if (text->size == 0)
        return;
    progress_hide(&s->progress);
    cli_tell("%.*s", (int) text->size, (const char *) text->bytes);
}

// collect takes the oldest answer, so that ids come in the order of the lines.
static void collect(submission *s)
{
    batch *b = s->batches[s->collected % WINDOW];
    batch_collect(b);
    tell(s, &b->refusals);
    cli_print_bytes(b->out.bytes, b->out.size);
    worsen(s, b->status);
    s->progress.accepted += b->accepted;
    s->progress.refused += b->count - b->accepted;
    progress_show(&s->progress, s->file);
    batch_clear(b);
    s->collected++;
}

static void send_batch(submission *s)
{
    batch *b = s->batches[s->sent % WINDOW];
    if (b->count == 0)
        return;
    batch_send(b, s->c->client, s->request_id, s->sent);
    s->sent++;
    if (s->sent - s->collected == WINDOW)
        collect(s);
}

static void refuse_line(submission *s, status *why)
{
    progress_hide(&s->progress);
    cli_tell("errand: line %" PRIu64 ": %s: %s\n", s->line_number, status_code_name(why->code),
             why->message);
    status_free(why);
    s->progress.refused++;
    worsen(s, CLI_REFUSED);
}

// A quarter of a message: the largest job, which may be one more, takes less than the rest. Without
// an answer it ends: a file that is submitted again has to be cut at the same lines.
static void ask_for_room(submission *s)
{
    Errand__V1__GetInfoRequest request = ERRAND__V1__GET_INFO_REQUEST__INIT;
    ProtobufCMessage *reply = NULL;
    errand_error *error = errand_call(s->c->client, &errand__v1__server_service__descriptor,
                                      "GetInfo", &request.base, NULL, &reply);
    s->batch_bytes = BATCH_MAX_BYTES;
    if (error != NULL) {
        worsen(s, cli_bad_call(error));
        return;
    }
    int64_t room = ((Errand__V1__ServerInfo *) reply)->max_message_bytes / 4;
    protobuf_c_message_free_unpacked(reply, NULL);
    if (room > 0 && room < (int64_t) BATCH_MAX_BYTES)
        s->batch_bytes = (size_t) room;
}

static bool is_full(submission *s, const batch *b)
{
    if (b->bytes > SMALL_BATCH_BYTES && s->batch_bytes == 0)
        ask_for_room(s);
    return batch_is_full(b) || (s->batch_bytes > 0 && b->bytes >= s->batch_bytes);
}

// An unreachable server, or a reader of our answers that is gone, ends it early.
static bool may_go_on(const submission *s)
{
    return (s->status == CLI_OK || s->status == CLI_REFUSED) && !ferror(stdout);
}

static void take_line(submission *s, size_t size)
{
    s->line_number++;
    while (size > 0 && strchr(" \t\r\n", s->line[size - 1]) != NULL)
        size--;
    if (size == 0)
        return;
    batch *b = s->batches[s->sent % WINDOW];
    status *bad = batch_add_line(b, s->line, size, s->line_number);
    if (bad != NULL)
        refuse_line(s, bad);
    if (is_full(s, b) && may_go_on(s))
        send_batch(s);
}

static void read_lines(submission *s, const char *path)
{
    ssize_t size = 0;
    errno = 0;
    while (may_go_on(s) && (size = getline(&s->line, &s->line_capacity, s->file)) >= 0)
        take_line(s, (size_t) size);
    if (ferror(s->file) || (size < 0 && errno == ENOMEM))
        worsen(s, cli_bad_usage(status_errno(errno, "%s", path)));
    if (may_go_on(s))
        send_batch(s);
    while (s->collected < s->sent)
        collect(s);
    progress_end(&s->progress);
}

static bool make_batches(submission *s)
{
    for (size_t i = 0; i < WINDOW; i++) {
        if ((s->batches[i] = batch_new(s->c->json)) == NULL)
            return false;
    }
    return true;
}

static void free_batches(submission *s)
{
    for (size_t i = 0; i < WINDOW; i++)
        batch_free(s->batches[i]);
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static status *check_options(const cli_args *args)
{
    static const char *const of_a_job[] = {"wait", "args", "data", "label", NULL};
    if (args->word_count > 0)
        return status_new(STATUS_INVALID_ARGUMENT, "submit takes a KIND or --file, not both");
    for (size_t i = 0; i < args->given_count; i++) {
        const cli_option *option = args->given[i].option;
        if (option->field != NULL || is_one_of(option->name, of_a_job))
            return status_new(STATUS_INVALID_ARGUMENT,
                              "--%s does not go with --file: each line says it for its job",
                              option->name);
    }
    return NULL;
}

static status *open_file(const char *path, FILE **ret)
{
    *ret = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    return *ret != NULL ? NULL : status_errno(errno, "%s", path);
}

cli_exit cli_submit_file(cli *c, const cli_args *args)
{
    const char *path = cli_text(args, "file");
    submission s = {.c = c, .request_id = cli_text(args, "request-id")};
    status *bad = check_options(args);
    if (bad == NULL)
        bad = open_file(path, &s.file);
    if (bad != NULL)
        return cli_bad_usage(bad);
    progress_init(&s.progress, s.file);
    if (make_batches(&s)) {
        read_lines(&s, path);
    } else {
        cli_tell("errand: out of memory\n");
        s.status = CLI_NO_SUCCESS;
    }
    free_batches(&s);
    free(s.line);
    if (s.file != stdin)
        (void) fclose(s.file);
    return s.status;
}
