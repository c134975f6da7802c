// exec_risk - command lines by which a job could have run what the configuration does not name.
#include "worker/exec_risk.h"

#include "worker/exec_template.h"

#include <stdio.h>
#include <string.h>

typedef enum known_kind {
    KNOWN_SHELL,   // the first operand is a script's file, or the script itself behind -c
    KNOWN_SCRIPT,  // an interpreter that takes options behind its code, too
    KNOWN_PYTHON,  // one that takes none
    KNOWN_FILTER,  // its first operand is code
    KNOWN_RUNNER,  // starts the program that stands behind its options
    KNOWN_REMOTE,  // gives all of its arguments to a shell
} known_kind;

typedef struct known {
    const char *name;
    known_kind kind;
    const char *code;    // options whose argument is code, or a file with it
    const char *taking;  // other options with an argument of their own
    int operands;        // of a runner, before the program
} known;

// clang-format off
static const known all_known[] = {
    {"sh", KNOWN_SHELL, "c", "oO", 0}, {"bash", KNOWN_SHELL, "c", "oO", 0},
    {"dash", KNOWN_SHELL, "c", "oO", 0}, {"ash", KNOWN_SHELL, "c", "oO", 0},
    {"ksh", KNOWN_SHELL, "c", "oO", 0}, {"mksh", KNOWN_SHELL, "c", "oO", 0},
    {"zsh", KNOWN_SHELL, "c", "oO", 0}, {"fish", KNOWN_SHELL, "c", "oO", 0},
    {"perl", KNOWN_SCRIPT, "eE", "", 0}, {"ruby", KNOWN_SCRIPT, "e", "rIC", 0},
    {"node", KNOWN_SCRIPT, "ep", "r", 0}, {"nodejs", KNOWN_SCRIPT, "ep", "r", 0},
    {"php", KNOWN_SCRIPT, "rBREfF", "cdz", 0}, {"lua", KNOWN_SCRIPT, "e", "l", 0},
    {"tclsh", KNOWN_SCRIPT, "", "", 0}, {"expect", KNOWN_SCRIPT, "cf", "", 0},
    {"python", KNOWN_PYTHON, "cm", "WX", 0}, {"pypy", KNOWN_PYTHON, "cm", "WX", 0},
    {"awk", KNOWN_FILTER, "fe", "vF", 0}, {"gawk", KNOWN_FILTER, "fe", "vF", 0},
    {"mawk", KNOWN_FILTER, "fe", "vF", 0}, {"sed", KNOWN_FILTER, "ef", "l", 0},
    {"env", KNOWN_RUNNER, "S", "uC", 0}, {"nice", KNOWN_RUNNER, "", "n", 0},
    {"ionice", KNOWN_RUNNER, "", "cnpPu", 0}, {"nohup", KNOWN_RUNNER, "", "", 0},
    {"setsid", KNOWN_RUNNER, "", "", 0}, {"stdbuf", KNOWN_RUNNER, "", "ioe", 0},
    {"time", KNOWN_RUNNER, "", "fo", 0}, {"timeout", KNOWN_RUNNER, "", "ks", 1},
    {"taskset", KNOWN_RUNNER, "", "", 1}, {"chrt", KNOWN_RUNNER, "", "TPD", 1},
    {"chroot", KNOWN_RUNNER, "", "", 1}, {"flock", KNOWN_RUNNER, "c", "wE", 1},
    {"sudo", KNOWN_RUNNER, "", "ugpCDhrtTRU", 0}, {"doas", KNOWN_RUNNER, "", "uC", 0},
    {"xargs", KNOWN_RUNNER, "", "adEILnPs", 0}, {"busybox", KNOWN_RUNNER, "", "", 0},
    {"unshare", KNOWN_RUNNER, "", "RwSG", 0}, {"setpriv", KNOWN_RUNNER, "", "", 0},
    {"systemd-run", KNOWN_RUNNER, "", "puHM", 0},
    {"ssh", KNOWN_REMOTE, "", "", 0}, {"su", KNOWN_REMOTE, "", "", 0},
    {"runuser", KNOWN_REMOTE, "", "", 0}, {"watch", KNOWN_REMOTE, "", "", 0},
    {"script", KNOWN_REMOTE, "", "", 0}, {"parallel", KNOWN_REMOTE, "", "", 0},
};
// clang-format on

// By its name, which may have a number behind it: /usr/bin/python3.11.
static const known *know(const char *program)
{
    const char *slash = strrchr(program, '/');
    const char *name = slash != NULL ? slash + 1 : program;
    for (size_t i = 0; i < sizeof all_known / sizeof all_known[0]; i++) {
        size_t size = strlen(all_known[i].name);
        if (strncmp(name, all_known[i].name, size) == 0 &&
            name[size + strspn(name + size, "0123456789.")] == '\0') {
            return &all_known[i];
        }
    }
    return NULL;
}

typedef enum risk {
    RISK_NONE,
    RISK_CODE,
    RISK_INPUT,
    RISK_PROGRAM,
    RISK_SHELL,
} risk;

typedef struct looking {
    char *const *argv;
    size_t count;
    bool allow_options;
    const char *program;  // that is looked at
    risk risk;            // what was found
    const char *element;  // by which
} looking;

static void find(looking *l, risk what, const char *element)
{
    l->risk = what;
    l->element = element;
}

