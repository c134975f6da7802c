// context - one run of a function: what it is told, and what it says.
#include "worker/context.h"

#include "base/clock.h"
#include "error.h"
#include "worker/message_copy.h"
#include "worker/text.h"
#include "json/codec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_RETRY_AFTER_MS (366LL * 24 * 3600 * 1000)  // the server waits a day at most

static int64_t now_us(void)
{
    return clock_mono_us(clock_system());
}

static void init_changed(pthread_cond_t *changed)
{
    pthread_condattr_t attributes;
    (void) pthread_condattr_init(&attributes);
    (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void) pthread_cond_init(changed, &attributes);
    (void) pthread_condattr_destroy(&attributes);
}

errand_context *context_new(const function_settings *settings, attempt *a)
{
    errand_context *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->settings = settings;
    c->attempt = a;
    c->owner = a->owner;
    c->job = a->job;
    c->deadline_us = attempt_deadline_us(a);
    c->fd = -1;
    errand__v1__result__init(&c->result);
    errand__v1__data__init(&c->data);
    (void) pthread_mutex_init(&c->lock, NULL);
    init_changed(&c->changed);
    return c;
}

void context_free(errand_context *c)
{
    if (c->fd >= 0) {
        (void) close(c->fd);
    }
    (void) pthread_cond_destroy(&c->changed);
    (void) pthread_mutex_destroy(&c->lock);
    arena_free(c->memory);
    arena_free(c->said);
    free(c);
}

static void signal_fd(const errand_context *c)
{
    const uint64_t one = 1;
    if (c->fd >= 0 && write(c->fd, &one, sizeof one) < 0) {
        // It is readable already.
        return;
    }
}

