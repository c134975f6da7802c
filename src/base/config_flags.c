// config_flags - the command line: --key VALUE, --key=VALUE, and what every program has.
#include "base/config_sources.h"
#include "base/config_value.h"

#include <stdlib.h>
#include <string.h>

// Where parsing stands.
typedef struct cursor {
    const config_program *program;
    int argc;
    char *const *argv;
    int at;
    config_flags *flags;
    config_outcome *outcome;
} cursor;

static status *bad_argument(const char *argument, const char *expected)
{
    AUTO_BUF text = {0};
    buf_append_text(&text, "found ");
    config_append_quoted(&text, argument);
    const char *found = buf_text(&text);
    return status_new(STATUS_INVALID_ARGUMENT, "command line: %s, expected %s", found ? found : "",
                      expected);
}

// split_flag finds the end of the name in --name=value; ret_value is NULL without a value.
static size_t split_flag(const char *argument, const char **ret_value)
{
    size_t size = strcspn(argument, "=");
    *ret_value = argument[size] ? argument + size + 1 : NULL;
    return size;
}

static bool is_alias(const config_row *row, const char *flag, size_t size)
{
    return row->alias && size == strlen(row->alias) + 2 && strncmp(flag, "--", 2) == 0 &&
           memcmp(flag + 2, row->alias, size - 2) == 0;
}

static const config_row *row_of_flag(const config_program *program, const char *name, size_t size)
{
    for (size_t i = 0; i < program->row_count; i++) {
        AUTO_BUF flag = {0};
        config_append_flag(&flag, &program->rows[i]);
        bool same = flag.size == size && memcmp(flag.bytes, name, size) == 0;
        if (same || is_alias(&program->rows[i], name, size)) {
            return &program->rows[i];
        }
    }
    return NULL;
}

// The flags without a value that every program has.
static bool is_action(const char *argument, config_action *ret)
{
    static const struct {
        const char *flag;
        config_action action;
    } actions[] = {
        {"--help", CONFIG_HELP},          {"-h", CONFIG_HELP},   {"--version", CONFIG_VERSION},
        {"--check-config", CONFIG_CHECK}, {"--man", CONFIG_MAN}, {"--markdown", CONFIG_MARKDOWN},
    };
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(argument, actions[i].flag) == 0) {
            *ret = actions[i].action;
            return true;
        }
    }
    return false;
}

// next_value is the argument behind a flag without `=`; NULL when there is none.
static const char *next_value(cursor *c)
{
    return c->at + 1 < c->argc ? c->argv[++c->at] : NULL;
}

// The arguments of a process can be read by every user of its host.
static status *no_secret(const config_row *row)
{
    AUTO_BUF flag = {0};
    AUTO_BUF variable = {0};
    config_append_flag(&flag, row);
    config_append_variable(&variable, row);
    const char *texts[] = {buf_text(&flag), buf_text(&variable)};
    return status_bad_field(row->key,
                            "command line: %s is a secret, which every user of this host could "
                            "read there: write it into the file, or into %s",
                            texts[0] ? texts[0] : row->key, texts[1] ? texts[1] : "a variable");
}

static status *parse_flag(cursor *c)
{
    const char *argument = c->argv[c->at];
    const char *value = NULL;
    size_t size = split_flag(argument, &value);
    bool is_file = size == strlen("--config") && strncmp(argument, "--config", size) == 0;
    const config_row *row = is_file ? NULL : row_of_flag(c->program, argument, size);
    if (!row && !is_file) {
        return bad_argument(argument, "a flag of this program (--help lists them)");
    }
    if (row && row->secret) {
        return no_secret(row);
    }
    if (!value) {
        value = row && row->type == CONFIG_BOOL ? "true" : next_value(c);
    }
    if (!value || (is_file && !value[0])) {
        return bad_argument(argument, "a value behind it");
    }
    if (is_file) {
        c->flags->file = value;
    } else {
        c->flags->items[c->flags->count++] = (config_flag){row, value};
    }
    return NULL;
}

static status *parse_operand(cursor *c)
{
    if (!c->program->operands) {
        return bad_argument(c->argv[c->at], "only flags (--help lists them)");
    }
    return config_list_append(&c->outcome->operands, c->argv[c->at]);
}

static status *parse_operands(cursor *c)
{
    status *failure = NULL;
    for (; c->at < c->argc && !failure; c->at++) {
        failure = parse_operand(c);
    }
    return failure;
}

static status *parse_arguments(cursor *c)
{
    for (c->at = 1; c->at < c->argc; c->at++) {
        const char *argument = c->argv[c->at];
        status *failure = NULL;
        if (strcmp(argument, "--") == 0) {
            c->at++;
            return parse_operands(c);
        }
        if (is_action(argument, &c->outcome->action)) {
            if (c->outcome->action != CONFIG_CHECK) {
                return NULL;  // asked for help: what else stands there does not matter
            }
        } else if (argument[0] == '-' && argument[1]) {
            failure = parse_flag(c);
        } else {
            failure = parse_operand(c);
        }
        if (failure) {
            return failure;
        }
    }
    return NULL;
}

status *config_flags_parse(const config_program *program, int argc, char *const *argv,
                           config_flags *ret, config_outcome *outcome)
{
    *ret = (config_flags){.items = calloc((size_t) argc + 1, sizeof *ret->items)};
    if (!ret->items) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    cursor c = {program, argc, argv, 1, ret, outcome};
    return parse_arguments(&c);
}

// given_before: a repeated flag adds to a list, the first one replaces what other sources gave.
static bool given_before(const config_flags *flags, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (flags->items[i].row == flags->items[index].row) {
            return true;
        }
    }
    return false;
}

static status *apply_flag(const config_flags *flags, size_t index, void *settings)
{
    const config_flag *flag = &flags->items[index];
    AUTO_BUF name = {0};
    config_append_flag(&name, flag->row);
    const char *where = buf_text(&name);
    if (!where) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    if (!config_value_is_plural(flag->row)) {
        return config_value_set(flag->row, settings, flag->value, where);
    }
    if (!given_before(flags, index)) {
        config_value_clear(flag->row, settings);
    }
    return flag->row->type == CONFIG_LIST
               ? config_value_add_each(flag->row, settings, flag->value, where)
               : config_value_add(flag->row, settings, flag->value, where);
}

status *config_flags_apply(const config_flags *flags, void *settings)
{
    status *failure = NULL;
    for (size_t i = 0; i < flags->count && !failure; i++) {
        failure = apply_flag(flags, i, settings);
    }
    return failure;
}

void config_flags_fini(config_flags *flags)
{
    free(flags->items);
    *flags = (config_flags){0};
}
