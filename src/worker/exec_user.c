// exec_user - who a command runs as: looked up once, at the start.
#include "worker/exec_user.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY_BYTES 16384
#define MAX_GROUPS  1024

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *find_groups(exec_user *user)
{
    int count = MAX_GROUPS;
    user->groups = calloc(MAX_GROUPS, sizeof *user->groups);
    if (user->groups == NULL) {
        return no_memory();
    }
    if (getgrouplist(user->name, user->gid, user->groups, &count) < 0) {
        return status_bad_field("user", "found a user with more than %d groups", MAX_GROUPS);
    }
    user->group_count = (size_t) count;
    return NULL;
}

static status *copy_entry(const struct passwd *entry, exec_user *user)
{
    user->given = true;
    user->uid = entry->pw_uid;
    user->gid = entry->pw_gid;
    user->name = strdup(entry->pw_name);
    user->home = strdup(entry->pw_dir);
    return user->name == NULL || user->home == NULL ? no_memory() : find_groups(user);
}

status *exec_user_find(const char *name, exec_user *ret)
{
    char bytes[ENTRY_BYTES];
    struct passwd entry, *found = NULL;
    *ret = (exec_user){0};
    if (name == NULL) {
        return NULL;
    }
    (void) getpwnam_r(name, &entry, bytes, sizeof bytes, &found);
    if (found == NULL) {
        return status_bad_field("user", "found \"%s\", expected the name of a user of this host",
                                name);
    }
    status *failure = copy_entry(found, ret);
    if (failure != NULL) {
        exec_user_fini(ret);
    }
    return failure;
}

void exec_user_fini(exec_user *user)
{
    free(user->groups);
    free(user->name);
    free(user->home);
    *user = (exec_user){0};
}

bool exec_user_may(const exec_user *user)
{
    return !user->given || geteuid() == 0 || geteuid() == user->uid;
}
