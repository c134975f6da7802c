// config_sources - the command line and the environment as sources of settings.
#ifndef ERRAND_BASE_CONFIG_SOURCES_H
#define ERRAND_BASE_CONFIG_SOURCES_H

#include "base/buf.h"
#include "base/config.h"

typedef struct config_flag {
    const config_row *row;
    const char *value;  // borrowed from argv
} config_flag;

// A command line, read but not yet applied: the file that it names has to be applied before.
typedef struct config_flags {
    config_flag *items;
    size_t count;
    const char *file;  // --config, borrowed; NULL: not given
} config_flags;

// config_flags_parse puts action and operands into outcome.
status *config_flags_parse(const config_program *program, int argc, char *const *argv,
                           config_flags *ret, config_outcome *outcome);
status *config_flags_apply(const config_flags *flags, void *settings);
void config_flags_fini(config_flags *flags);

// config_environment_file is the value of ERRAND_CONFIG; NULL when it is not set.
const char *config_environment_file(char *const *envp);

// config_environment_value is the value of a variable; NULL when it is not set, or empty.
const char *config_environment_value(char *const *envp, const char *name);

// config_environment_apply adds a warning for every ERRAND_ variable that no row has.
status *config_environment_apply(const config_program *program, char *const *envp, void *settings,
                                 config_list *warnings);

// config_row_of is the row with that key; NULL: there is none.
const config_row *config_row_of(const config_program *program, const char *key);

// What a row is called elsewhere: --tls-cert-file and ERRAND_TLS_CERT_FILE.
void config_append_flag(buf *b, const config_row *row);
void config_append_variable(buf *b, const config_row *row);

#endif
