// exec_template - how the arguments of a job go into the command line of a command. Pure.
//
// An element `{args}` stands for all arguments that no number names; `{0}`, `{1}`, ... for the one
// with that number, also inside of an element, as in `--size={0}`. A brace of its own is doubled:
// `{{`, `}}`. There is no shell: each argument stays one element, whatever stands in it.
#ifndef ERRAND_WORKER_EXEC_TEMPLATE_H
#define ERRAND_WORKER_EXEC_TEMPLATE_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

#define EXEC_TEMPLATE_MAX 100  // numbered arguments

typedef struct exec_template {
    char *const *elements;  // borrowed
    size_t count;
    size_t numbered;     // arguments that are named by a number
    bool rest;           // {args} is there
    bool allow_options;  // arguments may begin with a dash where the program would read an option
} exec_template;

// exec_template_read judges the elements; the first, which is the program, takes no argument.
status *exec_template_read(char *const *elements, size_t count, exec_template *ret);

// exec_template_takes tells whether an element takes an argument of the job.
bool exec_template_takes(const char *element);

// exec_template_fill makes argv, ended by NULL, in the arena. INVALID_ARGUMENT names exec.args when
// there are too few or too many, or one that is refused.
status *exec_template_fill(const exec_template *t, char *const *args, size_t arg_count,
                           arena *memory, char ***ret_argv, size_t *ret_count);

#endif
