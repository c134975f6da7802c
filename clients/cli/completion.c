// completion - what shells complete: commands and options, written from the tables.
#include "cli.h"

#include <stdio.h>
#include <string.h>

// The first word of a command of two; its length, or 0.
static size_t topic_size(const cli_command *command)
{
    const char *space = strchr(command->name, ' ');
    return space != NULL ? (size_t) (space - command->name) : 0;
}

static bool same_topic(const cli_command *a, const cli_command *b)
{
    size_t size = topic_size(a);
    return size > 0 && size == topic_size(b) && strncmp(a->name, b->name, size) == 0;
}

// Whether no earlier command has the same topic.
static bool is_first_of_topic(const cli_command *command)
{
    const cli_command *other = cli_commands;
    while (other != command && !same_topic(other, command))
        other++;
    return topic_size(command) > 0 && other == command;
}

// The words that may come first: commands of one word, and topics.
static void first_words(const char *separator)
{
    const char *before = "";
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        size_t size = topic_size(c);
        if (size > 0 && !is_first_of_topic(c))
            continue;
        cli_print("%s%.*s", before, (int) (size > 0 ? size : strlen(c->name)), c->name);
        before = separator;
    }
    cli_print("%shelp", before);
}

static void second_words(const cli_command *topic)
{
    const char *before = "";
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        if (same_topic(c, topic)) {
            cli_print("%s%s", before, c->name + topic_size(c) + 1);
            before = " ";
        }
    }
}

static void option_words(const cli_option_group *group)
{
    for (const cli_option *option = group->options; option->name != NULL; option++)
        cli_print("--%s ", option->name);
}

static void command_options(const cli_command *command)
{
    for (const cli_option_group *const *group = command->groups; *group != NULL; group++)
        option_words(*group);
    cli_print("--help");
}

// ---- bash and zsh: the same cases in both ----

typedef struct shell {
    const char *head;  // up to the names of the first words
    const char *middle;
    const char *open, *close;  // of a list
    const char *tail;
} shell;

static void write_cases(const shell *s)
{
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        cli_print("        \"%s%s\"*) options=%s", c->name, topic_size(c) > 0 ? "" : " ", s->open);
        command_options(c);
        cli_print("%s ;;\n", s->close);
    }
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        if (is_first_of_topic(c)) {
            cli_print("        \"%.*s \") commands=%s", (int) topic_size(c), c->name, s->open);
            second_words(c);
            cli_print("%s ;;\n", s->close);
        }
    }
    cli_print("        \" \") commands=%s", s->open);
    first_words(" ");
    cli_print("%s options=%s", s->close, s->open);
    option_words(&cli_global_options);
    cli_print("%s ;;\n", s->close);
}

static void write_script(const shell *s)
{
    cli_print("%s", s->head);
    first_words("|");
    cli_print("%s", s->middle);
    write_cases(s);
    cli_print("%s", s->tail);
}

// How bash and zsh go on once the commands are named: what stands on the line so far.
#define WORDS_READ                                                                                 \
    ") first=$word ;; esac\n"                                                                      \
    "        elif [[ -z $second ]]; then\n"                                                        \
    "            second=$word\n"                                                                   \
    "        fi\n"                                                                                 \
    "    done\n"                                                                                   \
    "    case \"$first $second\" in\n"

static const shell bash = {
    .head = "# bash completion of errand\n"
            "_errand() {\n"
            "    local cur=${COMP_WORDS[COMP_CWORD]} word first= second= commands= options=\n"
            "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
            "        [[ $word == -* ]] && continue\n"
            "        if [[ -z $first ]]; then\n"
            "            case $word in ",
    .middle = WORDS_READ,
    .open = "\"",
    .close = "\"",
    .tail = "    esac\n"
            "    if [[ $cur == -* ]]; then\n"
            "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
            "    else\n"
            "        mapfile -t COMPREPLY < <(compgen -W \"$commands\" -- \"$cur\")\n"
            "    fi\n"
            "}\n"
            "complete -o default -F _errand errand\n",
};

static const shell zsh = {
    .head = "#compdef errand\n"
            "_errand() {\n"
            "    local word first= second=\n"
            "    local -a commands options\n"
            "    for word in ${words[2,CURRENT-1]}; do\n"
            "        [[ $word == -* ]] && continue\n"
            "        if [[ -z $first ]]; then\n"
            "            case $word in ",
    .middle = WORDS_READ,
    .open = "(",
    .close = ")",
    .tail = "    esac\n"
            "    if [[ $PREFIX == -* ]]; then\n"
            "        compadd -- $options\n"
            "    elif (( $#commands )); then\n"
            "        compadd -- $commands\n"
            "    else\n"
            "        _files\n"
            "    fi\n"
            "}\n"
            "_errand \"$@\"\n",
};

// ---- fish ----

static void quoted(const char *text)
{
    cli_print("'");
    for (; *text != '\0'; text++)
        cli_print(*text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    cli_print("'");
}

static void fish_option(const cli_option *option, const char *condition)
{
    cli_print("complete -c errand -n %s -l %s", condition, option->name);
    if (option->letter != 0)
        cli_print(" -s %c", option->letter);
    cli_print("%s -d ",
              option->value == CLI_FLAG || option->value == CLI_OPTIONAL_DURATION ? "" : " -r");
    quoted(option->help);
    cli_print("\n");
}

static void fish_group(const cli_option_group *group, const char *condition)
{
    for (const cli_option *option = group->options; option->name != NULL; option++)
        fish_option(option, condition);
}

static void fish_command(const cli_command *command)
{
    char condition[160];
    size_t size = topic_size(command);
    const char *last = command->name + (size > 0 ? size + 1 : 0);
    if (size == 0)
        (void) snprintf(condition, sizeof condition, "__fish_use_subcommand");
    else
        (void) snprintf(condition, sizeof condition, "'__fish_seen_subcommand_from %.*s'",
                        (int) size, command->name);
    cli_print("complete -c errand -f -n %s -a %s -d ", condition, last);
    quoted(command->summary);
    cli_print("\n");
    (void) snprintf(condition, sizeof condition, "'__fish_seen_subcommand_from %.*s%s%s'",
                    (int) size, command->name, size > 0 ? "; and __fish_seen_subcommand_from " : "",
                    last);
    for (const cli_option_group *const *group = command->groups; *group != NULL; group++)
        fish_group(*group, condition);
}

static void write_fish(void)
{
    cli_print("# fish completion of errand\n");
    for (const cli_command *c = cli_commands; c->name != NULL; c++) {
        if (is_first_of_topic(c))
            cli_print("complete -c errand -f -n __fish_use_subcommand -a %.*s\n",
                      (int) topic_size(c), c->name);
        fish_command(c);
    }
    fish_group(&cli_global_options, "__fish_use_subcommand");
}

bool cli_completion(const char *name)
{
    if (strcmp(name, "bash") == 0)
        write_script(&bash);
    else if (strcmp(name, "zsh") == 0)
        write_script(&zsh);
    else if (strcmp(name, "fish") == 0)
        write_fish();
    else
        return false;
    return true;
}
