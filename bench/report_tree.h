// report_tree - the insides of a report, for the files that fill and print it.
#ifndef ERRAND_BENCH_REPORT_TREE_H
#define ERRAND_BENCH_REPORT_TREE_H

#include "bench/report.h"

#include <stdbool.h>

#define REPORT_SCENARIOS 32
#define REPORT_ROWS      48
#define REPORT_FIGURES   24
#define REPORT_SAMPLES   31

typedef struct report_figure {
    char name[REPORT_ROW_SIZE];
    const char *unit;
    size_t count;
    double samples[REPORT_SAMPLES];
} report_figure;

typedef struct report_row {
    char name[REPORT_ROW_SIZE];
    const char *durable;  // NULL: as said of the scenario
    const char *skipped;  // NULL: it was not
    size_t count;
    report_figure figures[REPORT_FIGURES];
} report_row;

typedef struct report_scenario {
    const char *name;
    const char *durable;
    size_t count;
    report_row rows[REPORT_ROWS];
} report_scenario;

struct report {
    size_t count;
    report_scenario *current;
    bool wrong;  // a figure found no room, or was no number
    report_scenario scenarios[REPORT_SCENARIOS];
};

typedef struct figure_summary {
    double median;
    double least;
    double most;
} figure_summary;

// report_find is the place of the figure of that name in its row; row->count: it has none.
size_t report_find(const report_row *row, const char *name);

// A figure has at least one sample.
figure_summary report_summary(const report_figure *figure);

#endif
