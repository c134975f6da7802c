// spec_check - judges a submitted job as a whole.
#include "job/spec.h"

#include "job/check.h"
#include "job/text.h"
#include "job/time.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)
#define YEAR_US   (365 * DAY_US)

#define PRIORITY_MIN   (-100)
#define PRIORITY_MAX   100
#define MAX_ATTEMPTS   1000
#define MAX_MULTIPLIER 1000.0
#define MAX_KEY        255  // bytes
#define MAX_LABELS     32
#define MAX_LABEL      255  // bytes of a key or a value

// Messages in one another. The deepest that a job stands in is the answer to a Lease, where args
// are three deep already: whoever is to run the job can read it.
#define MAX_ARGS_LEVELS 98

// clang-format off
static const check_range delay_range     = {0, 10 * YEAR_US, "0s to 10 years"};
static const check_range timeout_range   = {1, 7 * DAY_US,   "more than 0s, at most 7 days"};
static const check_range retention_range = {0, 10 * YEAR_US, "0s to 10 years"};
static const check_range backoff_range   = {0, YEAR_US,      "0s to 365 days"};
// clang-format on

status *job_name_check(const char *field, const char *name)
{
    char quoted[TEXT_QUOTE_SIZE];
    if (text_is_name(name))
        return NULL;
    return status_bad_field(field, "found %s, expected [a-zA-Z0-9_.-]{1,64}",
                            text_quote(name, quoted));
}

status *job_id_check(const char *field, const char *text, uuid *ret)
{
    char quoted[TEXT_QUOTE_SIZE];
    uuid id;
    if (!uuid_parse(text, &id))
        return status_bad_field(field, "found %s, expected a UUID", text_quote(text, quoted));
    *ret = id;
    return NULL;
}

static void check_name(check *c, const char *field, const char *name)
{
    char quoted[TEXT_QUOTE_SIZE];
    if (!text_is_name(name))
        check_bad(c, field, "found %s, expected [a-zA-Z0-9_.-]{1,64}", text_quote(name, quoted));
}

static void check_names(check *c, const Errand__V1__Job *job)
{
    char quoted[TEXT_QUOTE_SIZE];
    uuid id;
    if (*job->id && (!uuid_parse(job->id, &id) || uuid_is_nil(&id)))
        check_bad(c, "id", "found %s, expected a UUID", text_quote(job->id, quoted));
    if (*job->queue)
        check_name(c, "queue", job->queue);
}

// A kind that goes with http is implied by it; the others go to a handler that has to be named.
static void check_kind(check *c, const Errand__V1__Job *job)
{
    char quoted[TEXT_QUOTE_SIZE];
    const char *built_in = job->input_case == ERRAND__V1__JOB__INPUT_HTTP   ? "http"
                           : job->input_case == ERRAND__V1__JOB__INPUT_EXEC ? "exec"
                                                                            : NULL;
    if (built_in) {
        if (*job->kind && strcmp(job->kind, built_in) != 0)
            check_bad(c, "kind", "found %s with %s, expected %s or nothing",
                      text_quote(job->kind, quoted), built_in, built_in);
    } else if (!*job->kind && job->input_case != ERRAND__V1__JOB__INPUT__NOT_SET) {
        check_bad(c, "kind", "found nothing, expected the name of the handler");
    } else if (strcmp(job->kind, "http") == 0 || strcmp(job->kind, "exec") == 0) {
        check_bad(c, "kind", "found %s without the field %s, expected both or neither",
                  text_quote(job->kind, quoted), job->kind);
    } else if (*job->kind) {
        check_name(c, "kind", job->kind);
    }
}

// A value that JSON can say, of at most so many messages in one another.
static bool is_json(const Google__Protobuf__Value *value, int levels)
{
    if (!value || value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND__NOT_SET)
        return false;
    bool holds_others = value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE ||
                        value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
    if (levels < 1 + holds_others)
        return false;
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE)
        return isfinite(value->number_value);
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE)
        for (size_t i = 0; i < value->struct_value->n_fields; i++)
            if (!is_json(value->struct_value->fields[i]->value, levels - 3))
                return false;
    if (value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE)
        for (size_t i = 0; i < value->list_value->n_values; i++)
            if (!is_json(value->list_value->values[i], levels - 2))
                return false;
    return true;
}

static void check_data(check *c, const Errand__V1__Data *data)
{
    char quoted[TEXT_QUOTE_SIZE];
    if (*data->content_type && !text_is_media_type(data->content_type))
        check_bad(c, "data.content_type", "found %s, expected a media type such as image/png",
                  text_quote(data->content_type, quoted));
}

