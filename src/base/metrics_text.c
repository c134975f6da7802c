// metrics_text - families, samples and histograms in Prometheus's text format, version 0.0.4.
#include "base/metrics.h"

#include <math.h>
#include <stdio.h>

static const char *type_name(metrics_type type)
{
    switch (type) {
    case METRICS_COUNTER:
        return "counter";
    case METRICS_GAUGE:
        return "gauge";
    case METRICS_HISTOGRAM:
        return "histogram";
    }
    return "untyped";
}

void metrics_write_head(buf *out, const metrics_family *family)
{
    buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                      type_name(family->type));
}

static void append_escaped(buf *out, const char *value)
{
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\n') {
            buf_append_text(out, "\\n");
            continue;
        }
        if (*at == '"' || *at == '\\') {
            buf_append_char(out, '\\');
        }
        buf_append_char(out, *at);
    }
}

static void append_label(buf *out, const char *name, const char *value, bool *first)
{
    buf_append_char(out, *first ? '{' : ',');
    buf_append_text(out, name);
    buf_append_text(out, "=\"");
    append_escaped(out, value);
    buf_append_char(out, '"');
    *first = false;
}

// The name with all labels; bound NULL: no `le`.
static void append_name(buf *out, const metrics_family *family, const char *suffix,
                        const char *const *values, const char *bound)
{
    bool first = true;
    buf_append_text(out, family->name);
    buf_append_text(out, suffix);
    for (size_t i = 0; i < METRICS_MAX_LABELS && family->labels[i] != NULL; i++) {
        append_label(out, family->labels[i], values[i], &first);
    }
    if (bound != NULL) {
        append_label(out, "le", bound, &first);
    }
    buf_append_text(out, first ? " " : "} ");
}

// Whole numbers in full, as counters are.
static void append_number(buf *out, double number)
{
    bool whole = fabs(number) < 9e15 && !isgreater(fabs(number - trunc(number)), 0);
    buf_append_format(out, whole ? "%.0f\n" : "%.9g\n", number);
}

void metrics_write_number(buf *out, const metrics_family *family, const char *value,
                          const char *other, double number)
{
    const char *const values[METRICS_MAX_LABELS] = {value, other};
    append_name(out, family, "", values, NULL);
    append_number(out, number);
}

void metrics_write_tally(buf *out, const metrics_family *family, const char *value,
                         const char *other, const metrics_tally *tally)
{
    const char *const values[METRICS_MAX_LABELS] = {value, other};
    const metrics_buckets *buckets = family->buckets;
    uint64_t count = 0;
    for (size_t i = 0; i <= buckets->count; i++) {
        char bound[32] = "+Inf";
        if (i < buckets->count) {
            (void) snprintf(bound, sizeof bound, "%.9g",
                            (double) buckets->bounds[i] * buckets->unit);
        }
        count += tally->counts[i];
        append_name(out, family, "_bucket", values, bound);
        append_number(out, (double) count);
    }
    append_name(out, family, "_sum", values, NULL);
    append_number(out, (double) tally->sum * buckets->unit);
    append_name(out, family, "_count", values, NULL);
    append_number(out, (double) count);
}
