// watch - follows one job: a Watch call after the other, each parked at the server.
//
// A call is started without waiting for it, so that whoever waits can give up: a watch that is
// closed leaves its last call to itself, and goes when that has ended.
#include "client.h"
#include "error.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_S         50  // of one call; the server allows 60
#define CALL_MS        60000
#define HASTY_US       1000000  // an answer without a change sooner than that was not a wait
#define FIRST_PAUSE_US 50000
#define LAST_PAUSE_US  1000000

struct errand_watch {
    errand_client *client;
    char *id;
    int64_t revision;  // the last one given
    bool over;         // the final state was given
    int64_t sent_us;
    int64_t pause_us;   // before the next call, when the last one was hasty
    int64_t resume_us;  // no call before

    pthread_mutex_t lock;  // of what follows
    pthread_cond_t changed;
    int references;  // the owner's, and that of the call under way
    bool under_way;
    bool closed;
    Errand__V1__Job *job;  // answered
    errand_error *error;

    bool has_thread;  // of errand_watch_start
    pthread_t thread;
    errand_job_fn *tell;
    void *data;
};

static int64_t now_us(void)
{
    return clock_mono_us(clock_system());
}

static void init_lock(errand_watch *w)
{
    pthread_condattr_t attributes;
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&w->changed, &attributes);
    (void) pthread_condattr_destroy(&attributes);
    (void) pthread_mutex_init(&w->lock, NULL);
}

static void watch_free(errand_watch *w)
{
    if (w->job != NULL) {
        errand__v1__job__free_unpacked(w->job, NULL);
    }
    errand_error_free(w->error);
    (void) pthread_cond_destroy(&w->changed);
    (void) pthread_mutex_destroy(&w->lock);
    client_let_go(w->client);
    free(w->id);
    free(w);
}

// Unlocks, too.
static void release(errand_watch *w)
{
    bool last = --w->references == 0;
    pthread_mutex_unlock(&w->lock);
    if (last) {
        watch_free(w);
    }
}

static errand_watch *watch_new(errand_client *client, const char *id)
{
    errand_watch *w = calloc(1, sizeof *w);
    if (w == NULL || (w->id = strdup(id)) == NULL) {
        free(w);
        return NULL;
    }
    w->client = client_hold(client);
    w->references = 1;
    init_lock(w);
    return w;
}

errand_error *errand_watch_open(errand_client *client, const char *id, errand_watch **ret)
{
    errand_watch *w = watch_new(client, id);
    if (w == NULL) {
        return error_no_memory();
    }
    *ret = w;
    return NULL;
}

// ---- calls ----

static Errand__V1__Job *copy_job(const ProtobufCMessage *reply)
{
    size_t size = protobuf_c_message_get_packed_size(reply);
    AUTO_FREE uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return NULL;
    }
    (void) protobuf_c_message_pack(reply, bytes);
    return errand__v1__job__unpack(NULL, size, bytes);
}

static errand_error *copy_error(const errand_error *error)
{
    status *failure = status_new((status_code) error->code, "%s", error->message);
    failure->retry_delay_ms = error->retry_delay_ms;
    for (size_t i = 0; i < error->violation_count; i++) {
        status_add_violation(failure, error->fields[i], "%s", error->descriptions[i]);
    }
    return error_from(failure);
}

static void on_answer(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    errand_watch *w = (errand_watch *) data;
    pthread_mutex_lock(&w->lock);
    w->under_way = false;
    w->job = reply == NULL ? NULL : copy_job(reply);
    if (w->job == NULL) {
        w->error = error != NULL ? copy_error(error) : error_no_memory();
    }
    (void) pthread_cond_broadcast(&w->changed);
    release(w);
}

static void start_call(errand_watch *w, const Errand__V1__WatchJobRequest *request)
{
    static const errand_error closed = {
        .code = STATUS_CANCELLED, .message = "the client was closed", .retry_delay_ms = -1};
    const errand_call_options options = {.timeout_ms = CALL_MS};
    if (!client_enter(w->client)) {
        on_answer(w, NULL, &closed);
        return;
    }
    errand_start(w->client, &errand__v1__job_service__descriptor, "Watch", &request->base, &options,
                 on_answer, w);
    client_leave(w->client);
}

// The answer may come before errand_start returns, so the lock is not held.
static void ask(errand_watch *w)
{
    Google__Protobuf__Duration wait = GOOGLE__PROTOBUF__DURATION__INIT;
    wait.seconds = WAIT_S;
    Errand__V1__WatchJobRequest request = ERRAND__V1__WATCH_JOB_REQUEST__INIT;
    request.id = w->id;
    request.revision = w->revision;
    request.wait = &wait;
    w->sent_us = now_us();
    w->under_way = true;
    w->references++;
    pthread_mutex_unlock(&w->lock);
    start_call(w, &request);
    pthread_mutex_lock(&w->lock);
}

