// long_polls - HTTP requests that wait, each on a connection of its own.
#ifndef ERRAND_BENCH_LONG_POLLS_H
#define ERRAND_BENCH_LONG_POLLS_H

#include "base/cleanup.h"
#include "base/status.h"
#include "base/uuid.h"

#include <stddef.h>

typedef struct long_polls long_polls;

// long_polls_start asks for the result of each of these jobs, as long as a server waits. It does
// not look at the answers.
status *long_polls_start(const char *url, char (*ids)[UUID_TEXT_SIZE], size_t count,
                         long_polls **ret);
// long_polls_finish waits until all are answered with 200.
status *long_polls_finish(long_polls *polls);
void long_polls_free(long_polls *polls);  // accepts NULL
DEFINE_AUTO(long_polls, long_polls_free)

// long_polls_most is how many connections this process may open.
size_t long_polls_most(size_t wanted);

#endif
