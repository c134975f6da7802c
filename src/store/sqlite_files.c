// sqlite_files - the folder of a store.
#include "store/sqlite_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_TEXT_SIZE 32

static status *path_failure(int error, const char *path)
{
    status_code code = STATUS_UNAVAILABLE;
    if (error == EACCES || error == EPERM)
        code = STATUS_PERMISSION_DENIED;
    if (error == EEXIST)
        code = STATUS_ALREADY_EXISTS;
    return status_new(code, "%s: %s", path, strerrordesc_np(error));
}

static status *sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return path_failure(errno, path);
    // Some file systems can not sync folders and say EINVAL; they have no other way either.
    int error = fsync(fd) < 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return error ? path_failure(error, path) : NULL;
}

static status *make_folder(const char *dir)
{
    if (mkdir(dir, 0700) < 0)
        return errno == EEXIST ? NULL : path_failure(errno, dir);
    AUTO_FREE char *parent = NULL;
    if (asprintf(&parent, "%s/..", dir) < 0)
        return path_failure(ENOMEM, dir);
    return sync_folder(parent);
}

static status *in_use(int fd, const char *dir)
{
    char pid[PID_TEXT_SIZE];
    ssize_t size = pread(fd, pid, sizeof pid - 1, 0);
    pid[size > 0 ? size : 0] = '\0';
    pid[strcspn(pid, "\n")] = '\0';
    return status_new(STATUS_FAILED_PRECONDITION, "%s is in use by another server (process %s)",
                      dir, *pid ? pid : "unknown");
}

// The process id in the file is for people; the lock is the kernel's and goes with the process.
static status *write_pid(int fd, const char *path)
{
    char pid[PID_TEXT_SIZE];
    int size = snprintf(pid, sizeof pid, "%ld\n", (long) getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t) size, 0) != size)
        return path_failure(errno ? errno : EIO, path);
    return NULL;
}

static status *take_lock(const char *dir, const char *path, int *ret)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return path_failure(errno, path);
    status *failure = NULL;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        failure = errno == EWOULDBLOCK ? in_use(fd, dir) : path_failure(errno, path);
    else
        failure = write_pid(fd, path);
    if (failure)
        close(fd);
    else
        *ret = fd;
    return failure;
}

// SQLite would make the file readable to all; its log takes over the mode that it finds. A copy
// that was brought back may be readable to others, too.
static status *make_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return path_failure(errno, path);
    (void) fchmod(fd, 0600);  // only its owner can
    close(fd);
    return NULL;
}

status *sqlite_files_prepare(const char *dir, int *ret_lock, char **ret_path)
{
    AUTO_FREE char *lock_path = NULL;
    AUTO_FREE char *path = NULL;
    int lock = -1;
    if (asprintf(&lock_path, "%s/lock", dir) < 0 || asprintf(&path, "%s/errand.db", dir) < 0)
        return path_failure(ENOMEM, dir);
    status *failure = make_folder(dir);
    if (!failure)
        failure = take_lock(dir, lock_path, &lock);
    if (!failure)
        failure = make_file(path);
    if (!failure)
        failure = sync_folder(dir);
    if (failure) {
        if (lock >= 0)
            close(lock);
        return failure;
    }
    *ret_lock = lock;
    *ret_path = TAKE(path);
    return NULL;
}

status *sqlite_files_make_partial(const char *path, char **ret_partial, int *ret_fd)
{
    AUTO_FREE char *partial = NULL;
    struct stat found;
    if (lstat(path, &found) == 0)
        return path_failure(EEXIST, path);
    if (asprintf(&partial, "%s.partial-XXXXXX", path) < 0) {
        partial = NULL;
        return path_failure(ENOMEM, path);
    }
    int fd = mkostemp(partial, O_CLOEXEC);
    // Another attempt would not find the folder either.
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return status_new(STATUS_FAILED_PRECONDITION, "%s: %s", path, strerrordesc_np(errno));
    if (fd < 0)
        return path_failure(errno, path);
    *ret_partial = TAKE(partial);
    *ret_fd = fd;
    return NULL;
}

static status *sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *parent = slash ? strndup(path, (size_t) (slash - path) + 1) : strdup(".");
    return parent ? sync_folder(parent) : path_failure(ENOMEM, path);
}

// A second name is made only where there is none. Some file systems have no second names: there the
// file is renamed, which is safe but for another that appears at the same moment.
static int give_name(const char *partial, const char *path)
{
    struct stat found;
    if (link(partial, path) == 0)
        return unlink(partial) < 0 ? errno : 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return errno;
    if (lstat(path, &found) == 0)
        return EEXIST;
    return rename(partial, path) < 0 ? errno : 0;
}

status *sqlite_files_publish(const char *partial, const char *path, int fd)
{
    if (fsync(fd) < 0)
        return path_failure(errno, path);
    int error = give_name(partial, path);
    return error ? path_failure(error, path) : sync_parent(path);
}
