// config_origin - where in the file a setting stands, for what is wrong with settings that are good
// one by one.
#include "base/config.h"

#include "base/config_sources.h"
#include "base/config_yaml.h"

static bool in_flags(const config_flags *flags, const config_row *row)
{
    bool given = false;
    for (size_t i = 0; i < flags->count; i++) {
        given = given || flags->items[i].row == row;
    }
    return given;
}

static bool in_environment(char *const *envp, const config_row *row)
{
    AUTO_BUF name = {0};
    config_append_variable(&name, row);
    const char *variable = buf_text(&name);
    return variable && config_environment_value(envp, variable);
}

char *config_origin(const config_program *program, int argc, char *const *argv, char *const *envp,
                    const char *key)
{
    config_outcome outcome = {0};
    config_flags flags = {0};
    char *origin = NULL;
    const config_row *row = config_row_of(program, key);
    AUTO(status) failure = config_flags_parse(program, argc, argv, &flags, &outcome);
    if (row && !failure && !in_flags(&flags, row) && !in_environment(envp, row)) {
        const char *file = flags.file ? flags.file : config_environment_file(envp);
        origin = file ? config_yaml_origin(program, file, key) : NULL;
    }
    config_flags_fini(&flags);
    config_outcome_fini(&outcome);
    return origin;
}
