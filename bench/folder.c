// folder - mkdtemp, and nftw to remove.
#include "bench/folder.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

status *folder_make(const bench_options *options, char ret_path[static FOLDER_PATH_SIZE])
{
    int size = snprintf(ret_path, FOLDER_PATH_SIZE, "%s/errand-bench-XXXXXX", options->dir);
    if (size < 0 || (size_t) size >= FOLDER_PATH_SIZE)
        return status_new(STATUS_INVALID_ARGUMENT, "--dir is too long");
    if (!mkdtemp(ret_path)) {
        int error = errno;
        ret_path[0] = '\0';
        return status_errno(error, "folder in %s", options->dir);
    }
    return NULL;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void) info;
    (void) type;
    (void) where;
    return remove(path);
}

void folder_remove(const char *path)
{
    // Without FTW_CHDIR it touches nothing that threads share.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (path[0] && nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
        (void) fprintf(stderr, "%s could not be removed\n", path);
}
