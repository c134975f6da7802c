// quick_disk - for tests in which nothing outlives the process: this one does not wait for the
// disk.
#ifndef ERRAND_TESTS_UNIT_QUICK_DISK_H
#define ERRAND_TESTS_UNIT_QUICK_DISK_H

#include <unistd.h>

// They stand in for those of libc, for the whole program.
int fsync(int fd)
{
    (void) fd;
    return 0;
}

int fdatasync(int fd)
{
    (void) fd;
    return 0;
}

#endif
