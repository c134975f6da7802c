// file - reads a whole file given on the command line.
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// More than any server takes; the server's own cap decides.
#define MAX_FILE_BYTES ((size_t) 256 << 20)

static status *read_all(FILE *file, const char *path, buf *ret)
{
    uint8_t block[65536];
    for (;;) {
        size_t size = fread(block, 1, sizeof block, file);
        if (size > 0 && !buf_append(ret, block, size))
            return status_new(STATUS_RESOURCE_EXHAUSTED, "%s: larger than %zu bytes", path,
                              MAX_FILE_BYTES);
        if (size == 0)
            break;
    }
    if (ferror(file))
        return status_errno(errno, "%s", path);
    return NULL;
}

status *cli_read_file(const char *path, buf *ret)
{
    ret->cap = MAX_FILE_BYTES;
    if (strcmp(path, "-") == 0)
        return read_all(stdin, "standard input", ret);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return status_errno(errno, "%s", path);
    status *s = read_all(file, path, ret);
    (void) fclose(file);
    return s;
}

status *cli_copy_bytes(const buf *from, arena *memory, ProtobufCBinaryData *ret)
{
    uint8_t *bytes = arena_alloc(memory, from->size + 1);
    if (bytes == NULL || from->failed)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    if (from->size > 0)
        memcpy(bytes, from->bytes, from->size);
    *ret = (ProtobufCBinaryData){from->size, bytes};
    return NULL;
}
