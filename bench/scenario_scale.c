// scenario_scale - what a job costs behind much of everything, against what it costs behind little.
#include "bench/place.h"
#include "bench/scenario.h"

#define ROUNDS     7     // places take turns: what else the machine does meets all of them
#define ROUND_JOBS 2000  // submitted, leased and finished in a round

#define MOST_PLACES 6

// Cases that are measured in turns and compared with the first of them; those without a row are
// none.
typedef struct group {
    place_case cases[MOST_PLACES];
} group;

// The sizes are shares of the largest backlog, 5,000,000 unless it is said otherwise.
// clang-format off
static const group groups[] = {
    {{{.row = "1k queued",   .backlog = 1000},
      {.row = "1M queued",   .backlog = 1000000},
      {.row = "5M queued",   .backlog = 5000000}}},
    {{{.row = "1 queue",                        .backlog = 100000},
      {.row = "10k queues",                     .backlog = 100000, .queues = 10000},
      {.row = "10k queues, a worker of 100",    .backlog = 100000, .queues = 10000, .served = 100},
      {.row = "10k queues with a limit",        .backlog = 100000, .queues = 10000, .limited = 10000},
      {.row = "10k queues, all but 100 paused", .backlog = 100000, .queues = 10000, .open = 100}}},
    {{{.row = "1k unique keys",   .backlog = 100000, .keys = 1000},
      {.row = "100k unique keys", .backlog = 100000, .keys = 100000}}},
    {{{.row = "nobody waits",             .backlog = 100000},
      {.row = "100k callers wait",        .backlog = 100000, .waiters = 100000},
      {.row = "5k other workers wait",    .backlog = 100000, .idle = 5000}}},
};
// clang-format on

#define GROUP_COUNT (sizeof groups / sizeof groups[0])
#define FULL_SIZE   5000000

static int64_t scaled(const bench_options *options, int64_t size)
{
    int64_t share = size * options->backlog / FULL_SIZE;
    return size > 0 && share < 1 ? 1 : share;
}

static place_case scale(const bench_options *options, const place_case *full)
{
    return (place_case){
        .row = full->row,
        .backlog = scaled(options, full->backlog),
        .queues = scaled(options, full->queues),
        .served = scaled(options, full->served),
        .open = scaled(options, full->open),
        .limited = scaled(options, full->limited),
        .keys = scaled(options, full->keys),
        .waiters = scaled(options, full->waiters),
        .idle = scaled(options, full->idle),
    };
}

// The cases asked for, and the first.
static size_t choose(const bench_options *options, const group *g, place_case *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < MOST_PLACES && g->cases[i].row; i++)
        if (i == 0 || scenario_wants(options, g->cases[i].row))
            ret[count++] = scale(options, &g->cases[i]);
    return count;
}

static status *open_places(const bench_options *options, const place_case *cases, size_t count,
                           place **places)
{
    status *failure = NULL;
    for (size_t i = 0; !failure && i < count; i++)
        failure = place_open(options, &cases[i], &places[i]);
    for (size_t i = 0; !failure && i < count; i++)
        failure = place_crowd(places[i]);
    return failure;
}

static status *measure(const bench_options *options, size_t count, place **places, report *r)
{
    status *failure = NULL;
    size_t jobs = (size_t) scenario_count(options, ROUND_JOBS);
    for (int round = 0; !failure && round < ROUNDS; round++)
        for (size_t i = 0; !failure && i < count; i++)
            failure = place_measure(places[i], jobs);
    for (size_t i = 0; !failure && i < count; i++)
        place_report(places[i], places[0], r);
    return failure;
}

static status *run_group(const bench_options *options, const group *g, report *r)
{
    place_case cases[MOST_PLACES];
    place *places[MOST_PLACES] = {NULL};
    size_t count = choose(options, g, cases);
    if (count == 1 && options->row && !scenario_wants(options, cases[0].row))
        return NULL;
    status *failure = open_places(options, cases, count, places);
    if (!failure)
        failure = measure(options, count, places, r);
    for (size_t i = 0; !failure && i < count; i++)
        failure = place_stop(TAKE(places[i]));
    for (size_t i = 0; i < count; i++)
        place_close(places[i]);
    return failure;
}

status *scenario_scale(const bench_options *options, report *r)
{
    status *failure = NULL;
    for (size_t i = 0; !failure && i < GROUP_COUNT; i++)
        failure = run_group(options, &groups[i], r);
    return failure;
}
