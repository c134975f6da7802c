// exec_command - the commands that a worker may run, made ready: configuration and job become a
// command line and an environment.
#ifndef ERRAND_WORKER_EXEC_COMMAND_H
#define ERRAND_WORKER_EXEC_COMMAND_H

#include "base/arena.h"
#include "base/status.h"
#include "worker/exec_settings.h"
#include "worker/exec_template.h"
#include "worker/exec_user.h"

#include "errand/v1/job.pb-c.h"

typedef struct exec_command {
    char *name;
    exec_settings settings;
    exec_template template;
    char *program;  // its path
    exec_user user;
} exec_command;

typedef struct exec_commands exec_commands;

// exec_commands_open makes the commands of a map ready: name and what exec_settings_record reads.
// FAILED_PRECONDITION when one wants another user and this process is not root.
status *exec_commands_open(const config_map *settings, exec_commands **ret);
void exec_commands_free(exec_commands *commands);  // accepts NULL
size_t exec_commands_count(const exec_commands *commands);

// exec_commands_find is NULL when there is none of that name.
const exec_command *exec_commands_find(const exec_commands *commands, const char *name);

// What a job runs: strings of the arena, of the command and of the job.
typedef struct exec_call {
    char **argv, **envp;  // ended by NULL
    size_t arg_count, env_count;
} exec_call;

// exec_command_call is INVALID_ARGUMENT, naming the field, when the command does not take what the
// job gives it.
status *exec_command_call(const exec_command *command, const Errand__V1__Job *job, arena *memory,
                          exec_call *ret);

#endif
