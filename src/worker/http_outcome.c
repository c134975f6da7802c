// http_outcome - what an HTTP answer, or the lack of one, means for the attempt. Pure.
#include "worker/http_outcome.h"

#include <ctype.h>
#include <string.h>

#define LONGEST_RETRY_AFTER_S 86400

static bool matches(const char *pattern, long http_status)
{
    long hundreds = pattern[0] - '0';
    if (strcmp(pattern + 1, "xx") == 0) {
        return hundreds == http_status / 100;
    }
    char text[4] = {(char) ('0' + http_status / 100 % 10), (char) ('0' + http_status / 10 % 10),
                    (char) ('0' + http_status % 10), '\0'};
    return strcmp(pattern, text) == 0;
}

static bool is_success(long http_status, char *const *success_codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (success_codes[i][0] != '\0' && matches(success_codes[i], http_status)) {
            return true;
        }
    }
    return count == 0 && http_status / 100 == 2;
}

// clang-format off
static const struct {
    long http_status;
    http_verdict verdict;
} failures[] = {
    {400, {STATUS_INVALID_ARGUMENT,   false}},
    {401, {STATUS_UNAUTHENTICATED,    false}},
    {403, {STATUS_PERMISSION_DENIED,  false}},
    {404, {STATUS_NOT_FOUND,          false}},
    {408, {STATUS_DEADLINE_EXCEEDED,  true}},
    {409, {STATUS_ABORTED,            false}},
    {410, {STATUS_NOT_FOUND,          false}},
    {425, {STATUS_UNAVAILABLE,        true}},
    {429, {STATUS_RESOURCE_EXHAUSTED, true}},
    {504, {STATUS_DEADLINE_EXCEEDED,  true}},
};
// clang-format on

http_verdict http_judge_status(long http_status, char *const *success_codes, size_t count)
{
    if (is_success(http_status, success_codes, count)) {
        return (http_verdict){STATUS_OK, false};
    }
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].http_status == http_status) {
            return failures[i].verdict;
        }
    }
    if (http_status / 100 == 5) {
        return (http_verdict){STATUS_UNAVAILABLE, true};
    }
    return (http_verdict){STATUS_FAILED_PRECONDITION, false};
}

http_verdict http_judge_transfer(CURLcode result)
{
    switch ((int) result) {
    case CURLE_OPERATION_TIMEDOUT:
        return (http_verdict){STATUS_DEADLINE_EXCEEDED, true};
    case CURLE_TOO_MANY_REDIRECTS:
        return (http_verdict){STATUS_FAILED_PRECONDITION, false};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return (http_verdict){STATUS_INVALID_ARGUMENT, false};
    case CURLE_FILESIZE_EXCEEDED:
        return (http_verdict){STATUS_RESOURCE_EXHAUSTED, false};
    case CURLE_OUT_OF_MEMORY:
        return (http_verdict){STATUS_RESOURCE_EXHAUSTED, true};
    default:  // resolving, connecting, TLS, a connection that broke: all may be better next time
        return (http_verdict){STATUS_UNAVAILABLE, true};
    }
}

static bool all_digits(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static int64_t seconds_of(const char *digits)
{
    int64_t seconds = 0;
    for (; *digits != '\0' && seconds <= LONGEST_RETRY_AFTER_S; digits++) {
        seconds = seconds * 10 + (*digits - '0');
    }
    return seconds;
}

int64_t http_retry_after_us(const char *value, int64_t now_s)
{
    int64_t seconds = 0;
    if (all_digits(value)) {
        seconds = seconds_of(value);
    } else if (isalpha((unsigned char) *value)) {
        time_t then = curl_getdate(value, NULL);  // -1: no date
        seconds = then <= now_s ? 0 : then - now_s;
    }
    return (seconds < LONGEST_RETRY_AFTER_S ? seconds : LONGEST_RETRY_AFTER_S) * 1000000;
}
