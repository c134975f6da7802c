// worker exec - what a command is given, and what comes back of it.
#include "unit/exec_scene.h"

#include <fcntl.h>
#include <sys/stat.h>

static void standard_input_goes_in_and_output_comes_back(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    uint8_t input[] = "input\n";
    rig_job *job = scene_make(s, "sh", "cat; echo oops >&2");
    job->job.exec->stdin = (ProtobufCBinaryData){.len = 6, .data = input};
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    assert_bytes(result->stdout, "input\n");
    assert_bytes(result->stderr, "oops\n");
    assert_int_equal(result->exit_code, 0);
    assert_int_equal(result->signal, 0);
    assert_int_equal(result->stdout_omitted_bytes, 0);
    scene_free(s);
}

static void arguments_reach_the_program_one_by_one(void **state)
{
    (void) state;
    static const char *const args[] = {"$(id) `id` ;|& \"x\" 'y' *", "", "two\nlines", "{args}",
                                       "-n"};
    exec_scene *s = scene_new("print", "argv=printf,<%s>,{args}");
    rig_job *job = scene_make(s, "print", NULL);
    job->job.exec->args = (char **) (uintptr_t) args;
    job->job.exec->n_args = 5;
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    assert_bytes(result->stdout, "<$(id) `id` ;|& \"x\" 'y' *><><two\nlines><{args}><-n>");
    scene_free(s);
}

static void a_command_sees_the_environment_that_was_meant_for_it(void **state)
{
    (void) state;
    Errand__V1__Command__EnvEntry entry = ERRAND__V1__COMMAND__ENV_ENTRY__INIT,
                                  *entries[] = {&entry};
    assert_int_equal(setenv("ERRAND_TOKEN", "secret", 1), 0);
    assert_int_equal(setenv("DATABASE_PASSWORD", "secret", 1), 0);
    exec_scene *s = scene_new("env", "argv=env env=PATH=/bin,SIZE=1,COLOUR=blue allow_env=SIZE");
    rig_job *job = scene_make(s, "env", NULL);
    entry.key = (char *) (uintptr_t) "SIZE";
    entry.value = (char *) (uintptr_t) "2";
    job->job.exec->env = entries;
    job->job.exec->n_env = 1;
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    AUTO_FREE char *all = strndup((const char *) result->stdout.data, result->stdout.len);
    assert_non_null(strstr(all, "SIZE=2\n"));
    assert_null(strstr(all, "SIZE=1\n"));
    assert_non_null(strstr(all, "COLOUR=blue\n"));
    assert_non_null(strstr(all, "ERRAND_JOB_ID=00000000-0000-7000-8000-000000000001\n"));
    assert_non_null(strstr(all, "ERRAND_ATTEMPT=3\n"));
    assert_non_null(strstr(all, "ERRAND_PROGRESS_FD=3\n"));
    assert_null(strstr(all, "secret"));
    scene_free(s);
}

static uint64_t signals_in(const ProtobufCBinaryData *text, const char *name)
{
    AUTO_FREE char *all = strndup((const char *) text->data, text->len);
    const char *line = strstr(all, name);
    assert_non_null(line);
    return strtoull(line + strlen(name), NULL, 16);
}

static void a_command_has_four_descriptors(void **state)
{
    (void) state;
    exec_scene *s = scene_new("ls", "argv=ls,/proc/self/fd");
    int kept = open("/dev/null", O_RDONLY);  // not close-on-exec
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, scene_make(s, "ls", NULL)));
    assert_bytes(result->stdout, "0\n1\n2\n3\n4\n");  // the last one is the folder that it reads
    close(kept);
    scene_free(s);
}

// 32 and 33 belong to the C library: posix_spawn leaves them ignored.
static void a_command_has_no_signals_blocked_or_ignored(void **state)
{
    (void) state;
    exec_scene *s = scene_new("cat", "argv=cat,/proc/self/status");
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, scene_make(s, "cat", NULL)));
    assert_int_equal(signals_in(&result->stdout, "SigBlk:"), 0);
    assert_int_equal(signals_in(&result->stdout, "SigIgn:") & ~(UINT64_C(3) << 31), 0);
    scene_free(s);
}

