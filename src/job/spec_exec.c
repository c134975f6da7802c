// spec_exec - what a command may look like. Whether there is one of that name, and what it takes,
// is known to the workers alone.
#include "job/check.h"

#include "job/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define MAX_ARGS       1000
#define MAX_ENV        100
#define MAX_TEXT       131071     // bytes of one argument or variable: the system takes no more
#define MAX_TEXT_BYTES (1 << 20)  // of all together, for the same reason
#define FIELD_SIZE     128

static void check_args(check *c, const Errand__V1__Command *exec)
{
    char field[FIELD_SIZE];
    if (exec->n_args > MAX_ARGS)
        check_bad(c, "exec.args", "found %zu arguments, expected at most %d", exec->n_args,
                  MAX_ARGS);
    for (size_t i = 0; i < exec->n_args && i < MAX_ARGS; i++) {
        size_t size = strlen(exec->args[i]);
        (void) snprintf(field, sizeof field, "exec.args[%zu]", i);
        if (size > MAX_TEXT)
            check_bad(c, field, "found %zu bytes, expected at most %d", size, MAX_TEXT);
    }
}

// The names that any shell can set; those that begin with ERRAND_ are the worker's.
static bool is_variable(const char *name)
{
    size_t size = 0;
    while (isalnum((unsigned char) name[size]) || name[size] == '_')
        size++;
    return size > 0 && size <= TEXT_HEADER_NAME_MAX && name[size] == '\0' &&
           !isdigit((unsigned char) name[0]) && strncmp(name, "ERRAND_", 7) != 0;
}

static void check_env(check *c, const Errand__V1__Command *exec)
{
    char field[FIELD_SIZE], quoted[TEXT_QUOTE_SIZE];
    if (exec->n_env > MAX_ENV)
        check_bad(c, "exec.env", "found %zu variables, expected at most %d", exec->n_env, MAX_ENV);
    for (size_t i = 0; i < exec->n_env; i++) {
        const char *name = exec->env[i]->key;
        size_t size = strlen(name) + strlen(exec->env[i]->value) + 1;
        (void) snprintf(field, sizeof field, "exec.env[%s]", text_quote(name, quoted));
        if (!is_variable(name))
            check_bad(c, field,
                      "found this name, expected letters, digits and _, no digit first, not "
                      "ERRAND_...");
        else if (size > MAX_TEXT)
            check_bad(c, field, "found %zu bytes, expected at most %d", size, MAX_TEXT);
    }
}

static void check_all_texts(check *c, const Errand__V1__Command *exec)
{
    size_t size = 0;
    for (size_t i = 0; i < exec->n_args; i++)
        size += strlen(exec->args[i]) + 1;
    for (size_t i = 0; i < exec->n_env; i++)
        size += strlen(exec->env[i]->key) + strlen(exec->env[i]->value) + 2;
    if (size > MAX_TEXT_BYTES)
        check_bad(c, "exec", "found %zu bytes of arguments and variables, expected at most %d",
                  size, MAX_TEXT_BYTES);
}

void check_exec(check *c, const Errand__V1__Command *exec)
{
    char quoted[TEXT_QUOTE_SIZE];
    if (!text_is_name(exec->name))
        check_bad(c, "exec.name", "found %s, expected the name of a command, [a-zA-Z0-9_.-]{1,64}",
                  text_quote(exec->name, quoted));
    check_args(c, exec);
    check_env(c, exec);
    check_all_texts(c, exec);
}
