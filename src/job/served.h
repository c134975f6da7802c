// served - a queue as a worker names it: NAME, or NAME=WEIGHT when several have jobs.
#ifndef ERRAND_JOB_SERVED_H
#define ERRAND_JOB_SERVED_H

#include <stdbool.h>
#include <stddef.h>

#define SERVED_MAX_WEIGHT 1000

// What served_is_good wants, for messages.
#define SERVED_FORM "[a-zA-Z0-9_.-]{1,64}, with a weight from 1 to 1000 if any, such as mail=3"

bool served_is_good(const char *served);

// The parts of any text: how long the name is, whether there is a weight, and which; 1 without one,
// 0 when it is none.
size_t served_name_size(const char *served);
bool served_has_weight(const char *served);
int served_weight(const char *served);

#endif
