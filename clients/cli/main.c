// errand - the command line client: reads the tables, runs one command.
#include "cli.h"

#include "base/streams.h"
#include "base/token.h"
#include "rpc/address.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_MS 10000

static const char *environment(const char *name)
{
    const char *value = getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
    return value == NULL || *value == '\0' ? NULL : value;
}

static status *read_format(cli *c, const cli_args *args)
{
    const char *format = cli_text(args, "output");
    if (format == NULL)
        return NULL;
    if (strcmp(format, "json") != 0 && strcmp(format, "table") != 0)
        return status_new(STATUS_INVALID_ARGUMENT, "--output: found \"%s\", expected table or json",
                          format);
    c->json = strcmp(format, "json") == 0;
    return NULL;
}

static void take_texts(cli *c, const cli_args *args)
{
    const struct {
        const char *option;
        const char **setting;
    } texts[] = {
        {"server", &c->server},   {"token-file", &c->token_file},
        {"tls-ca", &c->tls_ca},   {"tls-cert", &c->tls_cert},
        {"tls-key", &c->tls_key}, {"tls-server-name", &c->tls_server_name},
        {"token", &c->token},
    };
    if (cli_has(args, "token-file"))
        c->token = NULL;  // it wins over ERRAND_TOKEN
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (cli_has(args, texts[i].option))
            *texts[i].setting = cli_text(args, texts[i].option);
    }
}

// read_settings takes the global options from either side of the command.
static status *read_settings(cli *c, const cli_args *args)
{
    take_texts(c, args);
    c->has_timeout |= cli_has(args, "timeout");
    status *s = cli_duration_ms(args, "timeout", c->timeout_ms, &c->timeout_ms);
    if (s == NULL && c->timeout_ms == 0)
        s = status_new(STATUS_INVALID_ARGUMENT, "--timeout: expected more than 0s");
    return s != NULL ? s : read_format(c, args);
}

static status *check_words(const cli_command *command, const cli_args *args)
{
    if (args->word_count >= command->min_words && args->word_count <= command->max_words)
        return NULL;
    if (args->word_count > command->max_words)
        return status_new(STATUS_INVALID_ARGUMENT, "%s: found \"%s\", expected no further argument",
                          command->name, args->words[command->max_words]);
    return status_new(STATUS_INVALID_ARGUMENT, "usage: errand %s [OPTION...] %s", command->name,
                      command->words);
}

static status *check_server(const char *url)
{
    if (url == NULL || address_is_good(url))
        return NULL;
    return status_new(STATUS_INVALID_ARGUMENT,
                      "--server or ERRAND_SERVER: found \"%s\", expected tcp://, tls+tcp:// or "
                      "ipc:// " ADDRESS_FORM,
                      url);
}

static cli_exit connect_and_run(cli *c, const cli_command *command, const cli_args *args)
{
    errand_client_options options = {
        .url = c->server,
        .token = c->token,
        .timeout_ms = c->timeout_ms,
        .tls_ca = c->tls_ca,
        .tls_cert = c->tls_cert,
        .tls_key = c->tls_key,
        .tls_server_name = c->tls_server_name,
    };
    status *bad = check_server(c->server);
    if (bad != NULL)
        return cli_bad_usage(bad);
    errand_error *error = errand_client_open(&options, &c->client);
    if (error != NULL)
        return error->code == STATUS_INVALID_ARGUMENT ? (cli_bad_call(error), CLI_USAGE)
                                                      : cli_bad_call(error);
    cli_exit result = command->run(c, args);
    errand_client_close(c->client);
    return result;
}

static cli_exit read_token_and_run(cli *c, const cli_command *command, const cli_args *args)
{
    AUTO_FREE char *token = NULL;
    if (cli_command_in(command, "token"))
        return command->run(c, args);  // asks no server
    if (c->token == NULL && c->token_file != NULL) {
        status *failure = token_read_file(c->token_file, &token);
        if (failure != NULL)
            return cli_bad_usage(failure);
        c->token = token;
    }
    cli_exit result = connect_and_run(c, command, args);
    if (token != NULL)
        c->token = NULL;
    return result;
}

static void print_version(void)
{
    puts("errand " ERRAND_VERSION);
}

static bool answers_about_itself(const cli_command *command, const cli_args *args)
{
    if (cli_has(args, "help"))
        cli_help_command(command);
    else if (cli_has(args, "version"))
        print_version();
    else
        return false;
    return true;
}

