// config_environment - ERRAND_... variables. One that is set but empty counts as not set.
#include "base/config_sources.h"
#include "base/config_value.h"

#include <string.h>

static const char prefix[] = "ERRAND_";

// value_of returns what follows NAME= in variable; NULL when it is another one, or empty.
static const char *value_of(const char *variable, const char *name)
{
    size_t size = strlen(name);
    bool matches = strncmp(variable, name, size) == 0 && variable[size] == '=';
    return matches && variable[size + 1] ? variable + size + 1 : NULL;
}

const char *config_environment_value(char *const *envp, const char *name)
{
    const char *value = NULL;
    for (; *envp && !value; envp++) {
        value = value_of(*envp, name);
    }
    return value;
}

const char *config_environment_file(char *const *envp)
{
    return config_environment_value(envp, "ERRAND_CONFIG");
}

static status *apply_row(const config_row *row, char *const *envp, void *settings)
{
    AUTO_BUF name = {0};
    config_append_variable(&name, row);
    const char *variable = buf_text(&name);
    if (!variable) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    const char *value = config_environment_value(envp, variable);
    return value ? config_value_set(row, settings, value, variable) : NULL;
}

// Of the command line client, which shares the environment, and of --config.
static const char *const others[] = {
    "ERRAND_CONFIG",     "ERRAND_SERVER",          "ERRAND_TOKEN",
    "ERRAND_TOKEN_FILE", "ERRAND_CALLBACK_SECRET", "ERRAND_TLS_CA",
    "ERRAND_TLS_CERT",   "ERRAND_TLS_KEY",         "ERRAND_TLS_SERVER_NAME",
};

static bool is_known(const config_program *program, const char *variable)
{
    size_t size = strcspn(variable, "=");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (size == strlen(others[i]) && strncmp(variable, others[i], size) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < program->row_count; i++) {
        AUTO_BUF name = {0};
        config_append_variable(&name, &program->rows[i]);
        if (name.size == size && memcmp(name.bytes, variable, size) == 0) {
            return true;
        }
    }
    return false;
}

static status *warn_unknown(const config_program *program, const char *variable,
                            config_list *warnings)
{
    if (strncmp(variable, prefix, strlen(prefix)) != 0 || is_known(program, variable) ||
        warnings->count == CONFIG_ITEMS_CAP) {
        return NULL;
    }
    AUTO_BUF text = {0};
    buf_append(&text, variable, strcspn(variable, "="));
    buf_append_format(&text, " is set, but %s has no such setting", program->name);
    const char *warning = buf_text(&text);
    return warning ? config_list_append(warnings, warning) : NULL;
}

status *config_environment_apply(const config_program *program, char *const *envp, void *settings,
                                 config_list *warnings)
{
    status *failure = NULL;
    for (size_t i = 0; i < program->row_count && !failure; i++) {
        failure = apply_row(&program->rows[i], envp, settings);
    }
    for (; *envp && !failure; envp++) {
        failure = warn_unknown(program, *envp, warnings);
    }
    return failure;
}