static void a_command_runs_in_its_directory(void **state)
{
    (void) state;
    exec_scene *s = scene_new("pwd", "argv=pwd directory=/usr/lib");
    assert_bytes(scene_result(scene_run(s, scene_make(s, "pwd", NULL)))->stdout, "/usr/lib\n");
    scene_free(s);
}

static void a_command_runs_as_its_user_with_that_users_groups(void **state)
{
    (void) state;
    if (geteuid() != 0) {
        skip();
    }
    exec_scene *s = scene_shell("user=nobody");
    rig_job *job = scene_make(s, "sh", "id -un; id -G; echo $HOME $USER");
    assert_bytes(scene_result(scene_run(s, job))->stdout, "nobody\n65534\n/nonexistent nobody\n");
    scene_free(s);
}

static void another_user_may_open_its_output_anew(void **state)
{
    (void) state;
    if (geteuid() != 0) {
        skip();
    }
    exec_scene *s = scene_shell("user=nobody");
    rig_job *job = scene_make(
        s, "sh", "set -e; echo out >/dev/stdout; echo err >/dev/stderr; echo 1 >/dev/fd/3");
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    assert_bytes(result->stdout, "out\n");
    assert_bytes(result->stderr, "err\n");
    scene_free(s);
}

static void only_root_can_become_another_user(void **state)
{
    (void) state;
    if (geteuid() != 0 || seteuid(65534) != 0) {
        skip();
    }
    config_pair pair = {(char *) (uintptr_t) "x", (char *) (uintptr_t) "argv=true user=root"};
    const config_map map = {&pair, 1};
    exec_commands *commands = NULL;
    AUTO(status) failure = exec_commands_open(&map, &commands);
    assert_int_equal(status_code_of(failure), STATUS_FAILED_PRECONDITION);
    assert_non_null(strstr(failure->message, "commands.x.user: found \"root\""));
    assert_int_equal(seteuid(0), 0);
}

static void limits_hold(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("memory=64MiB open_files=50 cpu_time=1500ms");
    rig_job *job = scene_make(s, "sh", "ulimit -d; ulimit -n; ulimit -t; ulimit -H -t");
    assert_bytes(scene_result(scene_run(s, job))->stdout, "65536\n50\n2\n7\n");
    scene_free(s);
}

static void usual_limits_are_not_those_of_the_worker(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    assert_bytes(scene_result(scene_run(s, scene_make(s, "sh", "ulimit -n")))->stdout, "1024\n");
    scene_free(s);
}

static void too_much_memory_fails_in_the_program(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("memory=64MiB");
    rig_job *job = scene_make(s, "sh", "LC_ALL=C dd if=/dev/zero of=/dev/null bs=300M count=1");
    const Errand__V1__Outcome *outcome = scene_run(s, job);
    assert_int_equal(outcome->outcome_case, ERRAND__V1__OUTCOME__OUTCOME_FAILURE);
    assert_non_null(strstr(outcome->failure->status->message, "memory exhausted"));
    scene_free(s);
}

static void a_flood_of_output_is_cut_and_the_rest_counted(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("max_stdout=1MiB max_stderr=1KiB");
    rig_job *job = scene_make(s, "sh", "head -c 50000000 /dev/zero; head -c 5000 /dev/zero >&2");
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    assert_int_equal(result->stdout.len, 1 << 20);
    assert_int_equal(result->stdout_omitted_bytes, 50000000 - (1 << 20));
    assert_int_equal(result->stderr.len, 1024);
    assert_int_equal(result->stderr_omitted_bytes, 5000 - 1024);
    scene_free(s);
}

