// exec - errand exec NAME [ARG...]: a command that the workers' configuration names.
#include "job.h"

#include <string.h>

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *split_variable(const char *text, arena *memory, Errand__V1__Command__EnvEntry **ret)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text)
        return status_new(STATUS_INVALID_ARGUMENT, "--env: found \"%s\", expected NAME=VALUE",
                          text);
    Errand__V1__Command__EnvEntry *entry = arena_alloc(memory, sizeof *entry);
    char *name = arena_strdup(memory, text);
    if (entry == NULL || name == NULL)
        return no_memory();
    name[equals - text] = '\0';
    errand__v1__command__env_entry__init(entry);
    entry->key = name;
    entry->value = name + (equals - text) + 1;
    *ret = entry;
    return NULL;
}

static status *add_variable(const char *text, arena *memory, Errand__V1__Command *command)
{
    Errand__V1__Command__EnvEntry *entry = NULL;
    status *s = split_variable(text, memory, &entry);
    if (s != NULL || entry == NULL)
        return s;
    for (size_t i = 0; i < command->n_env; i++) {
        if (strcmp(command->env[i]->key, entry->key) == 0)
            return status_new(STATUS_INVALID_ARGUMENT, "--env: %s is given twice", entry->key);
    }
    command->env[command->n_env++] = entry;
    return NULL;
}

static status *set_env(const cli_args *args, arena *memory, Errand__V1__Command *command)
{
    command->env = arena_zalloc(memory, (args->given_count + 1) * sizeof(void *));
    status *s = command->env == NULL ? no_memory() : NULL;
    for (size_t i = 0; s == NULL && i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, "env") == 0)
            s = add_variable(args->given[i].value, memory, command);
    }
    return s;
}

static status *set_args(const cli_args *args, arena *memory, Errand__V1__Command *command)
{
    command->args = arena_zalloc(memory, args->word_count * sizeof(char *));
    if (command->args == NULL)
        return no_memory();
    for (size_t i = 1; i < args->word_count; i++) {
        char *arg = arena_strdup(memory, args->words[i]);
        if (arg == NULL)
            return no_memory();
        command->args[command->n_args++] = arg;
    }
    return NULL;
}

static status *set_stdin(const cli_args *args, arena *memory, Errand__V1__Command *command)
{
    const char *path = cli_text(args, "stdin");
    AUTO_BUF text = {0};
    status *s = path != NULL ? cli_read_file(path, &text) : NULL;
    return path == NULL || s != NULL ? s : cli_copy_bytes(&text, memory, &command->stdin);
}

static status *make_exec(const cli_args *args, arena *memory, Errand__V1__Job **ret)
{
    status *s = job_from_options(args, memory, ret);
    if (s != NULL)
        return s;
    Errand__V1__Command *command = arena_alloc(memory, sizeof *command);
    if (command == NULL)
        return no_memory();
    errand__v1__command__init(command);
    (*ret)->input_case = ERRAND__V1__JOB__INPUT_EXEC;
    (*ret)->exec = command;
    command->name = arena_strdup(memory, args->words[0]);
    s = command->name == NULL ? no_memory() : set_args(args, memory, command);
    s = s != NULL ? s : set_env(args, memory, command);
    return s != NULL ? s : set_stdin(args, memory, command);
}

cli_exit cli_exec(cli *c, const cli_args *args)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__Job *job = NULL;
    status *s = memory == NULL ? no_memory() : make_exec(args, memory, &job);
    return s != NULL ? cli_bad_usage(s) : job_send(c, args, job);
}
