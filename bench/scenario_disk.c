// scenario_disk - what a durable write costs without Errand: pwrite and fdatasync, one at a time.
#include "bench/scenario.h"
#include "bench/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WRITES     2000
#define FILE_BYTES (16 << 20)  // about as long as the log of the store

typedef struct writing {
    const char *row;
    size_t bytes;
    bool in_place;
} writing;

// The log is first appended to and later written over, about 28 KiB for one Submit.
static const writing writings[] = {
    {"4 KiB, appended", 4096, false},
    {"28 KiB, appended", 28672, false},
    {"28 KiB, written over", 28672, true},
};

static bool write_once(int fd, const char *bytes, size_t size, off_t at)
{
    return pwrite(fd, bytes, size, at) == (ssize_t) size && fdatasync(fd) == 0;
}

static status *prepare(int fd, const writing *w)
{
    AUTO_FREE char *zeros = calloc(1, FILE_BYTES);
    if (!zeros)
        return status_errno(ENOMEM, "disk");
    return !w->in_place || write_once(fd, zeros, FILE_BYTES, 0) ? NULL
                                                                : status_errno(errno, "disk");
}

static status *measure(const bench_options *options, int fd, const writing *w, report *r)
{
    size_t most = (size_t) scenario_count(options, WRITES), count = 0;
    AUTO_FREE char *bytes = calloc(1, w->bytes);
    AUTO_FREE double *samples = calloc(most, sizeof *samples);
    if (!bytes || !samples)
        return status_errno(ENOMEM, "disk");
    double start = monotonic_s(), end = start + (double) options->time_ms / 1000;
    for (double now = start; count < most && now < end; count++) {
        size_t at = w->in_place ? count * w->bytes % (FILE_BYTES - w->bytes) : count * w->bytes;
        if (!write_once(fd, bytes, w->bytes, (off_t) at))
            return status_errno(errno, "disk");
        samples[count] = monotonic_s() - now;
        now += samples[count];
    }
    report_add(r, w->row, "rate", "1/s", (double) count / (monotonic_s() - start));
    report_add_percentiles(r, w->row, samples, count);
    return NULL;
}

static status *run(const bench_options *options, const writing *w, report *r)
{
    char path[512];
    int size = snprintf(path, sizeof path, "%s/errand-bench-disk-XXXXXX", options->dir);
    if (size < 0 || (size_t) size >= sizeof path)
        return status_new(STATUS_INVALID_ARGUMENT, "--dir is too long");
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return status_errno(errno, "a file in %s", options->dir);
    (void) unlink(path);
    status *failure = prepare(fd, w);
    if (!failure)
        failure = measure(options, fd, w, r);
    close(fd);
    return failure;
}

status *scenario_disk(const bench_options *options, report *r)
{
    status *failure = NULL;
    for (size_t i = 0; !failure && i < sizeof writings / sizeof writings[0]; i++)
        failure = run(options, &writings[i], r);
    return failure;
}