static void the_largest_result_fits_into_a_message(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("max_stderr=48KiB");
    s->rig->options.worker.max_result_bytes = 1 << 20;
    rig_job *job = scene_make(s, "sh", "head -c 5000000 /dev/zero; head -c 500000 /dev/zero >&2");
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    assert_int_equal(result->stdout.len, 1 << 20);
    assert_int_equal(result->stderr.len, 48 << 10);
    scene_free(s);
}

static void input_that_nobody_reads_does_no_harm(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_make(s, "sh", "exec <&-; echo done");
    AUTO_FREE uint8_t *input = calloc(1, 4 << 20);
    job->job.exec->stdin = (ProtobufCBinaryData){.len = 4 << 20, .data = input};
    assert_bytes(scene_result(scene_run(s, job))->stdout, "done\n");
    scene_free(s);
}

static void a_result_tells_what_was_used(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    AUTO_FREE uint8_t *large = malloc(100 << 20);  // of the worker: not the command's
    memset(large, 1, 100 << 20);
    rig_job *job = scene_make(s, "sh", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
    const Errand__V1__ExecResult *result = scene_result(scene_run(s, job));
    assert_true(result->user_time->seconds > 0 || result->user_time->nanos > 0);
    assert_non_null(result->system_time);
    assert_in_range(result->max_rss_bytes, 100 << 10, 50 << 20);
    scene_free(s);
}

static void progress_lines_reach_the_server(void **state)
{
    (void) state;
    exec_scene *s = scene_shell("");
    rig_job *job = scene_add(s, "sh", "echo 7 9 almost there >&$ERRAND_PROGRESS_FD; sleep 60");
    scene_start(s);
    assert_int_equal(scene_wait_told(s), 7);
    assert_int_equal(s->rig->progress_total, 9);
    assert_string_equal(s->rig->progress_message, "almost there");
    assert_int_equal(job->outcomes, 0);
    scene_free(s);
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void many_commands_leave_nothing_open(void **state)
{
    (void) state;
    exec_scene *s = scene_new("true", "argv=true");
    scene_add(s, "true", NULL);
    scene_start(s);
    rig_wait_finished(s->rig, 1);
    size_t before = count_descriptors();
    for (size_t i = 1; i < 200; i++) {
        scene_add(s, "true", NULL);
    }
    rig_wait_finished(s->rig, 200);
    rig_stop_worker(s->rig, false);
    assert_in_range(count_descriptors(), 0, before);
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(s->rig->jobs[i].outcomes, 1);
        (void) scene_result(s->rig->jobs[i].outcome);
    }
    assert_true(s->rig->most_jobs <= 2);
    scene_free(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(standard_input_goes_in_and_output_comes_back),
    cmocka_unit_test(arguments_reach_the_program_one_by_one),
    cmocka_unit_test(a_command_sees_the_environment_that_was_meant_for_it),
    cmocka_unit_test(a_command_has_four_descriptors),
    cmocka_unit_test(a_command_has_no_signals_blocked_or_ignored),
    cmocka_unit_test(a_command_runs_in_its_directory),
    cmocka_unit_test(a_command_runs_as_its_user_with_that_users_groups),
    cmocka_unit_test(another_user_may_open_its_output_anew),
    cmocka_unit_test(only_root_can_become_another_user),
    cmocka_unit_test(limits_hold),
    cmocka_unit_test(usual_limits_are_not_those_of_the_worker),
    cmocka_unit_test(too_much_memory_fails_in_the_program),
    cmocka_unit_test(a_flood_of_output_is_cut_and_the_rest_counted),
    cmocka_unit_test(the_largest_result_fits_into_a_message),
    cmocka_unit_test(input_that_nobody_reads_does_no_harm),
    cmocka_unit_test(a_result_tells_what_was_used),
    cmocka_unit_test(progress_lines_reach_the_server),
    cmocka_unit_test(many_commands_leave_nothing_open),
};

UNIT_TEST_MAIN(tests)
