// queue_text - the settings of a queue in a line of a configuration file, such as
// `rate_limit=10/1s burst=5 max_running=4 max_per_key=1 max_depth=100000 aging=10s paused=false`.
#ifndef ERRAND_JOB_QUEUE_TEXT_H
#define ERRAND_JOB_QUEUE_TEXT_H

#include "base/config.h"
#include "job/queue.h"

// What queue_text_is_good wants, for messages.
#define QUEUE_TEXT_FORM "the keys below, such as rate_limit=10/1s burst=5 max_running=4"

bool queue_text_is_good(const char *text);

// The same settings as keys of a table, so that each can be told by its name when it is wrong.
extern const config_program queue_text_record;

// queue_text_judge judges the name of a queue and what the table alone can not tell of its
// settings: a judge of config_row.
status *queue_text_judge(const char *name, const void *record);

// queue_text_read sets what the text names; ret_mask says which. False when it is not good;
// settings may have changed then.
bool queue_text_read(const char *text, queue_settings *settings, unsigned *ret_mask);

#endif
