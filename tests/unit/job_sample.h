// job_sample - submitted jobs to spoil, and what the check has to say of them.
#ifndef ERRAND_TESTS_UNIT_JOB_SAMPLE_H
#define ERRAND_TESTS_UNIT_JOB_SAMPLE_H

#include "unit/unit_test.h"

#include "job/spec.h"

static const job_limits limits = {.max_input_bytes = 8 << 20, .max_result_bytes = 16 << 20};

// A job that is all right, of one kind or another, to spoil.
typedef struct sample {
    Errand__V1__Job job;
    Errand__V1__HttpRequest http;
    Errand__V1__HttpRequest__HeadersEntry header;
    Errand__V1__HttpRequest__HeadersEntry *headers[1];
    Errand__V1__Callback callback;
    Errand__V1__Callback__HeadersEntry callback_header;
    Errand__V1__Callback__HeadersEntry *callback_headers[1];
    Errand__V1__RetryPolicy retry;
    Google__Protobuf__Duration duration;
    Google__Protobuf__Duration other;
    Google__Protobuf__Timestamp time;
    Google__Protobuf__Value value;
    Errand__V1__Data data;
    char *texts[2];
    Errand__V1__Job__State states[3];
} sample;

static inline char *text(const char *constant)
{
    return (char *) (uintptr_t) constant;
}

static inline void init_parts(sample *s)
{
    errand__v1__http_request__init(&s->http);
    errand__v1__http_request__headers_entry__init(&s->header);
    errand__v1__callback__init(&s->callback);
    errand__v1__callback__headers_entry__init(&s->callback_header);
    errand__v1__retry_policy__init(&s->retry);
    google__protobuf__duration__init(&s->duration);
    google__protobuf__duration__init(&s->other);
    google__protobuf__timestamp__init(&s->time);
    google__protobuf__value__init(&s->value);
    errand__v1__data__init(&s->data);
}

static inline sample *http_sample(void)
{
    static sample s;
    memset(&s, 0, sizeof s);
    errand__v1__job__init(&s.job);
    init_parts(&s);
    s.headers[0] = &s.header;
    s.header.key = text("x-one");
    s.header.value = text("1");
    s.callback_headers[0] = &s.callback_header;
    s.callback.url = text("http://localhost/sink");
    s.callback_header.key = text("x-two");
    s.http.url = text("https://example.org/a?b=c#d");
    s.http.headers = s.headers;
    s.http.n_headers = 1;
    s.job.input_case = ERRAND__V1__JOB__INPUT_HTTP;
    s.job.http = &s.http;
    return &s;
}

static inline sample *args_sample(void)
{
    sample *s = http_sample();
    s->value.kind_case = GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE;
    s->value.number_value = 5;
    s->job.input_case = ERRAND__V1__JOB__INPUT_ARGS;
    s->job.args = &s->value;
    s->job.kind = text("resize");
    return s;
}

static inline void accepts(const sample *s)
{
    status *failure = job_spec_check(&s->job, &limits);
    if (failure)
        print_error("%s\n", failure->message);
    assert_null(failure);
}

static inline const char *violation_of(const status *failure, const char *field)
{
    for (size_t i = 0; i < failure->violation_count; i++)
        if (strcmp(failure->violations[i].field, field) == 0)
            return failure->violations[i].description;
    return NULL;
}

// The job is refused with a violation of that field that holds these words.
static inline void refuses(const sample *s, status_code code, const char *field, const char *words)
{
    AUTO(status) failure = job_spec_check(&s->job, &limits);
    assert_int_equal(status_code_of(failure), code);
    const char *description = violation_of(failure, field);
    if (!description || !strstr(description, words))
        print_error("%s: %s, expected %s: %s\n", failure->message,
                    description ? description : "no violation", field, words);
    assert_non_null(description);
    assert_non_null(strstr(description, words));
}

static inline void bad(const sample *s, const char *field, const char *words)
{
    refuses(s, STATUS_INVALID_ARGUMENT, field, words);
}

#endif
