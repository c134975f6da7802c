// queue_text - the settings of a queue in a line of a configuration file, such as
// `rate_limit=10/1s burst=5 max_running=4 max_per_key=1 max_depth=100000 aging=10s paused=false`.
#ifndef ERRAND_JOB_QUEUE_TEXT_H
#define ERRAND_JOB_QUEUE_TEXT_H

#include "job/queue.h"

// What queue_text_is_good wants, for messages.
#define QUEUE_TEXT_FORM                                                                            \
    "settings such as rate_limit=10/1s burst=5 max_running=4 max_per_key=1 max_depth=1000 "        \
    "aging=10s paused=true hold_on_retry_after=true, parted by spaces"

bool queue_text_is_good(const char *text);

// queue_text_read sets what the text names; ret_mask says which. False when it is not good;
// settings may have changed then.
bool queue_text_read(const char *text, queue_settings *settings, unsigned *ret_mask);

#endif
