// streams - standard input, output and error, which whoever starts a program may have closed.
#ifndef ERRAND_BASE_STREAMS_H
#define ERRAND_BASE_STREAMS_H

#include <stdbool.h>

// streams_guard puts something in the place of standard streams that are closed, so that no file or
// socket that is opened later becomes one of them and is sent what was meant for people. Nothing is
// read there; writing to standard output fails, since lost answers are an error; what goes to
// standard error is dropped. False: not even that could be opened. Call it first of all in main.
bool streams_guard(void);

#endif
