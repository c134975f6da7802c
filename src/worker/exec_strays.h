// exec_strays - processes that left the group of their command and lost their parent. The launcher
// inherits them.
#ifndef ERRAND_WORKER_EXEC_STRAYS_H
#define ERRAND_WORKER_EXEC_STRAYS_H

#include <stdbool.h>
#include <sys/types.h>

// exec_strays_adopt has such processes become children of this one.
void exec_strays_adopt(void);

// exec_strays_kill kills those children whose group is none of a running command. Each death is
// told as that of any child; it may leave further ones behind.
void exec_strays_kill(bool (*is_running)(void *data, pid_t group), void *data);

#endif