static bool is_option(const known *k, const char *element)
{
    bool signed_ = element[0] == '-' || (k->kind == KNOWN_SHELL && element[0] == '+');
    return signed_ && element[1] != '\0';
}

// Whether an option, or the last letter of a cluster of them, takes the next element.
static bool takes_next(const char *letters, const char *option)
{
    return option[1] != '-' && strchr(letters, option[strlen(option) - 1]) != NULL;
}

static bool takes_code(const known *k, const char *option)
{
    bool is_long = strcmp(option, "--eval") == 0 || strcmp(option, "--print") == 0;
    if (k->kind == KNOWN_SHELL) {
        return option[0] == '-' && option[1] != '-' && strchr(option, 'c') != NULL;
    }
    return is_long || takes_next(k->code, option);
}

// Whether it may be read as code, or as an option by which code comes.
static bool is_risky(const looking *l, const known *k, const char *element, bool code)
{
    if (!exec_template_takes(element)) {
        return false;
    }
    bool first = !code || k->kind == KNOWN_SHELL;
    return first || (l->allow_options && (element[0] == '{' || element[0] == '-'));
}

// look_at_option moves on to the option's argument; false when the rest is the script's own.
static bool look_at_option(looking *l, const known *k, size_t *at, bool *code)
{
    const char *option = l->argv[*at];
    if (!takes_code(k, option)) {
        *at += takes_next(k->taking, option);
        return true;
    }
    *code = true;
    if (k->kind == KNOWN_SHELL || *at + 1 == l->count) {
        return true;
    }
    ++*at;
    if (exec_template_takes(l->argv[*at])) {
        find(l, RISK_CODE, l->argv[*at]);
    }
    return k->kind != KNOWN_PYTHON && l->risk == RISK_NONE;
}

// From `at` on, up to where the arguments of the script begin. Shells have their code in the first
// operand, wherever -c stands.
static void look_at_code(looking *l, const known *k, size_t at)
{
    bool code = false, guarded = false;
    for (; at < l->count; at++) {
        const char *element = l->argv[at];
        if (is_risky(l, k, element, code) && !(code && guarded)) {
            find(l, RISK_CODE, element);
            return;
        }
        if (strcmp(element, "--") == 0) {
            guarded = true;
        } else if (!guarded && is_option(k, element)) {
            if (!look_at_option(l, k, &at, &code)) {
                return;
            }
        } else if (strcmp(element, "-") != 0) {
            return;
        }
    }
    if (!code && k->kind != KNOWN_FILTER) {
        find(l, RISK_INPUT, NULL);
    }
}

static void look(looking *l, size_t at);

static bool is_setting(const char *element)
{
    const char *equals = strchr(element, '='), *brace = strchr(element, '{');
    return element[0] != '-' && equals != NULL && (brace == NULL || equals < brace);
}

static void look_behind_runner(looking *l, const known *k, size_t at)
{
    int operands = k->operands;
    for (; at < l->count; at++) {
        const char *element = l->argv[at];
        bool rest = strcmp(element, "{args}") == 0;
        if (is_setting(element) || (is_option(k, element) && !exec_template_takes(element))) {
            at += is_option(k, element) && takes_next(k->taking, element);
        } else if (operands > 0 && !rest && !is_option(k, element)) {
            operands--;
        } else if (exec_template_takes(element)) {
            find(l, RISK_PROGRAM, element);
            return;
        } else {
            look(l, at);
            return;
        }
    }
}

static void look_at_all(looking *l, size_t at)
{
    for (; at < l->count; at++) {
        if (exec_template_takes(l->argv[at])) {
            find(l, RISK_SHELL, l->argv[at]);
            return;
        }
    }
}

static void look(looking *l, size_t at)
{
    const known *k = know(l->argv[at]);
    if (k == NULL) {
        return;
    }
    l->program = l->argv[at];
    switch (k->kind) {
    case KNOWN_SHELL:
    case KNOWN_SCRIPT:
    case KNOWN_PYTHON:
    case KNOWN_FILTER:
        look_at_code(l, k, at + 1);
        break;
    case KNOWN_RUNNER:
        look_behind_runner(l, k, at + 1);
        break;
    case KNOWN_REMOTE:
        look_at_all(l, at + 1);
        break;
    }
}

static char *tell(const looking *l)
{
    static const char *const words[][2] = {
        [RISK_NONE] = {"", ""},
        [RISK_CODE] = {"write the code that", "runs"},
        [RISK_INPUT] = {"write the code that", "runs, in their input"},
        [RISK_PROGRAM] = {"choose the program that", "starts"},
        [RISK_SHELL] = {"write what", "gives to a shell"},
    };
    const char *const *said = words[l->risk];
    const char *element = l->element != NULL ? l->element : "";
    char *text = NULL;
    int size = asprintf(&text, "jobs can %s %s %s%s%s%s", said[0], l->program, said[1],
                        *element != '\0' ? ", by \"" : "", element, *element != '\0' ? "\"" : "");
    return size < 0 ? NULL : text;
}

char *exec_risk_find(char *const *argv, size_t count, bool allow_options)
{
    looking l = {.argv = argv, .count = count, .allow_options = allow_options};
    look(&l, 0);
    return l.risk == RISK_NONE ? NULL : tell(&l);
}
