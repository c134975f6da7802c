// config - brings the sources together in their order.
#include "base/config.h"

#include "base/config_record.h"
#include "base/config_sources.h"
#include "base/config_value.h"
#include "base/config_yaml.h"

#include <string.h>

static size_t stored_size(config_type type)
{
    switch (type) {
    case CONFIG_STRING:
        return sizeof(char *);
    case CONFIG_LIST:
        return sizeof(config_list);
    case CONFIG_INT:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
        return sizeof(int64_t);
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_CHOICE:
        return sizeof(int);
    case CONFIG_LISTEN:
        return sizeof(config_listen);
    case CONFIG_MAP:
        return sizeof(config_map);
    }
    return 0;
}

// check_rows finds rows whose member has another size than their type: those would corrupt memory.
static status *check_rows(const config_program *program)
{
    for (size_t i = 0; i < program->row_count; i++) {
        const config_row *row = &program->rows[i];
        if (row->size != stored_size(row->type) || (row->type == CONFIG_CHOICE && !row->names)) {
            return status_new(STATUS_INTERNAL, "setting %s has the wrong type in its table",
                              row->key);
        }
    }
    return NULL;
}

static status *apply_defaults(const config_program *program, void *settings)
{
    status *failure = NULL;
    for (size_t i = 0; i < program->row_count && !failure; i++) {
        const config_row *row = &program->rows[i];
        if (row->fallback) {
            failure = config_value_set(row, settings, row->fallback, "built-in default");
        }
    }
    return failure;
}

static status *apply_file(const config_program *program, const char *file, void *settings,
                          config_outcome *outcome)
{
    if (!file) {
        return NULL;
    }
    outcome->file = strdup(file);
    if (!outcome->file) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return config_yaml_apply(program, file, settings);
}

static status *apply_sources(const config_program *program, const config_flags *flags,
                             char *const *envp, void *settings, config_outcome *outcome)
{
    const char *file = flags->file ? flags->file : config_environment_file(envp);
    status *failure = apply_defaults(program, settings);
    if (!failure) {
        failure = apply_file(program, file, settings, outcome);
    }
    if (!failure) {
        failure = config_environment_apply(program, envp, settings, &outcome->warnings);
    }
    return failure ? failure : config_flags_apply(flags, settings);
}

static status *load(const config_program *program, const config_flags *flags, char *const *envp,
                    void *settings, config_outcome *outcome)
{
    if (outcome->action != CONFIG_RUN && outcome->action != CONFIG_CHECK) {
        return NULL;
    }
    status *failure = apply_sources(program, flags, envp, settings, outcome);
    if (!failure) {
        failure = config_record_warnings(program, settings, &outcome->warnings);
    }
    if (failure) {
        config_free(program, settings);
    }
    return failure;
}

status *config_load(const config_program *program, int argc, char *const *argv, char *const *envp,
                    void *settings, config_outcome *ret)
{
    memset(settings, 0, program->settings_size);
    status *failure = check_rows(program);
    if (failure) {
        return failure;
    }
    config_outcome outcome = {.action = CONFIG_RUN};
    config_flags flags;
    failure = config_flags_parse(program, argc, argv, &flags, &outcome);
    if (!failure) {
        failure = load(program, &flags, envp, settings, &outcome);
    }
    config_flags_fini(&flags);
    if (failure) {
        config_outcome_fini(&outcome);
        return failure;
    }
    *ret = outcome;
    return NULL;
}

void config_free(const config_program *program, void *settings)
{
    for (size_t i = 0; i < program->row_count; i++) {
        config_value_clear(&program->rows[i], settings);
    }
}

void config_outcome_fini(config_outcome *outcome)
{
    free(outcome->file);
    config_list_fini(&outcome->operands);
    config_list_fini(&outcome->warnings);
    *outcome = (config_outcome){0};
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(const config_list *a, const config_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = same_text(a->items[i], b->items[i]);
    }
    return same;
}

static bool same_map(const config_map *a, const config_map *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) {
        same = same_text(a->pairs[i].key, b->pairs[i].key) &&
               same_text(a->pairs[i].value, b->pairs[i].value);
    }
    return same;
}

bool config_same(const config_row *row, const void *settings, const void *other)
{
    const void *a = (const char *) settings + row->offset;
    const void *b = (const char *) other + row->offset;
    switch (row->type) {
    case CONFIG_STRING:
        return same_text(*(char *const *) a, *(char *const *) b);
    case CONFIG_LISTEN:
        return same_text(((const config_listen *) a)->address,
                         ((const config_listen *) b)->address);
    case CONFIG_LIST:
        return same_list(a, b);
    case CONFIG_MAP:
        return same_map(a, b);
    case CONFIG_INT:
    case CONFIG_BOOL:
    case CONFIG_DURATION:
    case CONFIG_SIZE:
    case CONFIG_CHOICE:
        break;
    }
    return memcmp(a, b, row->size) == 0;
}

bool config_answer(const config_program *program, const config_outcome *outcome, FILE *out)
{
    switch (outcome->action) {
    case CONFIG_RUN:
        return false;
    case CONFIG_CHECK:
        for (size_t i = 0; i < outcome->warnings.count; i++) {
            fprintf(out, "warning: %s\n", outcome->warnings.items[i]);
        }
        fprintf(out, "the settings are good\n");
        break;
    case CONFIG_HELP:
        config_print_help(program, out);
        break;
    case CONFIG_VERSION:
        fprintf(out, "%s %s\n", program->name, program->version);
        break;
    case CONFIG_MAN:
        config_print_man(program, out);
        break;
    case CONFIG_MARKDOWN:
        config_print_markdown(program, out);
        break;
    }
    return true;
}