void context_cancel(errand_context *c)
{
    pthread_mutex_lock(&c->lock);
    c->cancelled = true;
    signal_fd(c);
    (void) pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

void context_settle(errand_context *c)
{
    Google__Protobuf__Value null = GOOGLE__PROTOBUF__VALUE__INIT;
    null.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NULL_VALUE;
    if (c->failed) {
        attempt_fail(c->attempt, &c->failure);
        return;
    }
    if (c->result.output_case == ERRAND__V1__RESULT__OUTPUT__NOT_SET) {
        c->result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
        c->result.value = &null;
    }
    attempt_succeed(c->attempt, &c->result);
}

void context_tell(errand_context *c)
{
    char message[ATTEMPT_TEXT_BYTES];
    pthread_mutex_lock(&c->lock);
    int64_t done = c->done, total = c->total;
    memcpy(message, c->message, sizeof message);
    pthread_mutex_unlock(&c->lock);
    attempt_progress(c->attempt, done, total, message);
}

// ---- what the function asks ----

const Errand__V1__Job *errand_context_job(const errand_context *context)
{
    return context->job;
}

int errand_context_attempt(const errand_context *context)
{
    return context->job->attempt;
}

int64_t errand_context_time_left_ms(const errand_context *context)
{
    int64_t left_us = context->deadline_us - now_us();
    return left_us > 0 ? left_us / 1000 : 0;
}

bool errand_context_cancelled(errand_context *context)
{
    pthread_mutex_lock(&context->lock);
    bool cancelled = context->cancelled;
    pthread_mutex_unlock(&context->lock);
    return cancelled;
}

bool errand_context_wait(errand_context *context, int64_t timeout_ms)
{
    timeout_ms = timeout_ms < INT64_MAX / 2000 ? timeout_ms : INT64_MAX / 2000;
    int64_t end_us = now_us() + (timeout_ms > 0 ? timeout_ms : 0) * 1000;
    struct timespec end = {.tv_sec = end_us / 1000000, .tv_nsec = end_us % 1000000 * 1000};
    int failed = 0;
    pthread_mutex_lock(&context->lock);
    while (!context->cancelled && failed == 0) {
        failed = timeout_ms < 0 ? pthread_cond_wait(&context->changed, &context->lock)
                                : pthread_cond_timedwait(&context->changed, &context->lock, &end);
    }
    bool cancelled = context->cancelled;
    pthread_mutex_unlock(&context->lock);
    return cancelled;
}

int errand_context_fd(errand_context *context)
{
    pthread_mutex_lock(&context->lock);
    if (context->fd < 0) {
        context->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (context->cancelled) {
            signal_fd(context);
        }
    }
    int fd = context->fd;
    pthread_mutex_unlock(&context->lock);
    return fd;
}

// ---- what it says ----

void errand_context_progress(errand_context *context, int64_t done, int64_t total,
                             const char *message)
{
    const char *said = message == NULL ? "" : message;
    pthread_mutex_lock(&context->lock);
    context->done = done;
    context->total = total;
    text_clean(context->message, sizeof context->message, said, strlen(said));
    pthread_mutex_unlock(&context->lock);
    context_post(context, &context->progressed);
}

// What was said before does not count any more. NULL when memory is short.
static arena *say_anew(errand_context *c)
{
    arena_free(c->said);
    c->said = arena_new(0);
    c->failed = false;
    c->result.output_case = ERRAND__V1__RESULT__OUTPUT__NOT_SET;
    return c->said;
}

// A result that was not taken is the last word, too: unless the function has another one the
// attempt has failed, and not succeeded with nothing.
static errand_error *refuse(errand_context *c, status *why)
{
    AUTO_FREE char *text = NULL;
    const char *own = NULL;
    if (c->said != NULL && asprintf(&text, "the result was refused: %s", why->message) >= 0) {
        own = arena_strdup(c->said, text);
    }
    c->failed = true;
    c->failure = (attempt_failure){
        .code = why->code,
        .retryable = why->code == STATUS_RESOURCE_EXHAUSTED,
        .message = own != NULL ? own : "the result was refused",
    };
    return error_from(why);
}

static errand_error *refuse_for_memory(errand_context *c)
{
    return refuse(c, status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
}

static void say_value(errand_context *c, Google__Protobuf__Value *value)
{
    c->result.output_case = ERRAND__V1__RESULT__OUTPUT_VALUE;
    c->result.value = value;
}

errand_error *errand_context_succeed_json(errand_context *context, const char *json)
{
    arena *memory = say_anew(context);
    ProtobufCMessage *value = NULL;
    if (memory == NULL) {
        return refuse_for_memory(context);
    }
    status *failure =
        json_decode(&google__protobuf__value__descriptor, json, strlen(json), memory, &value);
    if (failure != NULL) {
        return refuse(context, failure);
    }
    say_value(context, (Google__Protobuf__Value *) value);
    return NULL;
}

errand_error *errand_context_succeed_value(errand_context *context,
                                           const Google__Protobuf__Value *value)
{
    arena *memory = say_anew(context);
    ProtobufCMessage *copy = memory == NULL ? NULL : message_copy(&value->base, memory);
    if (copy == NULL) {
        return refuse_for_memory(context);
    }
    say_value(context, (Google__Protobuf__Value *) copy);
    return NULL;
}

errand_error *errand_context_succeed_data(errand_context *context, const char *content_type,
                                          const void *bytes, size_t size)
{
    arena *memory = say_anew(context);
    const char *type = content_type == NULL ? "application/octet-stream" : content_type;
    char *own_type = memory == NULL ? NULL : arena_copy(memory, type, strlen(type) + 1);
    uint8_t *own = memory == NULL ? NULL : arena_alloc(memory, size + 1);
    if (own_type == NULL || own == NULL) {
        return refuse_for_memory(context);
    }
    if (size > 0) {
        memcpy(own, bytes, size);
    }
    context->data.content_type = own_type;
    context->data.body = (ProtobufCBinaryData){.len = size, .data = own};
    context->result.output_case = ERRAND__V1__RESULT__OUTPUT_DATA;
    context->result.data = &context->data;
    return NULL;
}

static int64_t retry_after_us(int64_t ms)
{
    return ms <= 0 ? 0 : (ms < MAX_RETRY_AFTER_MS ? ms : MAX_RETRY_AFTER_MS) * 1000;
}

void errand_context_fail(errand_context *context, const errand_failure *failure)
{
    arena *memory = say_anew(context);
    const char *message = failure->message == NULL ? "the handler failed" : failure->message;
    const char *own = memory == NULL ? NULL : arena_copy(memory, message, strlen(message) + 1);
    context->failed = true;
    context->failure = (attempt_failure){
        .code = failure->code > 0 ? (status_code) failure->code : STATUS_UNKNOWN,
        .retryable = !failure->permanent,
        .retry_after_us = retry_after_us(failure->retry_after_ms),
        .message = own == NULL ? "the handler failed" : own,
    };
}
