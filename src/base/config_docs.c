// config_docs - the documentation's table of settings and the manual page.
#include "base/config_rows.h"
#include "base/config_sources.h"
#include "base/config_value.h"

#include <string.h>

// print_cell keeps a | in the text from ending the cell.
static void print_cell(const char *text, FILE *out)
{
    for (; *text; text++) {
        fprintf(out, *text == '|' ? "\\|" : "%c", *text);
    }
}

static void print_markdown_row(const config_row *row, FILE *out)
{
    AUTO_BUF flag = {0};
    AUTO_BUF variable = {0};
    AUTO_BUF values = {0};
    if (!row->secret) {
        config_append_flag(&flag, row);
    }
    config_append_variable(&variable, row);
    config_append_expected(&values, row);
    const char *texts[] = {buf_text(&flag), buf_text(&variable), buf_text(&values)};
    if (!texts[0] || !texts[1] || !texts[2]) {
        return;
    }
    fprintf(out, row->secret ? "| `%s` |%s | `%s` | " : "| `%s` | `%s` | `%s` | ", row->key,
            texts[0], texts[1]);
    print_cell(texts[2], out);
    fprintf(out, row->fallback ? " | `%s` | " : " |%s | ", row->fallback ? row->fallback : "");
    print_cell(row->help, out);
    fprintf(out, " | %s |\n", row->reloadable ? "yes" : "no");
}

// The keys of an entry of a map have neither flag nor variable.
static void print_markdown_key(const config_row *map, const config_row *row, FILE *out)
{
    AUTO_BUF values = {0};
    config_append_expected(&values, row);
    const char *expected = buf_text(&values);
    if (!expected) {
        return;
    }
    fprintf(out, "| `%s.NAME.%s` | | | ", map->key, row->key);
    print_cell(expected, out);
    fprintf(out, row->fallback ? " | `%s` | " : " |%s | ", row->fallback ? row->fallback : "");
    print_cell(row->help, out);
    fprintf(out, " | %s |\n", map->reloadable ? "yes" : "no");
}

static void print_markdown_record(const config_row *map, FILE *out)
{
    for (size_t i = 0; map->record && i < map->record->row_count; i++) {
        print_markdown_key(map, &map->record->rows[i], out);
    }
}

void config_print_markdown(const config_program *program, FILE *out)
{
    fprintf(out, "| key | flag | environment | value | default | meaning | reload |\n"
                 "| --- | --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < program->row_count; i++) {
        print_markdown_row(&program->rows[i], out);
        print_markdown_record(&program->rows[i], out);
    }
}

// print_roff escapes what troff would take for its own.
static void print_roff(const char *text, FILE *out)
{
    bool line_start = true;
    for (; *text; text++) {
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else if (line_start && (*text == '.' || *text == '\'')) {
            fprintf(out, "\\&%c", *text);
        } else {
            fputc(*text, out);
        }
        line_start = *text == '\n';
    }
}

// print_paragraphs starts a paragraph at every empty line.
static void print_paragraphs(const char *text, FILE *out)
{
    while (text) {
        const char *end = strstr(text, "\n\n");
        AUTO_FREE char *paragraph = end ? strndup(text, (size_t) (end - text)) : strdup(text);
        if (paragraph) {
            print_roff(paragraph, out);
        }
        fputs(end ? "\n.PP\n" : "\n", out);
        text = end ? end + 2 : NULL;
    }
}

static void print_man_row(const config_row *row, FILE *out)
{
    AUTO_BUF label = {0};
    AUTO_BUF help = {0};
    config_append_name(&label, row);
    config_append_help(&help, row);
    const char *name = buf_text(&label);
    const char *text = buf_text(&help);
    if (!name || !text) {
        return;
    }
    fputs(".TP\n\\fB", out);
    print_roff(name, out);
    fputs("\\fR \\fI", out);
    print_roff(config_value_name(row), out);
    fputs("\\fR\n", out);
    print_roff(text, out);
    fputs(".\n", out);
}

static void print_man_record(const config_row *map, FILE *out)
{
    for (size_t i = 0; map->record && i < map->record->row_count; i++) {
        const config_row *row = &map->record->rows[i];
        AUTO_BUF help = {0};
        config_append_help(&help, row);
        const char *text = buf_text(&help);
        if (text) {
            fprintf(out, ".TP\n\\fB%s.NAME.%s\\fR\n", map->key, row->key);
            print_roff(text, out);
            fputs(".\n", out);
        }
    }
}

static void print_man_options(const config_program *program, FILE *out)
{
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < program->row_count; i++) {
        print_man_row(&program->rows[i], out);
        print_man_record(&program->rows[i], out);
    }
    for (const config_row *row = config_common_rows; row->key; row++) {
        print_man_row(row, out);
    }
}

static void print_man_title(const config_program *program, FILE *out)
{
    fprintf(out, ".TH \"%s\" \"1\" \"\" \"errand %s\" \"Errand\"\n.SH NAME\n", program->name,
            program->version);
    print_roff(program->name, out);
    fputs(" \\- ", out);
    print_roff(program->summary, out);
    fputs("\n.SH SYNOPSIS\n\\fB", out);
    print_roff(program->name, out);
    fputs("\\fR [\\fIFLAGS\\fR]", out);
    if (program->operands) {
        fputc(' ', out);
        print_roff(program->operands, out);
    }
    fputc('\n', out);
}

void config_print_man(const config_program *program, FILE *out)
{
    print_man_title(program, out);
    if (program->description) {
        fputs(".SH DESCRIPTION\n", out);
        print_paragraphs(program->description, out);
    }
    print_man_options(program, out);
    fputs(".SH ENVIRONMENT AND FILES\n", out);
    print_paragraphs(
        "Each setting can also stand in the YAML file (--log-level as log_level) or in "
        "the environment (as ERRAND_LOG_LEVEL). A flag wins over the environment, the "
        "environment over the file.",
        out);
    for (size_t i = 0; i < program->section_count; i++) {
        fprintf(out, ".SH %s\n", program->sections[i].title);
        print_paragraphs(program->sections[i].text, out);
    }
}
