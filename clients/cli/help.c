// help - --help and the manual page, made from the tables.
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char introduction[] =
    "Errand runs background work for other services: submit a job, get an id at once, fetch the\n"
    "result later. errand talks to a running server (errandd).\n";

typedef struct exit_row {
    cli_exit status;
    const char *meaning;
} exit_row;

static const exit_row exit_rows[] = {
    {CLI_OK, "all is well"},
    {CLI_NO_SUCCESS, "a job did not succeed, or the output could not be written"},
    {CLI_USAGE, "wrong usage"},
    {CLI_NOT_FOUND, "no such job or queue"},
    {CLI_UNREACHABLE, "the server was not reached, or did not answer in time"},
    {CLI_REFUSED, "the server refused"},
};

typedef struct variable_row {
    const char *name;
    const char *meaning;
} variable_row;

static const variable_row variable_rows[] = {
    {"ERRAND_SERVER", "the server, as --server"},
    {"ERRAND_TOKEN", "bearer token, as --token"},
    {"ERRAND_TOKEN_FILE", "file with the bearer token, as --token-file"},
    {"ERRAND_TLS_CA",
     "as --tls-ca; likewise ERRAND_TLS_CERT, ERRAND_TLS_KEY, ERRAND_TLS_SERVER_NAME"},
    {"ERRAND_CALLBACK_SECRET", "secret that signs the events of --callback"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// option_usage writes "-w, --wait[=TIME]".
static void option_usage(const cli_option *option, char *text, size_t size)
{
    char letter[8] = "    ";
    if (option->letter != '\0')
        (void) snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const char *form = option->value == CLI_FLAG                ? "%s--%s"
                       : option->value == CLI_OPTIONAL_DURATION ? "%s--%s[=%s]"
                                                                : "%s--%s %s";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void) snprintf(text, size, form, letter, option->name, option->placeholder);
#pragma GCC diagnostic pop
}

static void help_group(const cli_option_group *group)
{
    cli_print("\n%s:\n", group->title);
    for (const cli_option *option = group->options; option->name != NULL; option++) {
        char usage[64];
        option_usage(option, usage, sizeof usage);
        cli_print("  %-31s %s\n", usage, option->help);
    }
}

static void help_line(const cli_command *command)
{
    cli_print("  %-12s %-9s %s\n", command->name, command->words, command->summary);
}

void cli_help(void)
{
    cli_print("Usage: errand [OPTION...] COMMAND [ARGUMENT...]\n\n%s\nCommands:\n", introduction);
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        help_line(command);
    help_group(&cli_global_options);
    puts("\nEnvironment:");
    for (size_t i = 0; i < COUNT(variable_rows); i++)
        cli_print("  %-31s %s\n", variable_rows[i].name, variable_rows[i].meaning);
    puts("\nExit status:");
    for (size_t i = 0; i < COUNT(exit_rows); i++)
        cli_print("  %d  %s\n", exit_rows[i].status, exit_rows[i].meaning);
    puts("\n'errand COMMAND --help' tells about one command.");
}

void cli_help_command(const cli_command *command)
{
    cli_print("Usage: errand %s [OPTION...] %s\n\n%s\n", command->name, command->words,
              command->detail);
    for (const cli_option_group *const *group = command->groups; *group != NULL; group++)
        help_group(*group);
}

void cli_help_topic(const char *topic)
{
    cli_print("Usage: errand %s COMMAND [OPTION...] [ARGUMENT...]\n\nCommands:\n", topic);
    for (const cli_command *command = cli_commands; command->name != NULL; command++) {
        if (cli_command_in(command, topic))
            help_line(command);
    }
    cli_print("\n'errand %s COMMAND --help' tells about one command.\n", topic);
}

// roff_text writes text so that troff takes none of it as its own.
static void roff_text(const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stdout);
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
    }
    putchar('\n');
}

static void roff_item(const char *term, const char *text)
{
    fputs(".TP\n.B ", stdout);
    roff_text(term);
    roff_text(text);
}

static void roff_group(const cli_option_group *group)
{
    for (const cli_option *option = group->options; option->name != NULL; option++) {
        char usage[64];
        option_usage(option, usage, sizeof usage);
        roff_item(usage + strspn(usage, " "), option->help);
    }
}

static void roff_command(const cli_command *command)
{
    char usage[64];
    (void) snprintf(usage, sizeof usage, "errand %s %s", command->name, command->words);
    fputs(".SS ", stdout);
    roff_text(usage);
    roff_text(command->detail);
    for (const cli_option_group *const *group = command->groups; *group != NULL; group++) {
        if (*group != &cli_global_options)
            roff_group(*group);
    }
}

void cli_manual(void)
{
    puts(".TH ERRAND 1 \"\" \"errand " ERRAND_VERSION "\" \"Errand manual\"");
    puts(".SH NAME\nerrand \\- submit background jobs and fetch their results");
    puts(".SH SYNOPSIS\n.B errand\n[\\fIoption\\fR...] \\fIcommand\\fR [\\fIargument\\fR...]");
    puts(".SH DESCRIPTION");
    fputs(introduction, stdout);
    puts(".SH COMMANDS");
    for (const cli_command *command = cli_commands; command->name != NULL; command++)
        roff_command(command);
    puts(".SH OPTIONS");
    roff_group(&cli_global_options);
    puts(".SH ENVIRONMENT");
    for (size_t i = 0; i < COUNT(variable_rows); i++)
        roff_item(variable_rows[i].name, variable_rows[i].meaning);
    puts(".SH EXIT STATUS");
    for (size_t i = 0; i < COUNT(exit_rows); i++) {
        char number[4];
        (void) snprintf(number, sizeof number, "%d", exit_rows[i].status);
        roff_item(number, exit_rows[i].meaning);
    }
    puts(".SH SEE ALSO\n.BR errandd (1)");
}
