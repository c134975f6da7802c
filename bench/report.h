// report - figures of all runs: samples collected by scenario, row and name; medians printed as
// Markdown tables or as JSON.
#ifndef ERRAND_BENCH_REPORT_H
#define ERRAND_BENCH_REPORT_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/status.h"

#include <stddef.h>

#define REPORT_ROW_SIZE 40  // longest name of a row or figure, with its NUL

typedef struct report report;

report *report_new(void);  // NULL when memory is short
void report_free(report *r);
DEFINE_AUTO(report, report_free)

// report_begin makes the scenario the one that report_add speaks of; texts are borrowed.
void report_begin(report *r, const char *scenario, const char *durable);

// report_add adds one run's sample of a figure. Rows and figures come into being at their first
// sample. unit is borrowed; row and name are copied.
void report_add(report *r, const char *row, const char *name, const char *unit, double value);

// report_durable says of one row what is durable, where that differs within the scenario; the text
// is borrowed.
void report_durable(report *r, const char *row, const char *durable);

// report_skip makes a row without figures, which says why; the text is borrowed.
void report_skip(report *r, const char *row, const char *reason);

// report_add_percentiles adds p50, p90 and p99 of durations in seconds, which it sorts; count > 0.
void report_add_percentiles(report *r, const char *row, double *seconds, size_t count);

// Both fail when memory was short at any time before.
status *report_json(const report *r, buf *out);
status *report_table(const report *r, buf *out);

#endif
