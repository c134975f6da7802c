// program - what the main functions of the servers have in common: settings, log, signals, exit
// status.
#include "base/program.h"

#include "base/log.h"
#include "base/metrics.h"
#include "base/streams.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const char *const program_log_levels[] = {"debug", "info", "warn", "error", NULL};
const char *const program_log_formats[] = {"text", "json", NULL};

// What a reload needs of the start.
static struct {
    const program *program;
    int argc;
    char **argv;
} self;

static sigset_t ending_signals(void)
{
    sigset_t signals;
    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigaddset(&signals, SIGINT);
    return signals;
}

// Blocked before there is a second thread, so that only sigwait takes them. A shell has programs in
// its background ignore SIGINT: sigwait would see the first all the same, but not a second one.
static void prepare_signals(void)
{
    sigset_t signals = ending_signals();
    (void) sigaddset(&signals, SIGHUP);
    (void) pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void) signal(SIGTERM, SIG_DFL);
    (void) signal(SIGINT, SIG_DFL);
    (void) signal(SIGPIPE, SIG_IGN);
}

static void use_log_settings(const program *p)
{
    log_setup((log_level) *p->log_level, (log_format) *p->log_format);
}

// ---- SIGHUP ----

static void swap_values(const config_row *row, void *settings, void *other)
{
    uint8_t *a = (uint8_t *) settings + row->offset;
    uint8_t *b = (uint8_t *) other + row->offset;
    for (size_t i = 0; i < row->size; i++) {
        uint8_t kept = a[i];
        a[i] = b[i];
        b[i] = kept;
    }
}

static bool has_changed(const program *p, const config_row *row, const void *fresh)
{
    return !config_same(row, p->settings, fresh);
}

// What is replaced goes into fresh.
static void take_settings(const program *p, void *fresh)
{
    for (size_t i = 0; i < p->config->row_count; i++) {
        const config_row *row = &p->config->rows[i];
        if (row->reloadable && has_changed(p, row, fresh)) {
            swap_values(row, p->settings, fresh);
        }
    }
}

static void tell_settings_not_taken(const program *p, const void *fresh)
{
    for (size_t i = 0; i < p->config->row_count; i++) {
        const config_row *row = &p->config->rows[i];
        if (!row->reloadable && has_changed(p, row, fresh)) {
            log_warn("setting_not_changed", LOG_STR("key", row->key),
                     LOG_STR("reason", "it takes effect at the next start"));
        }
    }
}

// placed says where in the file the setting stands that a check has found wrong.
static status *placed(const program *p, status *failure)
{
    if (failure == NULL || failure->violation_count == 0) {
        return failure;
    }
    const status_violation *first = &failure->violations[0];
    AUTO_FREE char *origin = config_origin(p->config, self.argc, self.argv, environ, first->field);
    if (origin == NULL) {
        return failure;
    }
    status *told = status_new(failure->code, "%s: %s", origin, first->description);
    status_free(failure);
    return told;
}

// What is wrong with the settings stops all of them; then fresh and outcome are empty.
static status *load_again(const program *p, void *fresh, config_outcome *outcome)
{
    status *failure = config_load(p->config, self.argc, self.argv, environ, fresh, outcome);
    if (failure != NULL || p->check_reload == NULL) {
        return failure;
    }
    failure = placed(p, p->check_reload(fresh));
    if (failure != NULL) {
        config_free(p->config, fresh);
        config_outcome_fini(outcome);
    }
    return failure;
}

static void reload(const program *p)
{
    config_outcome outcome = {0};
    AUTO_FREE void *fresh = calloc(1, p->config->settings_size);
    status *failure = fresh == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory")
                                    : load_again(p, fresh, &outcome);
    if (failure != NULL) {
        log_error("reload_failed", LOG_STATUS(failure));
        status_free(failure);
        return;
    }
    take_settings(p, fresh);
    use_log_settings(p);
    if (p->reloaded != NULL) {
        p->reloaded();
    }
    tell_settings_not_taken(p, fresh);
    log_info("reloaded", LOG_STR("file", outcome.file != NULL ? outcome.file : ""));
    config_free(p->config, fresh);
    config_outcome_fini(&outcome);
}

void program_wait_for_end(void)
{
    sigset_t ending = ending_signals();
    sigset_t signals = ending;
    int number = 0;
    (void) sigaddset(&signals, SIGHUP);
    for (;;) {
        (void) sigwait(&signals, &number);
        if (number != SIGHUP) {
            break;
        }
        reload(self.program);
    }
    log_info("draining", LOG_INT("signal", number));
    (void) pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
}

// ---- start ----

// Large buffers are the kernel's again as soon as they are freed. By itself the C library would
// come to keep blocks of up to 32 MiB once such a one was freed.
static void prepare_memory(void)
{
#ifdef __GLIBC__
    (void) mallopt(M_MMAP_THRESHOLD, 1 << 20);  // NOLINT(concurrency-mt-unsafe): before any thread
#endif
}

// Connections, transfers and the store are open files. The usual soft limit of 1,024 is there for
// the sake of select(), which nothing here uses.
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static status *run(const program *p, const config_outcome *outcome)
{
    metrics_set_version(p->config->version);
    use_log_settings(p);
    for (size_t i = 0; i < outcome->warnings.count; i++) {
        log_warn("configuration", LOG_STR("warning", outcome->warnings.items[i]));
    }
    raise_file_limit();
    prepare_memory();
    status *failure = p->serve();
    if (failure != NULL) {
        log_error("failed", LOG_STATUS(failure));
    }
    return failure;
}

static int refuse(const program *p, const status *failure)
{
    (void) fprintf(stderr, "%s: %s\n", p->config->name, failure->message);
    return 2;
}

// An answer that is lost is an error: whoever redirects it looks at the exit status.
static int finish_output(const program *p)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return 0;
    }
    (void) fprintf(stderr, "%s: can not write to standard output\n", p->config->name);
    return 1;
}

static int answer_or_run(const program *p, const config_outcome *outcome)
{
    bool has_settings = outcome->action == CONFIG_RUN || outcome->action == CONFIG_CHECK;
    prepare_signals();  // a check may look into a library that starts threads of its own
    AUTO(status) failure = has_settings && p->check != NULL ? placed(p, p->check()) : NULL;
    if (failure != NULL) {
        return refuse(p, failure);
    }
    if (config_answer(p->config, outcome, stdout)) {
        return finish_output(p);
    }
    failure = run(p, outcome);
    return failure != NULL ? 1 : 0;
}

int program_main(const program *p, int argc, char **argv)
{
    config_outcome outcome = {0};
    if (!streams_guard()) {
        return 1;
    }
    self.program = p;
    self.argc = argc;
    self.argv = argv;
    AUTO(status) failure = config_load(p->config, argc, argv, environ, p->settings, &outcome);
    if (failure != NULL) {
        return refuse(p, failure);
    }
    int code = answer_or_run(p, &outcome);
    config_free(p->config, p->settings);
    config_outcome_fini(&outcome);
    return code;
}
