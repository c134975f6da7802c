// job_check_exec - what is wrong with the command of a submitted job.
#include "unit/job_sample.h"

static Errand__V1__Command__EnvEntry variable, *variables[200];
static char *args[2000];

static sample *exec_sample(void)
{
    static Errand__V1__Command command;
    sample *s = http_sample();
    errand__v1__command__init(&command);
    errand__v1__command__env_entry__init(&variable);
    variable.key = text("SIZE");
    variable.value = text("3");
    for (size_t i = 0; i < 200; i++)
        variables[i] = &variable;
    for (size_t i = 0; i < 2000; i++)
        args[i] = text("x");
    command.name = text("resize");
    command.args = args;
    command.n_args = 2;
    command.env = variables;
    command.n_env = 1;
    s->job.input_case = ERRAND__V1__JOB__INPUT_EXEC;
    s->job.exec = &command;
    return s;
}

static char *text_of(size_t size)
{
    char *made = calloc(1, size + 1);
    assert_non_null(made);
    memset(made, 'a', size);
    return made;
}

static void a_command_with_arguments_and_variables_is_accepted(void **state)
{
    (void) state;
    sample *s = exec_sample();
    accepts(s);
    s->job.exec->args[0] = text("$(reboot); `rm` 'x' \n {0} --");
    accepts(s);
    s->job.exec->n_args = s->job.exec->n_env = 0;
    accepts(s);
}

static void a_command_needs_a_name_that_is_one(void **state)
{
    (void) state;
    static const char *const names[] = {"", "a b", "/bin/sh", "a/b", "a;b", "\xc3\xa4"};
    sample *s = exec_sample();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        s->job.exec->name = text(names[i]);
        bad(s, "exec.name", "expected the name of a command");
    }
}

static void arguments_are_counted_and_measured(void **state)
{
    (void) state;
    sample *s = exec_sample();
    s->job.exec->n_args = 1000;
    accepts(s);
    s->job.exec->n_args = 1001;
    bad(s, "exec.args", "found 1001 arguments, expected at most 1000");
    s->job.exec->n_args = 2;
    char *longest = text_of(131071), *longer = text_of(131072);
    s->job.exec->args[1] = longest;
    accepts(s);
    s->job.exec->args[1] = longer;
    bad(s, "exec.args[1]", "found 131072 bytes, expected at most 131071");
    free(longer);
    s->job.exec->n_args = 9;
    for (size_t i = 0; i < 9; i++)
        s->job.exec->args[i] = longest;
    bad(s, "exec", "bytes of arguments and variables, expected at most 1048576");
    free(longest);
}

static void names_of_variables_are_those_of_a_shell(void **state)
{
    (void) state;
    static const char *const names[] = {"", "1A", "A=B", "A B", "A-B", "\xc3\xa4", "ERRAND_TOKEN"};
    sample *s = exec_sample();
    variable.key = text("_a_9");
    accepts(s);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        variable.key = text(names[i]);
        AUTO(status) failure = job_spec_check(&s->job, &limits);
        assert_non_null(failure);
        assert_int_equal(strncmp(failure->violations[0].field, "exec.env[", 9), 0);
    }
}

static void variables_are_counted_and_measured(void **state)
{
    (void) state;
    sample *s = exec_sample();
    s->job.exec->n_env = 101;
    bad(s, "exec.env", "found 101 variables, expected at most 100");
    s->job.exec->n_env = 1;
    variable.value = text_of(131071);
    bad(s, "exec.env[\"SIZE\"]", "found 131076 bytes, expected at most 131071");
    free(variable.value);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_command_with_arguments_and_variables_is_accepted),
    cmocka_unit_test(a_command_needs_a_name_that_is_one),
    cmocka_unit_test(arguments_are_counted_and_measured),
    cmocka_unit_test(names_of_variables_are_those_of_a_shell),
    cmocka_unit_test(variables_are_counted_and_measured),
};

UNIT_TEST_MAIN(tests)
