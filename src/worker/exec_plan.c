// exec_plan - what the launcher is told about a command, in an anonymous file.
#include "worker/exec_plan.h"

#include "base/buf.h"
#include "worker/exec_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        bytes += written > 0 ? (size_t) written : 0;
        size -= written > 0 ? (size_t) written : 0;
    }
    return lseek(fd, 0, SEEK_SET) == 0 ? 0 : errno;
}

// Newer kernels want to be told that it is no program, and may refuse it otherwise; older ones do
// not know the flag.
static int make_file(void)
{
    int fd = memfd_create("errand", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    return fd >= 0 || errno != EINVAL ? fd : memfd_create("errand", MFD_CLOEXEC);
}

status *exec_plan_bytes(const void *bytes, size_t size, int *ret_fd)
{
    int fd = make_file();
    int failed = fd < 0 ? errno : write_all(fd, bytes, size);
    if (failed != 0) {
        if (fd >= 0) {
            (void) close(fd);
        }
        return status_errno(failed, "anonymous file");
    }
    *ret_fd = fd;
    return NULL;
}

static void append_string(buf *b, const char *text)
{
    buf_append(b, text, strlen(text) + 1);
}

static exec_plan head_of(const exec_command *command, const exec_call *call)
{
    const exec_settings *settings = &command->settings;
    const exec_user *user = &command->user;
    return (exec_plan){
        .arg_count = (uint32_t) call->arg_count,
        .env_count = (uint32_t) call->env_count,
        .group_count = (uint32_t) user->group_count,
        .switch_user = user->given && geteuid() == 0,
        .uid = user->uid,
        .gid = user->gid,
        .cpu_s = (settings->cpu_us + 999999) / 1000000,
        .memory_bytes = settings->memory,
        .open_files = settings->open_files,
    };
}

static void append_groups(buf *b, const exec_user *user)
{
    while (b->size % sizeof(gid_t) != 0 && buf_append_char(b, '\0')) {
    }
    uint32_t offset = (uint32_t) b->size;
    buf_append(b, user->groups, user->group_count * sizeof(gid_t));
    if (!b->failed) {
        ((exec_plan *) (void *) b->bytes)->group_offset = offset;
    }
}

status *exec_plan_write(const exec_command *command, const exec_call *call, int *ret_fd)
{
    AUTO_BUF text = {0};
    exec_plan head = head_of(command, call);
    buf_append(&text, &head, sizeof head);
    append_string(&text, command->program);
    append_string(&text, command->settings.directory);
    for (size_t i = 0; i < call->arg_count; i++) {
        append_string(&text, call->argv[i]);
    }
    for (size_t i = 0; i < call->env_count; i++) {
        append_string(&text, call->envp[i]);
    }
    append_groups(&text, &command->user);
    if (text.failed) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return exec_plan_bytes(text.bytes, text.size, ret_fd);
}
