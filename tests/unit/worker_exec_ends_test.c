// worker exec ends - how commands end, or are ended, with everything that they started.
#include "unit/exec_scene.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

// A cancellation comes with a heartbeat, three in a lease; a slow machine must not lose it.
#define CANCEL_LEASE_MS 6000

// ---- by themselves ----

static void a_failed_command_shows_its_last_words(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_make(s, "sh", "echo useless; echo no such picture >&2; exit 3");
    const Errand__V1__Failure *failure =
        scene_failure(scene_run(s, job), "sh exited with code 3: no such picture");
    assert_true(failure->retryable);
    assert_null(failure->retry_after);
    scene_free(s);
}

static void exit_code_75_is_for_later(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("retry_after=90s");
    const Errand__V1__Failure *failure =
        scene_failure(scene_run(s, scene_make(s, "sh", "exit 75")), "sh exited with code 75");
    assert_true(failure->retryable);
    assert_int_equal(failure->status->code, STATUS_UNAVAILABLE);
    assert_int_equal(failure->retry_after->seconds, 90);
    scene_free(s);
}

static void a_signal_that_ends_a_command_is_named(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    const Errand__V1__Failure *failure = scene_failure(
        scene_run(s, scene_make(s, "sh", "kill -SEGV $$")), "sh was ended by signal 11 (SIGSEGV)");
    assert_true(failure->retryable);
    scene_free(s);
}

static void too_much_cpu_time_ends_a_command(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("cpu_time=1s");
    const Errand__V1__Failure *failure =
        scene_failure(scene_run(s, scene_make(s, "sh", "while :; do :; done")),
                      "sh was ended by signal 24 (SIGXCPU), it used more CPU time than it may");
    assert_int_equal(failure->status->code, STATUS_RESOURCE_EXHAUSTED);
    scene_free(s);
}

static void what_a_command_leaves_behind_goes_with_it(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_make(s, "sh", "(trap '' TERM HUP; sleep 300) & echo $!");
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    AUTO_FREE char *pid = strndup((const char *) result->stdout.data, result->stdout.len);
    assert_gone((pid_t) strtol(pid, NULL, 10));
    scene_free(s);
}

// setsid is over when the shell in front has the number: the other end of its pipe is closed then.
static void what_has_left_the_group_goes_too(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_make(
        s, "sh", "echo $(setsid sh -c 'echo $$; exec >/dev/null 2>&1 3>&-; exec sleep 300' &)");
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    AUTO_FREE char *pid = strndup((const char *) result->stdout.data, result->stdout.len);
    assert_gone((pid_t) strtol(pid, NULL, 10));
    scene_free(s);
}

static bool is_alive(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd gone = {.fd = fd, .events = POLLIN};
    bool alive = fd >= 0 && poll(&gone, 1, 0) == 0;
    close(fd);
    return alive;
}

// The second of the others begins when all that the end of the first one brings about is done.
static void a_helper_that_has_left_the_group_lives_as_long_as_its_own_command(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    s->rig->lease_ms = CANCEL_LEASE_MS;
    rig_job *job =
        scene_add(s, "sh", "(setsid sh -c 'echo $$ >&3; exec sleep 300' &); exec sleep 300");
    scene_start(s);
    pid_t helper = scene_wait_told(s);
    for (size_t i = 1; i <= 2; i++) {
        scene_add(s, "sh", "(setsid sleep 300 &)");
        rig_wait_finished(s->rig, i);
    }
    assert_true(is_alive(helper));
    pthread_mutex_lock(&s->rig->lock);
    job->cancelled = true;
    pthread_mutex_unlock(&s->rig->lock);
    assert_gone(helper);
    scene_free(s);
}

// A signal for all of a service comes to the process beside the command too.
static void a_hangup_of_the_service_leaves_commands_alone(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job =
        scene_make(s, "sh",
                   "kill -HUP $PPID;"
                   "until grep -q '^ShdPnd:[[:space:]]*0*$' /proc/$PPID/status; do :; done;"
                   "echo lives");
    assert_bytes(scene_result(scene_run(s, job))->stdout, "lives\n");
    scene_free(s);
}

// ---- refused ----

static void assert_refused(const Errand__V1__Outcome *outcome, int code, const char *message)
{
    const Errand__V1__Failure *failure = scene_failure(outcome, message);
    assert_false(failure->retryable);
    assert_int_equal(failure->status->code, code);
}

static void an_unknown_command_fails_for_good(void **state)
{
    (void) state;
    exec_scene *s = scene_new("true", "argv=true");
    assert_refused(scene_run(s, scene_make(s, "sh", NULL)), STATUS_NOT_FOUND,
                   "exec.name: found \"sh\", which the configuration of this worker does not name");
    scene_free(s);
}

