// exec risk - command lines by which a job could choose what runs, and those by which it can not.
#include "unit/unit_test.h"

#include "base/cleanup.h"
#include "worker/exec_risk.h"

#include <string.h>

// Elements are parted by single spaces; a `+` stands for a space inside of one.
static char *find(const char *line, bool allow_options)
{
    char text[256], *argv[16], *rest = NULL;
    size_t count = 0;
    (void) snprintf(text, sizeof text, "%s", line);
    for (char *at = strtok_r(text, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
        for (char *plus = strchr(at, '+'); plus != NULL && plus > at; plus = strchr(plus, '+')) {
            *plus = ' ';
        }
        argv[count++] = at;
    }
    return exec_risk_find(argv, count, allow_options);
}

static void assert_risk(const char *line, const char *expected)
{
    AUTO_FREE char *found = find(line, true);
    if (found == NULL || strcmp(found, expected) != 0) {
        fail_msg("%s: found '%s', expected '%s'", line, found != NULL ? found : "nothing",
                 expected);
    }
}

static void assert_risky(const char *const *lines, bool allow_options, bool expected)
{
    for (; *lines != NULL; lines++) {
        AUTO_FREE char *found = find(*lines, allow_options);
        if ((found != NULL) != expected) {
            fail_msg("%s: found '%s'", *lines, found != NULL ? found : "nothing");
        }
    }
}

static void what_is_found_is_told(void **state)
{
    (void) state;
    assert_risk("sh -c {args}", "jobs can write the code that sh runs, by \"{args}\"");
    assert_risk("/bin/bash -s", "jobs can write the code that /bin/bash runs, in their input");
    assert_risk("env {0}", "jobs can choose the program that env starts, by \"{0}\"");
    assert_risk("ssh host uptime+{0}",
                "jobs can write what ssh gives to a shell, by \"uptime {0}\"");
    assert_risk("nice -n 5 sh -c echo+{0}",
                "jobs can write the code that sh runs, by \"echo {0}\"");
}

static const char *const code_lines[] = {
    "sh {args}",
    "sh {0}",
    "sh -c {0}",
    "sh -c x+{0}",
    "sh -lc {0}",
    "sh -ec {args}",
    "sh -ce {0}",
    "sh -c -e {0}",
    "sh -e -c {0}",
    "sh -o errexit -c {0}",
    "sh -eo errexit {0}",
    "bash -c {0}",
    "bash -lic {0}",
    "bash --login -c {0}",
    "bash --rcfile {0}",
    "bash -{0}",
    "bash -- {0}",
    "bash",
    "sh -s {args}",
    "sh -x",
    "dash -c {0}",
    "zsh -fc {0}",
    "/usr/bin/env sh -c {0}",
    "env -i PATH=/bin sh -c {0}",
    "env -S sh+-c+{0}",
    "env -u X sh",
    "env bash {args}",
    "busybox sh -c {0}",
    "timeout -k 5 10 sh -c {0}",
    "setsid sh -c {0}",
    "sudo -u nobody sh -c {0}",
    "flock /lock -c {0}",
    "flock /lock sh -c {0}",
    "python3 -c {0}",
    "python3.11 -c print({0})",
    "python -uc {0}",
    "python3 {args}",
    "python3 -m {0}",
    "python3 -W ignore {0}",
    "python3",
    "perl -e {0}",
    "perl -ne {0}",
    "perl -we 1 {args}",
    "perl {0}",
    "ruby -e {0}",
    "node -e {0}",
    "node --eval {0}",
    "php -r {0}",
    "lua5.4 -e {0}",
    "awk {0}",
    "awk -F : {0}",
    "awk -f {0}",
    "sed {0}",
    "sed -n -e {0}",
    "su -c {0}",
    "watch {args}",
    NULL,
};

static void jobs_that_could_write_code_are_seen_in_all_forms(void **state)
{
    (void) state;
    assert_risky(code_lines, true, true);
}

static void jobs_that_could_choose_the_program_are_seen(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "env {args}",         "env -i {0}", "env A=b {0}",   "nice {args}",
        "nice -n 5 {0}",      "nohup {0}",  "timeout 5 {0}", "timeout {args}",
        "sudo -u nobody {0}", "xargs {0}",  "busybox {0}",   "env nice nohup {0}",
        "chroot /srv {args}", NULL,
    };
    assert_risky(lines, true, true);
}

static void arguments_that_stay_arguments_are_none(void **state)
{
    (void) state;
    static const char *const lines[] = {
        "echo {args}",
        "convert {0} out.png",
        "true",
        "sh -c convert sh {0}",
        "sh -c x {args}",
        "sh -ec x sh {args}",
        "sh script.sh {args}",
        "sh -e script.sh {0}",
        "sh -- script.sh {0}",
        "bash -o pipefail -c x bash {0}",
        "bash -euo pipefail -c x bash {0}",
        "sh -c {{0}}",
        "env sh script {args}",
        "env A={0} ls",
        "timeout {0} ls",
        "nice -n 5 ls {args}",
        "sudo -u nobody ls {args}",
        "python3 script.py {args}",
        "python3 -c x {args}",
        "python3 -m http.server {0}",
        "perl script.pl {args}",
        "perl -ne print -- {args}",
        "perl -e 1 file={0}",
        "ruby -e 1 -- {0}",
        "awk {{print}} {args}",
        "sed -n 1p {0}",
        "ssh host uptime",
        "shred {0}",
        "shellcheck {args}",
        NULL,
    };
    assert_risky(lines, true, false);
}

static void options_that_jobs_can_not_give_bring_no_code(void **state)
{
    (void) state;
    static const char *const safe[] = {"perl -ne print {args}", "sed -f script {args}", NULL};
    static const char *const risky[] = {"perl {args}", "sh -c {0}", "env {0}", NULL};
    assert_risky(safe, true, true);
    assert_risky(safe, false, false);
    assert_risky(risky, false, true);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_found_is_told),
    cmocka_unit_test(jobs_that_could_write_code_are_seen_in_all_forms),
    cmocka_unit_test(jobs_that_could_choose_the_program_are_seen),
    cmocka_unit_test(arguments_that_stay_arguments_are_none),
    cmocka_unit_test(options_that_jobs_can_not_give_bring_no_code),
};

UNIT_TEST_MAIN(tests)
