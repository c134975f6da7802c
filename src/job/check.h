// check - collects what is wrong with a submitted job, so that one answer names all of it.
#ifndef ERRAND_JOB_CHECK_H
#define ERRAND_JOB_CHECK_H

#include "base/status.h"
#include "job/spec.h"

#include <stdint.h>

// More violations than this are not told: a job may hold any number of bad header fields.
#define CHECK_MAX_VIOLATIONS 32

typedef struct check {
    const job_limits *limits;
    status *invalid;
} check;

// check_bad notes a wrong field: what was found and what was expected.
void check_bad(check *c, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// check_take hands out the verdict; NULL when all is well.
status *check_take(check *c);

// Fields of one kind; each notes what is wrong under the given path.
void check_url(check *c, const char *field, const char *url);
void check_header(check *c, const char *field, const char *name, const char *value);
void check_header_count(check *c, const char *field, size_t count);
// The duration, if there is one, lies in min_us..max_us; text says so in words.
typedef struct check_range {
    int64_t min_us;
    int64_t max_us;
    const char *text;
} check_range;
void check_duration(check *c, const char *field, const Google__Protobuf__Duration *duration,
                    const check_range *range);

// The parts of a job.
void check_http(check *c, const Errand__V1__HttpRequest *http);
void check_exec(check *c, const Errand__V1__Command *exec);
void check_callback(check *c, const Errand__V1__Callback *callback);

#endif