static void check_input(check *c, const Errand__V1__Job *job)
{
    switch (job->input_case) {
    case ERRAND__V1__JOB__INPUT_HTTP:
        check_http(c, job->http);
        break;
    case ERRAND__V1__JOB__INPUT_EXEC:
        check_exec(c, job->exec);
        break;
    case ERRAND__V1__JOB__INPUT_ARGS:
        if (!is_json(job->args, MAX_ARGS_LEVELS))
            check_bad(c, "args",
                      "found an absent value, a number that is not finite or nesting that is too "
                      "deep, expected any JSON value");
        break;
    case ERRAND__V1__JOB__INPUT_DATA:
        check_data(c, job->data);
        break;
    case ERRAND__V1__JOB__INPUT__NOT_SET:
    default:  // protobuf-c adds an enumerator of its own to force the size
        if (!*job->kind)
            check_bad(c, "input",
                      "found none of http, exec, args, data and kind, "
                      "expected one of them");
    }
}

static void check_timestamp(check *c, const char *field, const Google__Protobuf__Timestamp *time,
                            int64_t min_us, const char *expected)
{
    int64_t us;
    if (time && (!time_from_timestamp(time, &us) || us < min_us))
        check_bad(c, field, "found %llds and %dns since 1970, expected %s",
                  (long long) time->seconds, time->nanos, expected);
}

static void check_times(check *c, const Errand__V1__Job *job)
{
    if (job->delay && job->schedule_time) {
        check_bad(c, "delay", "found both delay and schedule_time, expected at most one");
        check_bad(c, "schedule_time", "found both delay and schedule_time, expected at most one");
    }
    check_duration(c, "delay", job->delay, &delay_range);
    check_timestamp(c, "schedule_time", job->schedule_time, INT64_MIN, "the years 1 to 9999");
    check_duration(c, "attempt_timeout", job->attempt_timeout, &timeout_range);
    check_duration(c, "retention", job->retention, &retention_range);
}

static void check_backoffs(check *c, const Errand__V1__RetryPolicy *retry)
{
    int64_t min_us, max_us;
    check_duration(c, "retry.min_backoff", retry->min_backoff, &backoff_range);
    check_duration(c, "retry.max_backoff", retry->max_backoff, &backoff_range);
    if (retry->min_backoff && retry->max_backoff &&
        time_from_duration(retry->min_backoff, &min_us) &&
        time_from_duration(retry->max_backoff, &max_us) && min_us > max_us)
        check_bad(c, "retry.max_backoff", "found %.6gs, expected at least min_backoff, %.6gs",
                  (double) max_us / 1e6, (double) min_us / 1e6);
}

static void check_retry(check *c, const Errand__V1__RetryPolicy *retry)
{
    if (retry->max_attempts < 0 || retry->max_attempts > MAX_ATTEMPTS)
        check_bad(c, "retry.max_attempts", "found %d, expected 0 to %d", retry->max_attempts,
                  MAX_ATTEMPTS);
    bool is_default = fpclassify(retry->multiplier) == FP_ZERO;
    if (!is_default && !(retry->multiplier >= 1.0 && retry->multiplier <= MAX_MULTIPLIER))
        check_bad(c, "retry.multiplier", "found %g, expected 0, or 1 to %g", retry->multiplier,
                  MAX_MULTIPLIER);
    check_backoffs(c, retry);
}

static void check_key(check *c, const char *field, const char *key)
{
    size_t size = strlen(key);
    if (size > MAX_KEY)
        check_bad(c, field, "found %zu bytes, expected at most %d", size, MAX_KEY);
}

static void check_after(check *c, const Errand__V1__Job *job)
{
    char field[32], quoted[TEXT_QUOTE_SIZE];
    uuid id;
    if (job->n_after > JOB_MAX_AFTER)
        check_bad(c, "after", "found %zu ids, expected at most %d", job->n_after, JOB_MAX_AFTER);
    for (size_t i = 0; i < job->n_after && i < JOB_MAX_AFTER; i++) {
        (void) snprintf(field, sizeof field, "after[%zu]", i);
        if (!uuid_parse(job->after[i], &id) || uuid_is_nil(&id))
            check_bad(c, field, "found %s, expected a UUID", text_quote(job->after[i], quoted));
    }
}