// A server with too many waiting calls answers at once: asking again at once would not help it.
static void pace(errand_watch *w, bool news)
{
    if (news || now_us() - w->sent_us >= HASTY_US) {
        w->pause_us = 0;
    } else if (w->pause_us == 0) {
        w->pause_us = FIRST_PAUSE_US;
    } else if (w->pause_us < LAST_PAUSE_US) {
        w->pause_us *= 2;
    }
    w->resume_us = now_us() + w->pause_us;
}

// True when there is an answer to be given: a change or a failure.
static bool has_news(errand_watch *w)
{
    if (w->error != NULL) {
        return true;
    }
    if (w->job == NULL) {
        return false;
    }
    bool news = w->job->revision > w->revision || w->revision == 0;
    pace(w, news);
    if (!news) {
        errand__v1__job__free_unpacked(w->job, NULL);
        w->job = NULL;
    }
    return news;
}

static bool wait_until(errand_watch *w, int64_t end_us)
{
    if (end_us == INT64_MAX) {
        (void) pthread_cond_wait(&w->changed, &w->lock);
        return true;
    }
    struct timespec end = {.tv_sec = end_us / 1000000, .tv_nsec = end_us % 1000000 * 1000};
    return pthread_cond_timedwait(&w->changed, &w->lock, &end) == 0 || now_us() < end_us;
}

// False when the time is over, or the watch closed.
static bool wait_for_news(errand_watch *w, int64_t end_us)
{
    while (!has_news(w)) {
        if (!w->closed && !w->under_way && now_us() >= w->resume_us) {
            ask(w);  // with no time left, too: the answer is for the next one to ask
            continue;
        }
        if (w->closed || now_us() >= end_us) {
            return false;
        }
        bool pausing = !w->under_way && w->resume_us < end_us;
        (void) wait_until(w, pausing ? w->resume_us : end_us);
    }
    return true;
}

static errand_error *take_news(errand_watch *w, Errand__V1__Job **ret)
{
    if (w->error != NULL) {
        return TAKE(w->error);
    }
    w->revision = w->job->revision;
    w->over = errand_state_is_final(w->job->state);
    *ret = TAKE(w->job);
    return NULL;
}

errand_error *errand_watch_next(errand_watch *watch, int64_t timeout_ms, Errand__V1__Job **ret)
{
    if (watch->over) {
        *ret = NULL;
        return NULL;
    }
    int64_t end_us =
        timeout_ms < 0 || timeout_ms > INT64_MAX / 2000 ? INT64_MAX : now_us() + timeout_ms * 1000;
    errand_error *error = NULL;
    pthread_mutex_lock(&watch->lock);
    if (wait_for_news(watch, end_us)) {
        error = take_news(watch, ret);
    } else {
        error = error_from(status_new(watch->closed ? STATUS_CANCELLED : STATUS_DEADLINE_EXCEEDED,
                                      "no change in that time"));
    }
    pthread_mutex_unlock(&watch->lock);
    return error;
}

// ---- with a thread of its own ----

static bool tell(errand_watch *w, const Errand__V1__Job *job, const errand_error *error)
{
    pthread_mutex_lock(&w->lock);
    bool closed = w->closed;
    pthread_mutex_unlock(&w->lock);
    if (!closed) {
        w->tell(w->data, job, error);
    }
    return !closed;
}

static void *follow(void *data)
{
    errand_watch *w = (errand_watch *) data;
    bool on = true;
    while (on) {
        Errand__V1__Job *job = NULL;
        errand_error *error = errand_watch_next(w, -1, &job);
        on = (job != NULL || error != NULL) && tell(w, job, error) && error == NULL;
        if (job != NULL) {
            errand__v1__job__free_unpacked(job, NULL);
        }
        errand_error_free(error);
    }
    pthread_mutex_lock(&w->lock);
    release(w);
    return NULL;
}

errand_error *errand_watch_start(errand_client *client, const char *id, errand_job_fn *changed,
                                 void *data, errand_watch **ret)
{
    errand_watch *w = watch_new(client, id);
    if (w == NULL) {
        return error_no_memory();
    }
    w->tell = changed;
    w->data = data;
    w->has_thread = true;
    w->references++;  // the thread's
    *ret = w;         // before the thread may tell of it
    int failed = pthread_create(&w->thread, NULL, follow, w);
    if (failed != 0) {
        *ret = NULL;
        watch_free(w);
        return error_from(status_errno(failed, "thread of a watch"));
    }
    return NULL;
}

void errand_watch_close(errand_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    pthread_mutex_lock(&watch->lock);
    watch->closed = true;
    (void) pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    if (watch->has_thread) {
        if (pthread_equal(pthread_self(), watch->thread)) {
            (void) pthread_detach(watch->thread);
        } else {
            (void) pthread_join(watch->thread, NULL);
        }
    }
    pthread_mutex_lock(&watch->lock);
    release(watch);
}
