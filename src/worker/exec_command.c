// exec_command - the commands that a worker may run, made ready.
#include "worker/exec_command.h"

#include "base/config_record.h"
#include "base/log.h"
#include "worker/exec_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct exec_commands {
    exec_command *items;
    size_t count;
};

// ---- making them ready ----

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *check_right(const exec_command *command)
{
    if (exec_user_may(&command->user)) {
        return NULL;
    }
    return status_new(STATUS_FAILED_PRECONDITION,
                      "commands.%s.user: found \"%s\", expected none: only root can become another "
                      "user",
                      command->name, command->user.name);
}

static status *open_command(exec_command *command, const config_pair *pair)
{
    status *failure = config_record_read(&exec_settings_record, pair->value, &command->settings);
    if (failure != NULL) {
        return failure;
    }
    const config_list *argv = &command->settings.argv;
    failure = exec_settings_check(pair->key, &command->settings);
    if (failure == NULL && (command->name = strdup(pair->key)) == NULL) {
        failure = no_memory();
    }
    failure = failure != NULL ? failure
                              : exec_template_read(argv->items, argv->count, &command->template);
    failure = failure != NULL ? failure : exec_program_find(&command->settings, &command->program);
    failure = failure != NULL ? failure : exec_user_find(command->settings.user, &command->user);
    command->template.allow_options = command->settings.allow_options;
    return failure != NULL ? failure : check_right(command);
}

static void warn(const exec_command *command)
{
    if (!command->user.given && geteuid() == 0) {
        log_warn("command_runs_as_root", LOG_STR("command", command->name));
    }
}

status *exec_commands_open(const config_map *settings, exec_commands **ret)
{
    exec_commands *commands = calloc(1, sizeof *commands);
    status *failure = commands == NULL ? no_memory() : NULL;
    if (failure == NULL) {
        commands->items = calloc(settings->count + 1, sizeof *commands->items);
        failure = commands->items == NULL ? no_memory() : NULL;
    }
    for (size_t i = 0; failure == NULL && i < settings->count; i++) {
        failure = open_command(&commands->items[i], &settings->pairs[i]);
        commands->count++;
    }
    if (failure != NULL) {
        exec_commands_free(commands);
        return failure;
    }
    for (size_t i = 0; i < commands->count; i++) {
        warn(&commands->items[i]);
    }
    *ret = commands;
    return NULL;
}

void exec_commands_free(exec_commands *commands)
{
    if (commands == NULL) {
        return;
    }
    for (size_t i = 0; i < commands->count; i++) {
        exec_command *command = &commands->items[i];
        config_free(&exec_settings_record, &command->settings);
        exec_user_fini(&command->user);
        free(command->program);
        free(command->name);
    }
    free(commands->items);
    free(commands);
}

size_t exec_commands_count(const exec_commands *commands)
{
    return commands != NULL ? commands->count : 0;
}

const exec_command *exec_commands_find(const exec_commands *commands, const char *name)
{
    for (size_t i = 0; i < commands->count; i++) {
        if (strcmp(commands->items[i].name, name) == 0) {
            return &commands->items[i];
        }
    }
    return NULL;
}

// ---- the environment ----

// What a command gets of the worker's own environment. The rest may hold secrets.
static const char *const inherited[] = {"PATH", "HOME",   "USER",     "LOGNAME", "LANG",
                                        "TZ",   "LC_ALL", "LC_CTYPE", "TMPDIR"};
#define INHERITED_COUNT (sizeof inherited / sizeof inherited[0])
#define OWN_COUNT       6  // HOME, USER, LOGNAME and ERRAND_...

typedef struct environment {
    arena *memory;
    char **texts;  // NAME=VALUE
    size_t count;
    bool failed;
} environment;

static void set(environment *e, const char *name, const char *value)
{
    size_t name_size = strlen(name), size = name_size + strlen(value) + 2;
    char *text = arena_alloc(e->memory, size);
    if (text == NULL) {
        e->failed = true;
        return;
    }
    (void) snprintf(text, size, "%s=%s", name, value);
    for (size_t i = 0; i < e->count; i++) {
        if (strncmp(e->texts[i], text, name_size + 1) == 0) {
            e->texts[i] = text;
            return;
        }
    }
    e->texts[e->count++] = text;
}

static void set_of_worker(environment *e, const exec_user *user)
{
    for (size_t i = 0; i < INHERITED_COUNT; i++) {
        const char *value = getenv(inherited[i]);  // NOLINT(concurrency-mt-unsafe): never changed
        if (value != NULL) {
            set(e, inherited[i], value);
        }
    }
    if (user->given) {
        set(e, "HOME", user->home);
        set(e, "USER", user->name);
        set(e, "LOGNAME", user->name);
    }
}

static bool is_allowed(const exec_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->allow_env.count; i++) {
        if (strcmp(settings->allow_env.items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static status *set_of_job(environment *e, const exec_command *command, const Errand__V1__Job *job)
{
    for (size_t i = 0; i < job->exec->n_env; i++) {
        const Errand__V1__Command__EnvEntry *entry = job->exec->env[i];
        if (!is_allowed(&command->settings, entry->key)) {
            return status_bad_field("exec.env",
                                    "found %s, expected names that the configuration of %s allows",
                                    entry->key, command->name);
        }
        set(e, entry->key, entry->value);
    }
    char number[16];
    (void) snprintf(number, sizeof number, "%d", job->attempt);
    set(e, "ERRAND_JOB_ID", job->id);
    set(e, "ERRAND_ATTEMPT", number);
    (void) snprintf(number, sizeof number, "%d", EXEC_PROGRESS_FD);
    set(e, "ERRAND_PROGRESS_FD", number);
    return NULL;
}

static status *make_environment(const exec_command *command, const Errand__V1__Job *job,
                                arena *memory, exec_call *ret)
{
    const config_map *fixed = &command->settings.env;
    size_t room = INHERITED_COUNT + OWN_COUNT + fixed->count + job->exec->n_env + 1;
    environment e = {.memory = memory, .texts = arena_zalloc(memory, room * sizeof(char *))};
    if (e.texts == NULL) {
        return no_memory();
    }
    set_of_worker(&e, &command->user);
    for (size_t i = 0; i < fixed->count; i++) {
        set(&e, fixed->pairs[i].key, fixed->pairs[i].value);
    }
    status *failure = set_of_job(&e, command, job);
    if (failure == NULL && e.failed) {
        failure = no_memory();
    }
    ret->envp = e.texts;
    ret->env_count = e.count;
    return failure;
}

status *exec_command_call(const exec_command *command, const Errand__V1__Job *job, arena *memory,
                          exec_call *ret)
{
    status *failure = exec_template_fill(&command->template, job->exec->args, job->exec->n_args,
                                         memory, &ret->argv, &ret->arg_count);
    return failure != NULL ? failure : make_environment(command, job, memory, ret);
}
