// exec - errand exec NAME [ARG...]: a command that the workers' configuration names.
#include "job.h"
#include "pairs.h"

#include <string.h>

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *set_env(const cli_args *args, arena *memory, Errand__V1__Command *command)
{
    static const pairs_form form = {.option = "env",
                                    .separators = "=",
                                    .expected = "NAME=VALUE",
                                    .entry = &errand__v1__command__env_entry__descriptor};
    void *entries = NULL;
    status *s = pairs_read(args, &form, memory, &entries, &command->n_env);
    command->env = entries;
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