static cli_exit run_command(cli *c, const cli_command *command, int argc, char **argv, int index)
{
    cli_args args = {0};
    status *s = cli_parse(argc, argv, command->groups, false, &index, &args);
    if (s == NULL && answers_about_itself(command, &args)) {
        cli_args_fini(&args);
        return CLI_OK;
    }
    if (s == NULL)
        s = read_settings(c, &args);
    if (s == NULL)
        s = check_words(command, &args);
    cli_exit result = s != NULL ? cli_bad_usage(s) : read_token_and_run(c, command, &args);
    cli_args_fini(&args);
    if (result == CLI_USAGE)
        cli_tell("See 'errand %s --help'.\n", command->name);
    return result;
}

static cli_exit no_command(const cli_args *args)
{
    if (cli_has(args, "version")) {
        print_version();
        return CLI_OK;
    }
    if (cli_has(args, "help")) {
        cli_help();
        return CLI_OK;
    }
    cli_tell("errand: no command given\nSee 'errand --help'.\n");
    return CLI_USAGE;
}

// "errand queue" alone, "errand queue --help", or something that there is not.
static cli_exit unknown_command(int argc, char **argv)
{
    const char *next = argc > 1 ? argv[1] : "";
    if (!cli_topic_known(argv[0])) {
        cli_tell("errand: unknown command '%s'\nSee 'errand --help'.\n", argv[0]);
        return CLI_USAGE;
    }
    if (strcmp(next, "--help") == 0 || strcmp(next, "-h") == 0) {
        cli_help_topic(argv[0]);
        return CLI_OK;
    }
    if (*next == '\0')
        cli_tell("errand: %s needs a command\n", argv[0]);
    else
        cli_tell("errand: unknown command '%s %s'\n", argv[0], next);
    cli_tell("See 'errand %s --help'.\n", argv[0]);
    return CLI_USAGE;
}

// "errand help" alone, or with the words of a command or a topic.
static cli_exit help(int argc, char **argv)
{
    int words = 0;
    const cli_command *command = argc > 0 ? cli_command_find(argc, argv, &words) : NULL;
    if (argc == 0)
        cli_help();
    else if (command != NULL)
        cli_help_command(command);
    else if (argc == 1 && cli_topic_known(argv[0]))
        cli_help_topic(argv[0]);
    else
        return unknown_command(argc, argv);
    return CLI_OK;
}

static cli_exit find_and_run(cli *c, int argc, char **argv, int index)
{
    int words = 0;
    if (strcmp(argv[index], "help") == 0)
        return help(argc - index - 1, argv + index + 1);
    const cli_command *command = cli_command_find(argc - index, argv + index, &words);
    return command == NULL ? unknown_command(argc - index, argv + index)
                           : run_command(c, command, argc, argv, index + words);
}

static cli_exit run(cli *c, int argc, char **argv)
{
    cli_args args = {0};
    int index = 1;
    status *s = cli_parse(argc, argv, cli_global_groups, true, &index, &args);
    if (s == NULL)
        s = read_settings(c, &args);
    bool asked = cli_has(&args, "help") || cli_has(&args, "version");
    cli_exit result = s == NULL && (asked || index == argc) ? no_command(&args) : CLI_OK;
    cli_args_fini(&args);
    if (s != NULL) {
        result = cli_bad_usage(s);
        cli_tell("See 'errand --help'.\n");
        return result;
    }
    if (asked || index == argc)
        return result;
    return find_and_run(c, argc, argv, index);
}

int main(int argc, char **argv)
{
    if (!streams_guard())
        return CLI_NO_SUCCESS;
    signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): can not fail for SIGPIPE
    if (argc == 2 && strcmp(argv[1], "--man") == 0) {
        cli_manual();
        return (int) cli_finish_output(CLI_OK);
    }
    if (argc == 3 && strcmp(argv[1], "--completion") == 0 && cli_completion(argv[2])) {
        return (int) cli_finish_output(CLI_OK);
    }
    cli c = {
        .server = environment("ERRAND_SERVER"),
        .token = environment("ERRAND_TOKEN"),
        .token_file = environment("ERRAND_TOKEN_FILE"),
        .tls_ca = environment("ERRAND_TLS_CA"),
        .tls_cert = environment("ERRAND_TLS_CERT"),
        .tls_key = environment("ERRAND_TLS_KEY"),
        .tls_server_name = environment("ERRAND_TLS_SERVER_NAME"),
        .timeout_ms = DEFAULT_TIMEOUT_MS,
    };
    return (int) cli_finish_output(run(&c, argc, argv));
}
