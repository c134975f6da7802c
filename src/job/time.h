// time - google.protobuf.Timestamp and Duration to and from microseconds.
#ifndef ERRAND_JOB_TIME_H
#define ERRAND_JOB_TIME_H

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

// False when the message is out of range: seconds beyond 0001..9999 (Timestamp) or +-10000 years
// (Duration), nanos outside of 0..999999999, or of another sign than the seconds.
bool time_from_timestamp(const Google__Protobuf__Timestamp *message, int64_t *ret_us);
bool time_from_duration(const Google__Protobuf__Duration *message, int64_t *ret_us);

// Seconds as they were given, to tell what was found: 604800.4s, -0.5s. Where the nanos are none of
// a Duration's both numbers are shown.
#define TIME_SHOWN_SIZE 48
char *time_show_duration(const Google__Protobuf__Duration *message,
                         char ret[static TIME_SHOWN_SIZE]);

// ret must have been initialised.
void time_to_timestamp(int64_t us, Google__Protobuf__Timestamp *ret);
void time_to_duration(int64_t us, Google__Protobuf__Duration *ret);

#endif
