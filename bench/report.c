// report - a tree of fixed width: scenarios, rows, figures, samples.
#include "bench/report_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

report *report_new(void)
{
    return calloc(1, sizeof(report));
}

void report_free(report *r)
{
    free(r);
}

void report_begin(report *r, const char *scenario, const char *durable)
{
    for (size_t i = 0; i < r->count; i++) {
        r->current = &r->scenarios[i];
        if (strcmp(r->current->name, scenario) == 0)
            return;
    }
    if (r->count == REPORT_SCENARIOS) {
        r->wrong = true;
        return;
    }
    r->current = &r->scenarios[r->count++];
    r->current->name = scenario;
    r->current->durable = durable;
}

static report_row *find_row(report_scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->count; i++)
        if (strcmp(scenario->rows[i].name, name) == 0)
            return &scenario->rows[i];
    return NULL;
}

size_t report_find(const report_row *row, const char *name)
{
    size_t i = 0;
    while (i < row->count && strcmp(row->figures[i].name, name) != 0)
        i++;
    return i;
}

static void copy_name(char to[static REPORT_ROW_SIZE], const char *name)
{
    strncpy(to, name, REPORT_ROW_SIZE - 1);
}

static report_row *need_row(report_scenario *scenario, const char *name)
{
    report_row *row = find_row(scenario, name);
    if (row)
        return row;
    if (scenario->count == REPORT_ROWS)
        return NULL;
    row = &scenario->rows[scenario->count++];
    copy_name(row->name, name);
    return row;
}

static report_figure *need_figure(report_row *row, const char *name, const char *unit)
{
    size_t place = report_find(row, name);
    if (place < row->count)
        return &row->figures[place];
    if (place == REPORT_FIGURES)
        return NULL;
    report_figure *figure = &row->figures[row->count++];
    copy_name(figure->name, name);
    figure->unit = unit;
    return figure;
}

void report_add(report *r, const char *row_name, const char *name, const char *unit, double value)
{
    report_row *row = r->current ? need_row(r->current, row_name) : NULL;
    report_figure *figure = row ? need_figure(row, name, unit) : NULL;
    if (!figure || figure->count == REPORT_SAMPLES || !isfinite(value)) {
        r->wrong = true;
        return;
    }
    figure->samples[figure->count++] = value;
}

static report_row *need_current_row(report *r, const char *name)
{
    report_row *row = r->current ? need_row(r->current, name) : NULL;
    r->wrong = r->wrong || !row;
    return row;
}

void report_durable(report *r, const char *row_name, const char *durable)
{
    report_row *row = need_current_row(r, row_name);
    if (row)
        row->durable = durable;
}

void report_skip(report *r, const char *row_name, const char *reason)
{
    report_row *row = need_current_row(r, row_name);
    if (row)
        row->skipped = reason;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;
    return (x > y) - (x < y);
}

figure_summary report_summary(const report_figure *figure)
{
    double sorted[REPORT_SAMPLES];
    size_t n = figure->count;
    memcpy(sorted, figure->samples, n * sizeof sorted[0]);
    qsort(sorted, n, sizeof sorted[0], compare_doubles);
    return (figure_summary){.median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2,
                            .least = sorted[0],
                            .most = sorted[n - 1]};
}

void report_add_percentiles(report *r, const char *row, double *seconds, size_t count)
{
    qsort(seconds, count, sizeof seconds[0], compare_doubles);
    report_add(r, row, "p50", "us", seconds[count / 2] * 1e6);
    report_add(r, row, "p90", "us", seconds[count * 9 / 10] * 1e6);
    report_add(r, row, "p99", "us", seconds[count * 99 / 100] * 1e6);
}
