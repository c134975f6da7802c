// program - what the main functions of the servers have in common: settings, log, signals, exit
// status.
#include "base/program.h"

#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

const char *const program_log_levels[] = {"debug", "info", "warn", "error", NULL};
const char *const program_log_formats[] = {"text", "json", NULL};

static sigset_t ending_signals(void)
{
    sigset_t signals;
    (void) sigemptyset(&signals);
    (void) sigaddset(&signals, SIGTERM);
    (void) sigaddset(&signals, SIGINT);
    return signals;
}

// Blocked before there is a second thread, so that only sigwait takes them.
static void prepare_signals(void)
{
    sigset_t signals = ending_signals();
    (void) pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void) signal(SIGPIPE, SIG_IGN);
}

void program_wait_for_end(void)
{
    sigset_t signals = ending_signals();
    int number = 0;
    (void) sigwait(&signals, &number);
    log_info("draining", LOG_INT("signal", number));
    (void) pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

static status *run(const program *p, const config_outcome *outcome)
{
    log_setup((log_level) *p->log_level, (log_format) *p->log_format);
    for (size_t i = 0; i < outcome->warnings.count; i++) {
        log_warn("configuration", LOG_STR("warning", outcome->warnings.items[i]));
    }
    prepare_signals();
    status *failure = p->serve();
    if (failure != NULL) {
        log_error("failed", LOG_STATUS(failure));
    }
    return failure;
}

int program_main(const program *p, int argc, char **argv)
{
    config_outcome outcome = {0};
    AUTO(status) failure = config_load(p->config, argc, argv, environ, p->settings, &outcome);
    if (failure != NULL) {
        (void) fprintf(stderr, "%s: %s\n", p->config->name, failure->message);
        return 2;
    }
    if (!config_answer(p->config, &outcome, stdout)) {
        failure = run(p, &outcome);
    }
    config_free(p->config, p->settings);
    config_outcome_fini(&outcome);
    return failure != NULL ? 1 : 0;
}
