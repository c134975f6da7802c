// exec_strays - processes that lost their parent, and were inherited by this one.
#ifndef ERRAND_WORKER_EXEC_STRAYS_H
#define ERRAND_WORKER_EXEC_STRAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// exec_strays_adopt has processes below this one that lose their parent become its children.
void exec_strays_adopt(void);

// exec_strays_kill kills the children of this process, but for those that is_own knows (NULL:
// none), and tells how many. Their deaths are told as those of any child, and may leave further
// ones behind.
size_t exec_strays_kill(bool (*is_own)(const void *data, pid_t pid), const void *data);

#endif
