// exec_settings - what the configuration says of a command.
#include "worker/exec_settings.h"

#include "job/text.h"
#include "worker/exec_risk.h"
#include "worker/exec_template.h"
#include "worker/exec_user.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_PATH "/usr/local/bin:/usr/bin:/bin"

// clang-format off
static const config_row rows[] = {
    {.key = "argv", .type = CONFIG_LIST,
     .help = "the program, by its path or its name in PATH, and its arguments; {args} stands for those of the job, {0}, {1} for single ones", CONFIG_FIELD(exec_settings, argv)},
    {.key = "directory", .type = CONFIG_STRING, .fallback = "/",
     .help = "working directory", CONFIG_FIELD(exec_settings, directory)},
    {.key = "env", .type = CONFIG_MAP,
     .help = "environment variables", CONFIG_FIELD(exec_settings, env)},
    {.key = "allow_env", .type = CONFIG_LIST,
     .help = "names of environment variables that a job may set", CONFIG_FIELD(exec_settings, allow_env)},
    {.key = "allow_options", .type = CONFIG_BOOL, .fallback = "true",
     .help = "whether arguments of a job may begin with a dash; those behind an element -- always may", CONFIG_FIELD(exec_settings, allow_options)},
    {.key = "user", .type = CONFIG_STRING,
     .help = "user that it runs as, with the groups of that user; only root can change it; none: that of the worker", CONFIG_FIELD(exec_settings, user)},
    {.key = "timeout", .type = CONFIG_DURATION, .fallback = "0s", .max = 604800000000,
     .help = "longest time of a run, besides the job's own attempt_timeout; 0: no limit", CONFIG_FIELD(exec_settings, timeout_us)},
    {.key = "grace", .type = CONFIG_DURATION, .fallback = "10s", .max = 3600000000,
     .help = "time between SIGTERM and SIGKILL when a run is ended", CONFIG_FIELD(exec_settings, grace_us)},
    {.key = "cpu_time", .type = CONFIG_DURATION, .fallback = "0s", .max = 604800000000,
     .help = "CPU time of each of its processes, rounded up to seconds; 0: no limit", CONFIG_FIELD(exec_settings, cpu_us)},
    {.key = "memory", .type = CONFIG_SIZE, .fallback = "0", .max = (int64_t) 1 << 50,
     .help = "private memory of each of its processes; 0: no limit", CONFIG_FIELD(exec_settings, memory)},
    {.key = "open_files", .type = CONFIG_INT, .fallback = "0", .max = 1 << 20,
     .help = "open files of each of its processes; 0: 1024, which it may raise", CONFIG_FIELD(exec_settings, open_files)},
    {.key = "max_stdout", .type = CONFIG_SIZE, .fallback = "0", .max = (int64_t) 1 << 30,
     .help = "bytes kept of standard output, its beginning; 0: as much as a result may have", CONFIG_FIELD(exec_settings, max_stdout)},
    {.key = "max_stderr", .type = CONFIG_SIZE, .fallback = "16KiB", .max = 48 << 10,
     .help = "bytes kept of standard error, its end", CONFIG_FIELD(exec_settings, max_stderr)},
    {.key = "retry_after", .type = CONFIG_DURATION, .fallback = "30s", .max = 86400000000,
     .help = "time before the next attempt at least, after exit code 75", CONFIG_FIELD(exec_settings, retry_after)},
};
// clang-format on

static char *warning(const void *record)
{
    const exec_settings *settings = (const exec_settings *) record;
    char *text = NULL;
    AUTO_FREE char *risk =
        exec_risk_find(settings->argv.items, settings->argv.count, settings->allow_options);
    return risk != NULL && asprintf(&text, "argv: %s", risk) >= 0 ? text : NULL;
}

const config_program exec_settings_record = {
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .settings_size = sizeof(exec_settings),
    .warning = warning,
};

// ---- the program ----

static bool is_executable(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode) && access(path, X_OK) == 0;
}

static const char *search_path(const exec_settings *settings)
{
    for (size_t i = 0; i < settings->env.count; i++) {
        if (strcmp(settings->env.pairs[i].key, "PATH") == 0) {
            return settings->env.pairs[i].value;
        }
    }
    const char *path = getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nobody changes it
    return path != NULL ? path : USUAL_PATH;
}

