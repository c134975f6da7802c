// exec_user - who a command runs as: looked up once, at the start.
#ifndef ERRAND_WORKER_EXEC_USER_H
#define ERRAND_WORKER_EXEC_USER_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct exec_user {
    bool given;  // false: as the worker; nothing else is set
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t group_count;
    char *name, *home;
} exec_user;

// exec_user_find looks up a name; NULL: nobody is asked for. INVALID_ARGUMENT when there is none.
status *exec_user_find(const char *name, exec_user *ret);
void exec_user_fini(exec_user *user);

// exec_user_may tells whether this process may become that user: it is root, or that user already.
bool exec_user_may(const exec_user *user);

#endif
