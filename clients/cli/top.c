// top - errand top: the queues, shown anew every other second on a terminal.
#include "queues.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_INTERVAL_MS 2000
#define OTHER_LINES         4  // of the screen: counters, an empty one, the head, the cursor

typedef struct table {
    Errand__V1__Queue **rows;
    size_t count;
} table;

static int64_t load_of(const Errand__V1__Queue *queue)
{
    return queues_depth(queue, "READY") + queues_depth(queue, "RUNNING");
}

static int compare_load(const void *a, const void *b)
{
    int64_t left = load_of(*(Errand__V1__Queue *const *) a);
    int64_t right = load_of(*(Errand__V1__Queue *const *) b);
    return (left < right) - (left > right);
}

// A page goes when the next one comes, so that each queue is copied.
static Errand__V1__Queue *copy_queue(const Errand__V1__Queue *queue)
{
    size_t size = errand__v1__queue__get_packed_size(queue);
    AUTO_FREE uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL)
        return NULL;
    (void) errand__v1__queue__pack(queue, bytes);
    return errand__v1__queue__unpack(NULL, size, bytes);
}

static cli_exit add_row(void *data, const Errand__V1__Queue *queue)
{
    table *t = data;
    Errand__V1__Queue **rows = reallocarray(t->rows, t->count + 1, sizeof *rows);
    if (rows == NULL)
        return CLI_NO_SUCCESS;
    t->rows = rows;
    rows[t->count] = copy_queue(queue);
    if (rows[t->count] == NULL)
        return CLI_NO_SUCCESS;
    t->count++;
    return CLI_OK;
}

static void table_fini(table *t)
{
    for (size_t i = 0; i < t->count; i++)
        errand__v1__queue__free_unpacked(t->rows[i], NULL);
    free(t->rows);
}

static size_t screen_rows(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row <= OTHER_LINES)
        return SIZE_MAX;
    return (size_t) size.ws_row - OTHER_LINES;
}

static void print_counters(const Errand__V1__ServerStats *stats)
{
    char uptime[CLI_TEXT_MAX];
    cli_print("up %s  workers %" PRId64 "  waiting calls %" PRId64,
              cli_span_text(stats->uptime, uptime), stats->workers, stats->waiting_calls);
    for (size_t i = 0; i < stats->n_jobs; i++)
        cli_print("  %s %" PRId64, stats->jobs[i]->key, stats->jobs[i]->value);
    cli_print("\n\n");
}

static void print_table(const table *t, size_t limit)
{
    queues_print_head();
    for (size_t i = 0; i < t->count && i < limit; i++)
        queues_print_row(t->rows[i]);
}

static cli_exit show_once(cli *c, bool is_screen)
{
    table t = {0};
    ProtobufCMessage *stats = NULL;
    cli_exit ending =
        cli_call(c, &errand__v1__server_service__descriptor, "GetStats", NULL, NULL, &stats);
    if (ending == CLI_OK)
        ending = queues_each(c, add_row, &t);
    if (ending == CLI_OK) {
        if (t.count > 0)
            qsort(t.rows, t.count, sizeof *t.rows, compare_load);
        if (is_screen)
            (void) fputs("\033[H\033[2J", stdout);
        print_counters((const Errand__V1__ServerStats *) stats);
        print_table(&t, is_screen ? screen_rows() : SIZE_MAX);
    }
    if (stats != NULL)
        protobuf_c_message_free_unpacked(stats, NULL);
    table_fini(&t);
    return ending;
}

static cli_exit show_again_and_again(cli *c, int64_t interval_ms)
{
    const struct timespec pause = {interval_ms / 1000, interval_ms % 1000 * 1000000};
    for (;;) {
        cli_exit ending = show_once(c, true);
        if (ending != CLI_OK || fflush(stdout) != 0)
            return ending;
        (void) nanosleep(&pause, NULL);
    }
}

cli_exit cli_top(cli *c, const cli_args *args)
{
    int64_t interval_ms;
    status *s = cli_duration_ms(args, "interval", DEFAULT_INTERVAL_MS, &interval_ms);
    if (s == NULL && interval_ms < 100)
        s = status_new(STATUS_INVALID_ARGUMENT, "--interval: expected 100ms or more");
    if (s != NULL)
        return cli_bad_usage(s);
    if (c->json)
        return cli_queue_list(c, args);
    return isatty(STDOUT_FILENO) != 0 ? show_again_and_again(c, interval_ms) : show_once(c, false);
}
