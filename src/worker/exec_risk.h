// exec_risk - command lines by which a job could have run what the configuration does not name.
#ifndef ERRAND_WORKER_EXEC_RISK_H
#define ERRAND_WORKER_EXEC_RISK_H

#include <stdbool.h>
#include <stddef.h>

// exec_risk_find looks for an argument of the job in a place where a shell, another interpreter, or
// a program that starts others takes code or a program from: one sentence, owned; NULL: there is
// none that it knows of. A rule of thumb, for warnings. allow_options as in exec_template.
char *exec_risk_find(char *const *argv, size_t count, bool allow_options);

#endif
