// report_print - a report as JSON and as tables in Markdown.
#include "bench/report_tree.h"

#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

// Names and units are our own words without characters that JSON escapes. Numbers have all their
// digits, so that tables drawn from JSON round as ours do.
static void json_figure(const report_figure *figure, buf *out)
{
    figure_summary summary = report_summary(figure);
    buf_append_format(out,
                      "\"%s\":{\"unit\":\"%s\",\"median\":%.17g,\"least\":%.17g,\"most\":%.17g",
                      figure->name, figure->unit, summary.median, summary.least, summary.most);
    buf_append_text(out, ",\"samples\":[");
    for (size_t i = 0; i < figure->count; i++)
        buf_append_format(out, "%s%.17g", i ? "," : "", figure->samples[i]);
    buf_append_text(out, "]}");
}

static void json_word(const char *name, const char *word, buf *out)
{
    if (word)
        buf_append_format(out, "\"%s\":\"%s\",", name, word);
}

static void json_row(const report_row *row, buf *out)
{
    buf_append_format(out, "\n    {\"row\":\"%s\",", row->name);
    json_word("durable", row->durable, out);
    json_word("skipped", row->skipped, out);
    buf_append_text(out, "\"figures\":{");
    for (size_t i = 0; i < row->count; i++) {
        buf_append_text(out, i ? ",\n      " : "\n      ");
        json_figure(&row->figures[i], out);
    }
    buf_append_text(out, "}}");
}

static void json_scenario(const report_scenario *scenario, buf *out)
{
    buf_append_format(out, "\n  {\"scenario\":\"%s\",\"durable\":\"%s\",\"rows\":[", scenario->name,
                      scenario->durable);
    for (size_t i = 0; i < scenario->count; i++) {
        buf_append_text(out, i ? "," : "");
        json_row(&scenario->rows[i], out);
    }
    buf_append_text(out, "]}");
}

static status *report_end(const report *r, const buf *out)
{
    if (r->wrong)
        return status_new(STATUS_INTERNAL, "a figure is no number, or found no room in the report");
    return out->failed ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory") : NULL;
}

status *report_json(const report *r, buf *out)
{
    struct utsname host;
    const char *machine = uname(&host) == 0 ? host.machine : "";
    buf_append_format(out, "{\"machine\":{\"cpus\":%d,\"arch\":\"%s\"}", get_nprocs(), machine);
    buf_append_text(out, ",\"scenarios\":[");
    for (size_t i = 0; i < r->count; i++) {
        buf_append_text(out, i ? "," : "");
        json_scenario(&r->scenarios[i], out);
    }
    buf_append_text(out, "]}\n");
    return report_end(r, out);
}

// Three digits that count, as the figures move by more than a hundredth.
static void table_value(double value, buf *out)
{
    buf_append_format(out, "%.*f", value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3, value);
}

static void table_cell(const report_figure *figure, buf *out)
{
    figure_summary summary = report_summary(figure);
    buf_append_text(out, " | ");
    table_value(summary.median, out);
    if (figure->count == 1)
        return;
    buf_append_text(out, " (");
    table_value(summary.least, out);
    buf_append_text(out, "-");
    table_value(summary.most, out);
    buf_append_text(out, ")");
}

// The figures of all rows, each name once, in the order in which rows bring them.
typedef struct table_columns {
    const report_figure *of[REPORT_ROWS * REPORT_FIGURES];
    size_t count;
} table_columns;

static bool has(const table_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->count; i++)
        if (strcmp(columns->of[i]->name, name) == 0)
            return true;
    return false;
}

static void columns_of(const report_scenario *scenario, table_columns *ret)
{
    ret->count = 0;
    for (size_t i = 0; i < scenario->count; i++) {
        const report_row *row = &scenario->rows[i];
        for (size_t k = 0; k < row->count; k++)
            if (!has(ret, row->figures[k].name))
                ret->of[ret->count++] = &row->figures[k];
    }
}

static bool tells_durable(const report_scenario *scenario)
{
    for (size_t i = 0; i < scenario->count; i++)
        if (scenario->rows[i].durable)
            return true;
    return false;
}

static void table_head(const report_scenario *scenario, const table_columns *columns, buf *out)
{
    bool durable = tells_durable(scenario);
    buf_append_format(out, "| %s", scenario->name);
    for (size_t i = 0; i < columns->count; i++)
        buf_append_format(out, columns->of[i]->unit[0] ? " | %s, %s" : " | %s%s",
                          columns->of[i]->name, columns->of[i]->unit);
    buf_append_text(out, durable ? " | durable |\n| ---" : " |\n| ---");
    for (size_t i = 0; i < columns->count + durable; i++)
        buf_append_text(out, " | ---");
    buf_append_text(out, " |\n");
}

static void table_row(const report_scenario *scenario, const table_columns *columns,
                      const report_row *row, buf *out)
{
    buf_append_format(out, "| %s", row->name);
    if (row->skipped)
        buf_append_format(out, " | %s", row->skipped);
    for (size_t i = row->skipped ? 1 : 0; i < columns->count; i++) {
        size_t place = report_find(row, columns->of[i]->name);
        if (place < row->count)
            table_cell(&row->figures[place], out);
        else
            buf_append_text(out, " | ");
    }
    if (tells_durable(scenario))
        buf_append_format(out, " | %s", row->durable ? row->durable : "");
    buf_append_text(out, " |\n");
}

static void table(const report_scenario *scenario, buf *out)
{
    table_columns columns;
    columns_of(scenario, &columns);
    if (scenario->count)
        table_head(scenario, &columns, out);
    for (size_t row = 0; row < scenario->count; row++)
        table_row(scenario, &columns, &scenario->rows[row], out);
}

status *report_table(const report *r, buf *out)
{
    for (size_t i = 0; i < r->count; i++) {
        buf_append_text(out, i ? "\n" : "");
        table(&r->scenarios[i], out);
    }
    return report_end(r, out);
}
