// config_file - reads a settings file whole.
#include "base/config_file.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static status *read_all(int fd, const char *file, buf *ret)
{
    for (;;) {
        if (!buf_reserve(ret, 4096)) {
            return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading %s", file);
        }
        ssize_t got = read(fd, ret->bytes + ret->size, 4096);
        if (got < 0 && errno != EINTR) {
            return status_errno(errno, "%s: read", file);
        }
        if (got == 0) {
            return NULL;
        }
        ret->size += got > 0 ? (size_t) got : 0;
        if (ret->size > CONFIG_FILE_CAP) {
            return status_new(STATUS_INVALID_ARGUMENT,
                              "%s: found a file of more than 1 MiB, expected settings", file);
        }
    }
}

static status *check_utf8(const char *file, const buf *bytes)
{
    size_t good = utf8_valid_size(bytes->bytes, bytes->size);
    if (good == bytes->size) {
        return NULL;
    }
    size_t line = 1;
    for (size_t i = 0; i < good; i++) {
        line += bytes->bytes[i] == '\n';
    }
    return status_new(STATUS_INVALID_ARGUMENT, "%s:%zu: found the byte 0x%02x, expected UTF-8",
                      file, line, bytes->bytes[good]);
}

status *config_file_read(const char *file, buf *ret)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return status_errno(errno, "%s: open", file);
    }
    status *failure = read_all(fd, file, ret);
    (void) close(fd);
    return failure ? failure : check_utf8(file, ret);
}
