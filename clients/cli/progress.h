// progress - a bar on stderr, when that is a terminal.
#ifndef ERRAND_CLI_PROGRESS_H
#define ERRAND_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct progress {
    bool enabled;
    bool visible;
    int64_t file_size;  // 0: unknown
    uint64_t accepted;
    uint64_t refused;
} progress;

// progress_bar writes a bar and how much it is in percent; total is more than 0.
void progress_bar(int64_t done, int64_t total);

void progress_init(progress *p, FILE *file);
// progress_show draws the bar anew; how much is done is told by the file's position.
void progress_show(progress *p, FILE *file);
// progress_hide clears the line for other text.
void progress_hide(progress *p);
void progress_end(progress *p);

#endif