static void arguments_that_it_does_not_take_fail_for_good(void **state)
{
    (void) state;
    exec_scene *s = scene_new("true", "argv=true");
    assert_refused(scene_run(s, scene_make(s, "true", "-x")), STATUS_INVALID_ARGUMENT,
                   "exec.args: found 1, expected exactly 0");
    scene_free(s);
}

static void a_variable_that_is_not_allowed_fails_for_good(void **state)
{
    (void) state;
    Errand__V1__Command__EnvEntry entry = ERRAND__V1__COMMAND__ENV_ENTRY__INIT,
                                  *entries[] = {&entry};
    exec_scene *s = scene_new("true", "argv=true allow_env=OTHER");
    rig_job *job = scene_make(s, "true", NULL);
    entry.key = (char *) (uintptr_t) "LD_PRELOAD";
    job->job.exec->env = entries;
    job->job.exec->n_env = 1;
    assert_refused(scene_run(s, job), STATUS_INVALID_ARGUMENT,
                   "exec.env: found LD_PRELOAD, expected names that the configuration of true "
                   "allows");
    scene_free(s);
}

static void a_program_that_has_vanished_can_be_tried_again(void **state)
{
    (void) state;
    char path[] = "/tmp/exec_test_XXXXXX", settings[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0 && fchmod(fd, 0700) == 0);
    close(fd);
    (void) snprintf(settings, sizeof settings, "argv=%s", path);
    exec_scene *s = scene_new("gone", settings);
    scene_start(s);
    unlink(path);
    rig_job *job = scene_add(s, "gone", NULL);
    rig_wait_finished(s->rig, 1);
    assert_true(
        scene_failure(job->outcome, "gone can not be started: program: No such file or directory")
            ->retryable);
    scene_free(s);
}

// ---- ended ----

static void a_command_has_its_time_and_ends_at_sigterm(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("timeout=2s grace=1h");
    rig_job *job = scene_make(s, "sh", "trap 'echo bye >&2; exit 0' TERM; sleep 300 & wait");
    const Errand__V1__Failure *failure =
        scene_failure(scene_run(s, job), "sh took longer than its timeout, 2 s: bye");
    assert_int_equal(failure->status->code, STATUS_DEADLINE_EXCEEDED);
    assert_true(failure->retryable);
    scene_free(s);
}

static void a_command_that_ignores_sigterm_is_killed_after_its_grace(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("timeout=2s grace=1s");
    rig_job *job =
        scene_make(s, "sh", "trap 'echo no >&2' TERM; sleep 300 & while :; do wait; done");
    (void) scene_failure(scene_run(s, job), "sh took longer than its timeout, 2 s: no");
    scene_free(s);
}

static void a_cancelled_command_dies_with_its_children_and_its_room_is_free_again(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("grace=50ms");
    s->rig->lease_ms = CANCEL_LEASE_MS;
    s->rig->options.processes = 1;
    rig_job *job =
        scene_add(s, "sh", "trap '' TERM; (trap '' TERM; sleep 300) & echo $! >&3; wait");
    scene_start(s);
    pid_t child = scene_wait_told(s);
    pthread_mutex_lock(&s->rig->lock);
    job->cancelled = true;
    pthread_mutex_unlock(&s->rig->lock);
    rig_job *next = scene_add(s, "sh", "echo next");
    rig_wait_finished(s->rig, 1);
    assert_bytes(scene_result(next->outcome)->stdout, "next\n");
    assert_int_equal(job->outcomes, 0);
    assert_gone(child);
    scene_free(s);
}

static void an_attempt_that_is_over_ends_its_command(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("grace=50ms");
    rig_job *job = scene_make(s, "sh", "sleep 300");
    job->timeout.seconds = 0;
    job->timeout.nanos = 200000000;
    (void) scene_failure(scene_run(s, job), "the attempt took longer than attempt_timeout, 0.2 s");
    scene_free(s);
}

static void a_stop_at_once_gives_jobs_back_and_leaves_no_process(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("grace=1h");
    rig_job *job = scene_add(s, "sh", "trap '' TERM; sleep 300 & echo $! >&3; wait; wait");
    scene_start(s);
    pid_t child = scene_wait_told(s);
    rig_stop_worker(s->rig, true);
    assert_int_equal(job->outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_RELEASED);
    assert_gone(child);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);  // nor a zombie
    assert_int_equal(errno, ECHILD);
    scene_free(s);
}

static void a_drain_lets_commands_end(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_add(s, "sh", "echo 1 >&3; sleep 4; echo whole");
    scene_start(s);
    (void) scene_wait_told(s);
    rig_stop_worker(s->rig, false);
    assert_bytes(scene_result(job->outcome)->stdout, "whole\n");
    scene_free(s);
}

