// time - google.protobuf.Timestamp and Duration to and from microseconds.
#include "job/time.h"

#include <stdio.h>
#include <stdlib.h>

#define US_PER_S  INT64_C(1000000)
#define NS_PER_US 1000
#define NS_PER_S  1000000000

#define TIMESTAMP_MIN_S INT64_C(-62135596800)  // 0001-01-01T00:00:00Z
#define TIMESTAMP_MAX_S INT64_C(253402300799)  // 9999-12-31T23:59:59Z
#define DURATION_MAX_S  INT64_C(315576000000)  // 10,000 years

bool time_from_timestamp(const Google__Protobuf__Timestamp *message, int64_t *ret_us)
{
    if (message->seconds < TIMESTAMP_MIN_S || message->seconds > TIMESTAMP_MAX_S)
        return false;
    if (message->nanos < 0 || message->nanos >= NS_PER_S)
        return false;
    *ret_us = message->seconds * US_PER_S + message->nanos / NS_PER_US;
    return true;
}

static bool are_nanos_of_duration(const Google__Protobuf__Duration *message)
{
    if (message->nanos <= -NS_PER_S || message->nanos >= NS_PER_S)
        return false;
    return message->nanos > 0 ? message->seconds >= 0
                              : message->nanos == 0 || message->seconds <= 0;
}

bool time_from_duration(const Google__Protobuf__Duration *message, int64_t *ret_us)
{
    if (message->seconds < -DURATION_MAX_S || message->seconds > DURATION_MAX_S)
        return false;
    if (!are_nanos_of_duration(message))
        return false;
    *ret_us = message->seconds * US_PER_S + message->nanos / NS_PER_US;
    return true;
}

char *time_show_duration(const Google__Protobuf__Duration *message,
                         char ret[static TIME_SHOWN_SIZE])
{
    long long seconds = message->seconds;
    if (!are_nanos_of_duration(message)) {
        (void) snprintf(ret, TIME_SHOWN_SIZE, "%llds and %dns", seconds, message->nanos);
        return ret;
    }
    const char *sign = seconds == 0 && message->nanos < 0 ? "-" : "";
    int size =
        snprintf(ret, TIME_SHOWN_SIZE - 1, "%s%lld.%09d", sign, seconds, abs(message->nanos));
    while (ret[size - 1] == '0')
        size--;
    size -= ret[size - 1] == '.';
    ret[size] = 's';
    ret[size + 1] = '\0';
    return ret;
}

void time_to_timestamp(int64_t us, Google__Protobuf__Timestamp *ret)
{
    int64_t seconds = us / US_PER_S;
    int64_t rest = us % US_PER_S;
    if (rest < 0) {  // nanos of a Timestamp count forward, before 1970 too
        rest += US_PER_S;
        seconds--;
    }
    ret->seconds = seconds;
    ret->nanos = (int32_t) (rest * NS_PER_US);
}

void time_to_duration(int64_t us, Google__Protobuf__Duration *ret)
{
    ret->seconds = us / US_PER_S;
    ret->nanos = (int32_t) (us % US_PER_S * NS_PER_US);
}