static void check_labels(check *c, const Errand__V1__Job *job)
{
    char quoted[TEXT_QUOTE_SIZE];
    if (job->n_labels > MAX_LABELS)
        check_bad(c, "labels", "found %zu, expected at most %d", job->n_labels, MAX_LABELS);
    for (size_t i = 0; i < job->n_labels && i < MAX_LABELS; i++) {
        const Errand__V1__Job__LabelsEntry *label = job->labels[i];
        if (!*label->key || strchr(label->key, ':') || strlen(label->key) > MAX_LABEL)
            check_bad(c, "labels", "found the key %s, expected 1 to %d bytes without a colon",
                      text_quote(label->key, quoted), MAX_LABEL);
        if (strlen(label->value) > MAX_LABEL)
            check_bad(c, "labels", "found %zu bytes for %s, expected at most %d",
                      strlen(label->value), text_quote(label->key, quoted), MAX_LABEL);
    }
}

static void check_not_set_by_server(check *c, const Errand__V1__Job *job)
{
    const struct {
        const char *field;
        bool is_set;
    } fields[] = {
        {"state", job->state != ERRAND__V1__JOB__STATE__STATE_UNSPECIFIED},
        {"attempt", job->attempt != 0},
        {"create_time", job->create_time != NULL},
        {"start_time", job->start_time != NULL},
        {"finish_time", job->finish_time != NULL},
        {"next_attempt_time", job->next_attempt_time != NULL},
        {"progress", job->progress != NULL},
        {"error", job->error != NULL},
        {"result", job->result != NULL},
        {"attempts", job->n_attempts > 0},
        {"worker", *job->worker != '\0'},
        {"parent", *job->parent != '\0'},
        {"traceparent", *job->traceparent != '\0'},
        {"revision", job->revision != 0},
        {"duplicate", job->duplicate != 0},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].is_set)
            check_bad(c, fields[i].field, "found a value, expected none: the server sets it");
}

// What the handler is given: the body, standard input, the arguments.
static size_t content_bytes(const Errand__V1__Job *job)
{
    switch (job->input_case) {
    case ERRAND__V1__JOB__INPUT_HTTP:
        return job->http->body.len;
    case ERRAND__V1__JOB__INPUT_EXEC:
        return job->exec->stdin.len;
    case ERRAND__V1__JOB__INPUT_ARGS:
        return google__protobuf__value__get_packed_size(job->args);
    case ERRAND__V1__JOB__INPUT_DATA:
        return job->data->body.len;
    case ERRAND__V1__JOB__INPUT__NOT_SET:
    case _ERRAND__V1__JOB__INPUT__CASE_IS_INT_SIZE:
        break;
    }
    return 0;
}

status *job_spec_measure(const Errand__V1__Job *job, const job_limits *limits)
{
    size_t size = errand__v1__job__get_packed_size(job), counted = size;
    if (limits->max_input_bytes > 0 && size > limits->max_input_bytes) {
        size_t beside = size - content_bytes(job);
        counted -= beside < JOB_MAX_BESIDE ? beside : JOB_MAX_BESIDE;
    }
    if (limits->max_input_bytes > 0 && counted > limits->max_input_bytes)
        return status_new(STATUS_RESOURCE_EXHAUSTED,
                          "the input of the job has %zu bytes, at most %zu are taken", counted,
                          limits->max_input_bytes);
    return NULL;
}

status *job_spec_check(const Errand__V1__Job *job, const job_limits *limits)
{
    status *failure = job_spec_measure(job, limits);
    return failure ? failure : job_spec_check_fields(job, limits);
}

status *job_spec_check_fields(const Errand__V1__Job *job, const job_limits *limits)
{
    check c = {.limits = limits};
    check_names(&c, job);
    check_input(&c, job);
    check_kind(&c, job);
    if (job->priority < PRIORITY_MIN || job->priority > PRIORITY_MAX)
        check_bad(&c, "priority", "found %d, expected %d to %d", job->priority, PRIORITY_MIN,
                  PRIORITY_MAX);
    check_times(&c, job);
    if (job->retry)
        check_retry(&c, job->retry);
    if (job->callback)
        check_callback(&c, job->callback);
    check_key(&c, "unique_key", job->unique_key);
    check_key(&c, "concurrency_key", job->concurrency_key);
    check_timestamp(&c, "expire_time", job->expire_time, 1, "the years 1970 to 9999");
    check_after(&c, job);
    check_labels(&c, job);
    check_not_set_by_server(&c, job);
    return check_take(&c);
}