// ---- the launcher ----

static pid_t find_launcher(void)
{
    char path[64], text[256] = "";
    (void) snprintf(path, sizeof path, "/proc/self/task/%d/children", (int) getpid());
    FILE *children = fopen(path, "re");
    assert_non_null(children);
    assert_non_null(fgets(text, sizeof text, children));
    fclose(children);
    return (pid_t) strtol(text, NULL, 10);
}

static pid_t parent_of(pid_t pid)
{
    char path[64], text[512] = "";
    (void) snprintf(path, sizeof path, "/proc/%d/stat", (int) pid);
    FILE *stat = fopen(path, "re");
    assert_non_null(stat);
    assert_non_null(fgets(text, sizeof text, stat));
    fclose(stat);
    return (pid_t) strtol(strrchr(text, ')') + 4, NULL, 10);  // ") S 123"
}

// A shell with a child in a session of its own, whose number it tells.
#define FAMILY "setsid sh -c 'echo $$ >&3; exec sleep 300' & wait"

static void a_launcher_that_dies_takes_its_commands_along_and_is_replaced(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    rig_job *job = scene_add(s, "sh", FAMILY);
    scene_start(s);
    pid_t helper = scene_wait_told(s), command = parent_of(helper);
    assert_int_equal(kill(find_launcher(), SIGKILL), 0);
    rig_wait_finished(s->rig, 1);
    const Errand__V1__Failure *failure =
        scene_failure(job->outcome, "sh was lost with its launcher");
    assert_int_equal(failure->status->code, STATUS_UNAVAILABLE);
    assert_gone(command);
    assert_gone(helper);
    rig_job *next = scene_add(s, "sh", "echo again");
    rig_wait_finished(s->rig, 2);
    assert_bytes(scene_result(next->outcome)->stdout, "again\n");
    scene_free(s);
}

static void a_keeper_that_dies_takes_its_command_along_and_no_other(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_add(s, "sh", FAMILY);
    scene_start(s);
    pid_t helper = scene_wait_told(s), command = parent_of(helper);
    char fifo[] = "/tmp/exec_test_XXXXXX", script[64];
    close(mkstemp(fifo));
    assert_int_equal(unlink(fifo), 0);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    (void) snprintf(script, sizeof script, "read -r word <%s; echo $word", fifo);
    rig_job *other = scene_add(s, "sh", script);
    int end = open(fifo, O_WRONLY | O_CLOEXEC);  // comes back when the other one runs
    assert_int_equal(kill(parent_of(command), SIGKILL), 0);
    rig_wait_finished(s->rig, 1);
    (void) scene_failure(job->outcome, "sh was ended by signal 9 (SIGKILL)");
    assert_int_equal(write(end, "other\n", 6), 6);
    close(end);
    rig_wait_finished(s->rig, 2);
    assert_bytes(scene_result(other->outcome)->stdout, "other\n");
    assert_int_equal(unlink(fifo), 0);
    assert_gone(command);
    assert_gone(helper);
    scene_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_failed_command_shows_its_last_words),
    cmocka_unit_test(exit_code_75_is_for_later),
    cmocka_unit_test(a_signal_that_ends_a_command_is_named),
    cmocka_unit_test(too_much_cpu_time_ends_a_command),
    cmocka_unit_test(what_a_command_leaves_behind_goes_with_it),
    cmocka_unit_test(what_has_left_the_group_goes_too),
    cmocka_unit_test(a_helper_that_has_left_the_group_lives_as_long_as_its_own_command),
    cmocka_unit_test(a_hangup_of_the_service_leaves_commands_alone),
    cmocka_unit_test(an_unknown_command_fails_for_good),
    cmocka_unit_test(arguments_that_it_does_not_take_fail_for_good),
    cmocka_unit_test(a_variable_that_is_not_allowed_fails_for_good),
    cmocka_unit_test(a_program_that_has_vanished_can_be_tried_again),
    cmocka_unit_test(a_command_has_its_time_and_ends_at_sigterm),
    cmocka_unit_test(a_command_that_ignores_sigterm_is_killed_after_its_grace),
    cmocka_unit_test(a_cancelled_command_dies_with_its_children_and_its_room_is_free_again),
    cmocka_unit_test(an_attempt_that_is_over_ends_its_command),
    cmocka_unit_test(a_stop_at_once_gives_jobs_back_and_leaves_no_process),
    cmocka_unit_test(a_drain_lets_commands_end),
    cmocka_unit_test(a_launcher_that_dies_takes_its_commands_along_and_is_replaced),
    cmocka_unit_test(a_keeper_that_dies_takes_its_command_along_and_no_other),
};

UNIT_TEST_MAIN(tests)
