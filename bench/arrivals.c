// arrivals - one thread sleeps until each job is due and submits it; replies come on the client's.
#include "bench/arrivals.h"
#include "bench/usage.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
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
    pthread_mutex_t lock;  // guards what follows
    pthread_cond_t changed;
    size_t answered;
    double last_s;
    status *failure;  // the first
    arrival each[];
};

static status *check(const ProtobufCMessage *reply, const status *failure)
{
    if (failure)
        return status_copy(failure);
    int state = (int) ((const Errand__V1__Job *) reply)->state;
    return state == ERRAND__V1__JOB__STATE__SUCCEEDED
               ? NULL
               : status_new(STATUS_INTERNAL, "the job is in state %d after the wait", state);
}

static void on_answer(void *data, const ProtobufCMessage *reply, const status *failure)
{
    arrival *own = data;
    stream *all = own->all;
    double now_s = monotonic_s();
    status *wrong = check(reply, failure);
    all->what->latencies_s[own - all->each] = now_s - own->due_s;
    pthread_mutex_lock(&all->lock);
    all->answered++;
    all->last_s = now_s;
    if (!all->failure)
        all->failure = wrong;
    else
        status_free(wrong);
    pthread_cond_signal(&all->changed);
    pthread_mutex_unlock(&all->lock);
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

static void wait_for_answers(stream *all)
{
    pthread_mutex_lock(&all->lock);
    while (all->answered < all->what->count)
        pthread_cond_wait(&all->changed, &all->lock);
    pthread_mutex_unlock(&all->lock);
}

status *arrivals_run(arrivals *a, int64_t timeout_s)
{
    AUTO_FREE stream *all = calloc(1, sizeof *all + a->count * sizeof all->each[0]);
    if (!all)
        return status_errno(ENOMEM, "arrivals");
    all->what = a;
    pthread_mutex_init(&all->lock, NULL);
    pthread_cond_init(&all->changed, NULL);
    double start_s = monotonic_s();
    send_all(all, timeout_s);
    wait_for_answers(all);
    a->done_rate = (double) a->count / (all->last_s - start_s);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    return all->failure;
}
