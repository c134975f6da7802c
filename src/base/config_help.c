// config_help - prints --help.
#include "base/config_rows.h"
#include "base/config_sources.h"
#include "base/config_value.h"

#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 80 };

const config_row config_common_rows[] = {
    {.key = "config", .value_name = "FILE", .help = "read settings from this YAML file"},
    {.key = "check_config", .type = CONFIG_BOOL, .help = "only check the settings"},
    {.key = "version", .type = CONFIG_BOOL, .help = "print the version"},
    {.key = "help", .type = CONFIG_BOOL, .help = "print this help"},
    {.key = NULL},
};

const char *config_value_name(const config_row *row)
{
    static const char *const names[] = {
        [CONFIG_STRING] = "TEXT",
        [CONFIG_LIST] = "TEXT",
        [CONFIG_INT] = "N",
        [CONFIG_BOOL] = "",
        [CONFIG_SIZE] = "SIZE",
        [CONFIG_DURATION] = "DURATION",
        [CONFIG_LISTEN] = "HOST:PORT",
        [CONFIG_CHOICE] = "NAME",
        [CONFIG_MAP] = "NAME=TEXT",
    };
    return row->value_name ? row->value_name : names[row->type];
}

void config_append_name(buf *b, const config_row *row)
{
    if (row->secret) {
        config_append_variable(b, row);
    } else {
        config_append_flag(b, row);
    }
}

void config_append_help(buf *b, const config_row *row)
{
    buf_append_text(b, row->help);
    if (row->type == CONFIG_CHOICE) {
        buf_append_text(b, ": ");
        config_append_expected(b, row);
    }
    if (config_value_is_plural(row) && !row->secret) {
        buf_append_text(b, "; may be repeated");
    }
    if (row->fallback) {
        buf_append_format(b, " [%s]", row->fallback);
    }
}

static void print_indent(FILE *out, size_t column)
{
    fprintf(out, "\n%*s", (int) column, "");
}

// print_wrapped breaks text at spaces; printing stands at column.
static void print_wrapped(FILE *out, const char *text, size_t column)
{
    size_t indent = column;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > HELP_WIDTH) {
            print_indent(out, indent);
            column = indent;
        } else if (column > indent) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", (int) word, text);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_row(const config_row *row, FILE *out)
{
    AUTO_BUF name = {0};
    AUTO_BUF help = {0};
    config_append_name(&name, row);
    buf_append_format(&name, row->secret ? "=%s" : " %s", config_value_name(row));
    config_append_help(&help, row);
    const char *left = buf_text(&name);
    const char *right = buf_text(&help);
    if (!left || !right) {
        return;
    }
    fprintf(out, "  %-*s", HELP_COLUMN - 2, left);
    if (strlen(left) + 3 > HELP_COLUMN) {
        print_indent(out, HELP_COLUMN);
    }
    print_wrapped(out, right, HELP_COLUMN);
}

void config_print_help(const config_program *program, FILE *out)
{
    const char *operands = program->operands ? program->operands : "";
    fprintf(out, "Usage: %s [FLAGS]%s%s\n\n%s.\n\n", program->name, operands[0] ? " " : "",
            operands, program->summary);
    for (size_t i = 0; i < program->row_count; i++) {
        print_row(&program->rows[i], out);
    }
    for (const config_row *row = config_common_rows; row->key; row++) {
        print_row(row, out);
    }
    fprintf(out, "\nEach setting can also stand in the YAML file (--log-level as log_level) or in\n"
                 "the environment (as ERRAND_LOG_LEVEL). A flag wins over the environment, the\n"
                 "environment over the file.\n");
}
