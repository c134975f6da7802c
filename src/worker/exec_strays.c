// exec_strays - processes that lost their parent, and were inherited by this one.
#include "worker/exec_strays.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LIST_BYTES 65536

void exec_strays_adopt(void)
{
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);
}

// Without the list, in a kernel that has none, strays live on.
static size_t read_children(char *list, size_t room)
{
    char path[64];
    size_t size = 0;
    (void) snprintf(path, sizeof path, "/proc/self/task/%d/children", (int) getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    for (ssize_t part = 1; part > 0 && size < room; size += (size_t) part) {
        part = read(fd, list + size, room - size);
        part = part > 0 ? part : 0;
    }
    (void) close(fd);
    return size;
}

size_t exec_strays_kill(bool (*is_own)(const void *data, pid_t pid), const void *data)
{
    char list[LIST_BYTES];
    size_t size = read_children(list, sizeof list - 1), count = 0;
    char *at = list, *end = list;
    list[size] = '\0';
    // A number without a space behind it was cut off at the end of the list.
    for (pid_t pid = (pid_t) strtol(at, &end, 10); end != at && *end == ' ';
         pid = (pid_t) strtol(at, &end, 10)) {
        if (is_own == NULL || !is_own(data, pid)) {
            count += kill(pid, SIGKILL) == 0;
        }
        at = end;
    }
    return count;
}
