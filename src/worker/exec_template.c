// exec_template - how the arguments of a job go into the command line of a command. Pure.
#include "worker/exec_template.h"

#include "base/buf.h"

#include <ctype.h>
#include <string.h>

static const char rest_element[] = "{args}";

// ---- reading ----

typedef enum part_kind {
    PART_END,
    PART_TEXT,    // one character
    PART_NUMBER,  // of an argument
    PART_BAD,
} part_kind;

typedef struct part {
    part_kind kind;
    char character;
    size_t number;
} part;

// next_part reads one part of an element and moves on.
static part next_part(const char **at)
{
    const char *text = *at;
    if (*text == '\0') {
        return (part){PART_END, '\0', 0};
    }
    if (*text != '{' && *text != '}') {
        *at = text + 1;
        return (part){PART_TEXT, *text, 0};
    }
    if (text[1] == text[0]) {
        *at = text + 2;
        return (part){PART_TEXT, *text, 0};
    }
    size_t digits = *text == '{' ? strspn(text + 1, "0123456789") : 0;
    if (digits == 0 || digits > 2 || text[1 + digits] != '}') {
        return (part){PART_BAD, *text, 0};
    }
    *at = text + digits + 2;
    size_t number = (size_t) (text[1] - '0');
    return (part){PART_NUMBER, '\0', digits == 1 ? number : number * 10 + (size_t) (text[2] - '0')};
}

static status *read_element(const char *element, bool *named)
{
    const char *at = element;
    for (part p = next_part(&at); p.kind != PART_END; p = next_part(&at)) {
        if (p.kind == PART_BAD) {
            return status_bad_field("argv",
                                    "found a brace in \"%s\", expected {0} to {99}, {args} as an "
                                    "element of its own, or a doubled brace",
                                    element);
        }
        if (p.kind == PART_NUMBER) {
            named[p.number] = true;
        }
    }
    return NULL;
}

static status *count_numbered(const bool *named, size_t *ret)
{
    size_t count = EXEC_TEMPLATE_MAX;
    while (count > 0 && !named[count - 1]) {
        count--;
    }
    for (size_t i = 0; i < count; i++) {
        if (!named[i]) {
            return status_bad_field("argv", "found {%zu} without {%zu}, expected no gap", count - 1,
                                    i);
        }
    }
    *ret = count;
    return NULL;
}

status *exec_template_read(char *const *elements, size_t count, exec_template *ret)
{
    bool named[EXEC_TEMPLATE_MAX] = {false};
    exec_template t = {.elements = elements, .count = count, .allow_options = true};
    status *failure = NULL;
    if (count == 0) {
        return status_bad_field("argv", "found nothing, expected a program and its arguments");
    }
    if (elements[0][0] == '\0' || strpbrk(elements[0], "{}") != NULL) {
        return status_bad_field(
            "argv",
            "found the program \"%s\", expected its name or path, with arguments "
            "as further elements of the list",
            elements[0]);
    }
    for (size_t i = 0; i < count && failure == NULL; i++) {
        if (strcmp(elements[i], rest_element) != 0) {
            failure = read_element(elements[i], named);
        } else if (t.rest) {
            failure = status_bad_field("argv", "found {args} twice, expected it once");
        } else {
            t.rest = true;
        }
    }
    failure = failure != NULL ? failure : count_numbered(named, &t.numbered);
    if (failure == NULL) {
        *ret = t;
    }
    return failure;
}

bool exec_template_takes(const char *element)
{
    const char *at = element;
    part p = next_part(&at);
    while (p.kind == PART_TEXT) {
        p = next_part(&at);
    }
    return p.kind == PART_NUMBER || strcmp(element, rest_element) == 0;
}

// ---- filling ----

static status *check_count(const exec_template *t, size_t count)
{
    if (count == t->numbered || (count > t->numbered && t->rest)) {
        return NULL;
    }
    return status_bad_field("exec.args", "found %zu, expected %s %zu", count,
                            t->rest ? "at least" : "exactly", t->numbered);
}

static status *refuse_option(size_t number)
{
    return status_bad_field("exec.args",
                            "found a dash in front of argument %zu, expected none: this command "
                            "takes no options from jobs",
                            number);
}

// Where argv is being made.
typedef struct filling {
    const exec_template *t;
    char *const *args;
    arena *memory;
    char **argv;
    size_t count;
    bool guarded;  // `--` stands before: nothing behind it is an option
} filling;

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static bool is_refused(const filling *f, const char *text)
{
    return text[0] == '-' && !f->t->allow_options && !f->guarded;
}

static status *add_element(filling *f, const char *element)
{
    AUTO_BUF text = {0};
    const char *at = element;
    for (part p = next_part(&at); p.kind != PART_END; p = next_part(&at)) {
        if (p.kind == PART_TEXT) {
            buf_append_char(&text, p.character);
        } else if (text.size == 0 && is_refused(f, f->args[p.number])) {
            return refuse_option(p.number);
        } else {
            buf_append_text(&text, f->args[p.number]);
        }
    }
    const char *whole = buf_text(&text);
    char *copy = whole != NULL ? arena_strdup(f->memory, whole) : NULL;
    f->argv[f->count++] = copy;
    f->guarded = f->guarded || strcmp(element, "--") == 0;
    return copy != NULL ? NULL : no_memory();
}

static status *add_rest(filling *f, size_t arg_count)
{
    for (size_t i = f->t->numbered; i < arg_count; i++) {
        if (is_refused(f, f->args[i])) {
            return refuse_option(i);
        }
        f->argv[f->count++] = f->args[i];
    }
    return NULL;
}

status *exec_template_fill(const exec_template *t, char *const *args, size_t arg_count,
                           arena *memory, char ***ret_argv, size_t *ret_count)
{
    status *failure = check_count(t, arg_count);
    if (failure != NULL) {
        return failure;
    }
    filling f = {.t = t, .args = args, .memory = memory};
    f.argv = arena_zalloc(memory, (t->count + arg_count + 1) * sizeof *f.argv);
    if (f.argv == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < t->count && failure == NULL; i++) {
        failure = strcmp(t->elements[i], rest_element) == 0 ? add_rest(&f, arg_count)
                                                            : add_element(&f, t->elements[i]);
    }
    if (failure == NULL) {
        *ret_argv = f.argv;
        *ret_count = f.count;
    }
    return failure;
}
