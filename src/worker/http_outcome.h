// http_outcome - what an HTTP answer, or the lack of one, means for the attempt. Pure.
#ifndef ERRAND_WORKER_HTTP_OUTCOME_H
#define ERRAND_WORKER_HTTP_OUTCOME_H

#include "base/status.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct http_verdict {
    status_code code;  // STATUS_OK: success
    bool retryable;
} http_verdict;

// http_judge_status judges a final status code. success_codes are codes ("204") and classes
// ("2xx"); none: "2xx".
http_verdict http_judge_status(long http_status, char *const *success_codes, size_t count);

// http_judge_transfer judges a transfer that ended without a complete answer.
http_verdict http_judge_transfer(CURLcode result);

// http_retry_after_us reads a Retry-After value, seconds or an HTTP-date, at the time now_s
// (seconds since 1970); 0 for none, nonsense or the past, a day at most.
int64_t http_retry_after_us(const char *value, int64_t now_s);

#endif