static char *find_in(const char *folders, const char *name)
{
    for (const char *at = folders; *at != '\0'; at += strspn(at, ":")) {
        size_t size = strcspn(at, ":");
        char *path = NULL;
        if (asprintf(&path, "%.*s/%s", (int) size, at, name) < 0) {
            return NULL;
        }
        if (*path == '/' && is_executable(path)) {
            return path;
        }
        free(path);
        at += size;
    }
    return NULL;
}

status *exec_program_find(const exec_settings *settings, char **ret_path)
{
    const char *name = settings->argv.items[0];
    if (strchr(name, '/') != NULL && *name != '/') {
        return status_bad_field("argv",
                                "found the program \"%s\", expected a path from / or a name", name);
    }
    char *path = *name != '/'          ? find_in(search_path(settings), name)
                 : is_executable(name) ? strdup(name)
                                       : NULL;
    if (path == NULL) {
        return status_bad_field("argv",
                                "found the program \"%s\", expected one that can be executed%s",
                                name, *name == '/' ? "" : " in PATH");
    }
    *ret_path = path;
    return NULL;
}

static status *check_program(const exec_settings *settings)
{
    AUTO_FREE char *path = NULL;
    return exec_program_find(settings, &path);
}

// ---- the rest ----

static bool is_variable(const char *name)
{
    size_t size = 0;
    while (isalnum((unsigned char) name[size]) || name[size] == '_') {
        size++;
    }
    return size > 0 && name[size] == '\0' && !isdigit((unsigned char) name[0]);
}

static bool is_ours(const char *name)
{
    return strncmp(name, "ERRAND_", 7) == 0;
}

// chooses_code: a variable by which a job could have other code run than the configuration names.
static bool chooses_code(const char *name)
{
    static const char *const names[] = {
        "PATH",
        "ENV",
        "BASH_ENV",
        "IFS",
        "SHELLOPTS",
        "BASHOPTS",
        "PS4",
        "PROMPT_COMMAND",
        "GCONV_PATH",
        "PERL5OPT",
        "PERL5LIB",
        "PERL5DB",
        "RUBYOPT",
        "RUBYLIB",
        "NODE_PATH",
        "NODE_OPTIONS",
        "_JAVA_OPTIONS",
        "GIT_SSH",
        "JAVA_TOOL_OPTIONS",
        "GIT_SSH_COMMAND",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strncmp(name, "LD_", 3) == 0 || strncmp(name, "BASH_FUNC", 9) == 0 ||
           strncmp(name, "PYTHON", 6) == 0;
}

static status *check_env(const exec_settings *settings)
{
    for (size_t i = 0; i < settings->env.count; i++) {
        const char *name = settings->env.pairs[i].key;
        if (!is_variable(name) || is_ours(name)) {
            return status_bad_field(
                "env", "found \"%s\", expected names of variables that do not begin with ERRAND_",
                name);
        }
    }
    for (size_t i = 0; i < settings->allow_env.count; i++) {
        const char *name = settings->allow_env.items[i];
        if (!is_variable(name) || is_ours(name) || chooses_code(name)) {
            return status_bad_field(
                "allow_env",
                "found \"%s\", expected names of variables that choose no code (such as PATH and "
                "LD_...) and do not begin with ERRAND_",
                name);
        }
    }
    return NULL;
}

static status *check_directory(const exec_settings *settings)
{
    struct stat about;
    const char *path = settings->directory;
    if (*path == '/' && stat(path, &about) == 0 && S_ISDIR(about.st_mode)) {
        return NULL;
    }
    return status_bad_field("directory", "found \"%s\", expected the path of a folder, from /",
                            path);
}

static status *check_user(const exec_settings *settings)
{
    exec_user user;
    status *failure = exec_user_find(settings->user, &user);
    if (failure == NULL) {
        exec_user_fini(&user);
    }
    return failure;
}

status *exec_settings_check(const char *name, const void *record)
{
    const exec_settings *settings = (const exec_settings *) record;
    exec_template template;
    if (!text_is_name(name)) {
        return status_new(STATUS_INVALID_ARGUMENT,
                          "found this name of a command, expected [a-zA-Z0-9_.-]{1,64}");
    }
    status *failure = exec_template_read(settings->argv.items, settings->argv.count, &template);
    failure = failure != NULL ? failure : check_program(settings);
    failure = failure != NULL ? failure : check_directory(settings);
    failure = failure != NULL ? failure : check_env(settings);
    return failure != NULL ? failure : check_user(settings);
}
