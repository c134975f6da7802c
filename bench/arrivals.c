// arrivals - one thread sleeps until each job is due and submits it; replies come on the client's.
#include "bench/arrivals.h"
#include "bench/answers.h"
#include "bench/jobs.h"
#include "bench/usage.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

typedef struct stream stream;

typedef struct arrival {
    stream *all;
    double due_s;
} arrival;

struct stream {
    arrivals *what;
    answers answers;
    arrival each[];
};

static void on_answer(void *data, const ProtobufCMessage *reply, const status *failure)
{
    arrival *own = data;
    stream *all = own->all;
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    all->what->latencies_s[own - all->each] = monotonic_s() - own->due_s;
    answers_add(&all->answers, failure ? status_copy(failure) : jobs_check_success(job->state));
}

// The same numbers in every run, so that runs differ by the machine alone.
static double next_gap(uint64_t *state, double rate)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return -log(((double) (*state >> 11) + 1) / 9007199254740993.0) / rate;
}

static void sleep_until(double time_s)
{
    double whole = floor(time_s);
    const struct timespec due = {.tv_sec = (time_t) whole,
                                 .tv_nsec = (long) ((time_s - whole) * 1e9)};
    while (monotonic_s() < time_s &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        continue;
}

static void send_all(stream *all, int64_t timeout_s)
{
    uint64_t state = 88172645463325252U;
    const rpc_call_options options = {.timeout_ms = timeout_s * 1000};
    double due_s = monotonic_s();
    (void) prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (size_t i = 0; i < all->what->count; i++) {
        due_s += next_gap(&state, all->what->rate);
        all->each[i] = (arrival){.all = all, .due_s = due_s};
        sleep_until(due_s);
        rpc_client_start(all->what->client, &errand__v1__job_service__descriptor, "Submit",
                         &all->what->request->base, &options, on_answer, &all->each[i]);
    }
}

static double last_s(const stream *all)
{
    double last = 0;
    for (size_t i = 0; i < all->what->count; i++)
        last = fmax(last, all->each[i].due_s + all->what->latencies_s[i]);
    return last;
}

status *arrivals_run(arrivals *a, int64_t timeout_s)
{
    AUTO_FREE stream *all = calloc(1, sizeof *all + a->count * sizeof all->each[0]);
    if (!all)
        return status_errno(ENOMEM, "arrivals");
    all->what = a;
    answers_init(&all->answers);
    double start_s = monotonic_s();
    send_all(all, timeout_s);
    status *failure = answers_wait(&all->answers, a->count);
    a->done_rate = (double) a->count / (last_s(all) - start_s);
    answers_fini(&all->answers);
    return failure;
}
