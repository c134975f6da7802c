// metrics - the numbers of the engine, for whoever reads this process's metrics.
//
// They are kept by the engine's thread, and asked for by a command: counting takes no lock there,
// and nobody counts jobs. The oldest jobs are looked up beside it, by a reader.
#include "service/internal.h"

#include "base/clock.h"
#include "base/metrics.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// A scrape does not wait for a disk that hangs.
#define PATIENCE_S 2

// clang-format off
static const metrics_family submitted = {
    .name = "errand_jobs_submitted_total", .type = METRICS_COUNTER, .labels = {"queue"},
    .help = "Jobs taken, callbacks included."};
static const metrics_family finished = {
    .name = "errand_jobs_finished_total", .type = METRICS_COUNTER, .labels = {"queue", "state"},
    .help = "Jobs that ended, by how."};
static const metrics_family failed_attempts = {
    .name = "errand_job_attempts_failed_total", .type = METRICS_COUNTER, .labels = {"queue"},
    .help = "Attempts that failed, timed out, or were lost with their worker."};
static const metrics_family jobs = {
    .name = "errand_jobs", .type = METRICS_GAUGE, .labels = {"queue", "state"},
    .help = "Jobs in the store now."};
static const metrics_family oldest = {
    .name = "errand_queue_oldest_job_age_seconds", .type = METRICS_GAUGE, .labels = {"queue"},
    .help = "How long the READY job that has waited longest has been due; 0: none waits."};
static const metrics_family waits = {
    .name = "errand_job_wait_seconds", .type = METRICS_HISTOGRAM, .labels = {"queue"},
    .buckets = &metrics_long_times, .help = "From being due to the start of an attempt."};
static const metrics_family runs = {
    .name = "errand_job_run_seconds", .type = METRICS_HISTOGRAM, .labels = {"queue"},
    .buckets = &metrics_long_times, .help = "From the start of an attempt to its success or failure."};
static const metrics_family workers = {
    .name = "errand_workers", .type = METRICS_GAUGE,
    .help = "Worker processes heard of lately."};
static const metrics_family results_queue = {
    .name = "errand_results_queue_length", .type = METRICS_GAUGE,
    .help = "Batches of outcomes received and not stored yet."};
// clang-format on

// What was asked for. The asker may give up before the engine answers: the last one frees it.
typedef struct question {
    engine_numbers numbers;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done;
    int holders;
} question;

static void release(question *q)
{
    (void) pthread_mutex_lock(&q->lock);
    bool last = --q->holders == 0;
    (void) pthread_mutex_unlock(&q->lock);
    if (!last) {
        return;
    }
    status_free(q->numbers.command.failure);
    arena_free(q->numbers.memory);
    (void) pthread_mutex_destroy(&q->lock);
    (void) pthread_cond_destroy(&q->answered);
    free(q);
}

static void answered(engine_command *command)
{
    question *q = command->owner;
    (void) pthread_mutex_lock(&q->lock);
    q->done = true;
    (void) pthread_cond_signal(&q->answered);
    (void) pthread_mutex_unlock(&q->lock);
    release(q);
}

static question *ask(engine *e)
{
    question *q = calloc(1, sizeof *q);
    if (q == NULL) {
        return NULL;
    }
    q->numbers.memory = arena_new(0);
    if (q->numbers.memory == NULL) {
        free(q);
        return NULL;
    }
    q->holders = 2;
    (void) pthread_mutex_init(&q->lock, NULL);
    (void) pthread_cond_init(&q->answered, NULL);
    q->numbers.command = (engine_command){.verb = ENGINE_NUMBERS, .done = answered, .owner = q};
    engine_post(e, &q->numbers.command);
    return q;
}

static bool wait_for_answer(question *q)
{
    struct timespec until;
    (void) clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int error = 0;
    (void) pthread_mutex_lock(&q->lock);
    while (!q->done && error == 0) {
        error = pthread_cond_timedwait(&q->answered, &q->lock, &until);
    }
    bool good = q->done && q->numbers.command.failure == NULL;
    (void) pthread_mutex_unlock(&q->lock);
    return good;
}

// ---- families ----

static void write_counters(buf *out, const engine_numbers *n)
{
    metrics_write_head(out, &submitted);
    for (size_t i = 0; i < n->count; i++) {
        metrics_write_number(out, &submitted, n->queues[i].queue, NULL,
                             (double) n->queues[i].tally.submitted);
    }
    metrics_write_head(out, &finished);
    for (size_t i = 0; i < n->count; i++) {
        for (int state = JOB_SUCCEEDED; state <= JOB_EXPIRED; state++) {
            metrics_write_number(out, &finished, n->queues[i].queue,
                                 job_state_name((job_state) state),
                                 (double) n->queues[i].tally.finished[state]);
        }
    }
    metrics_write_head(out, &failed_attempts);
    for (size_t i = 0; i < n->count; i++) {
        metrics_write_number(out, &failed_attempts, n->queues[i].queue, NULL,
                             (double) n->queues[i].tally.failed_attempts);
    }
}

static void write_depths(buf *out, const engine_numbers *n)
{
    metrics_write_head(out, &jobs);
    for (size_t i = 0; i < n->count; i++) {
        for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++) {
            metrics_write_number(out, &jobs, n->queues[i].queue, job_state_name((job_state) state),
                                 (double) n->queues[i].jobs[state]);
        }
    }
}

static void write_times(buf *out, const engine_numbers *n)
{
    metrics_write_head(out, &waits);
    for (size_t i = 0; i < n->count; i++) {
        metrics_write_tally(out, &waits, n->queues[i].queue, NULL, &n->queues[i].tally.wait);
    }
    metrics_write_head(out, &runs);
    for (size_t i = 0; i < n->count; i++) {
        metrics_write_tally(out, &runs, n->queues[i].queue, NULL, &n->queues[i].tally.run);
    }
}

static double oldest_age(store_reader *reader, const engine_queue_numbers *queue, int64_t now_us)
{
    int64_t due_us = INT64_MAX;
    if (queue->jobs[JOB_READY] == 0) {
        return 0;
    }
    status_free(reader->ops->oldest_ready(reader, queue->queue, &due_us));
    return due_us < now_us ? (double) (now_us - due_us) * 1e-6 : 0;
}

static void write_oldest(buf *out, service *s, const engine_numbers *n)
{
    store_reader *reader = reader_take(&s->readers);
    int64_t now_us = clock_wall_us(clock_system());
    metrics_write_head(out, &oldest);
    for (size_t i = 0; i < n->count; i++) {
        if (strcmp(n->queues[i].queue, ENGINE_OTHER_QUEUES) != 0) {
            metrics_write_number(out, &oldest, n->queues[i].queue, NULL,
                                 oldest_age(reader, &n->queues[i], now_us));
        }
    }
    reader_return(&s->readers, reader);
}

static void write_one(buf *out, const metrics_family *family, size_t number)
{
    metrics_write_head(out, family);
    metrics_write_number(out, family, NULL, NULL, (double) number);
}

void service_write_metrics(void *data, buf *out)
{
    service *s = data;
    write_one(out, &results_queue, atomic_load(&s->batches_pending));
    question *q = ask(s->options.engine);
    if (q == NULL) {
        return;
    }
    if (wait_for_answer(q)) {
        const engine_numbers *n = &q->numbers;
        write_one(out, &workers, n->workers);
        write_counters(out, n);
        write_depths(out, n);
        write_oldest(out, s, n);
        write_times(out, n);
    }
    release(q);
}
