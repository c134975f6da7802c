// metrics_process - the process_* families that every Prometheus client has, from /proc.
#include "base/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

// What /proc/self/stat says.
typedef struct process_stat {
    uint64_t ticks;        // of processor time
    uint64_t start_ticks;  // since the boot
    uint64_t virtual_bytes;
    uint64_t resident_pages;
    uint64_t threads;
} process_stat;

static bool read_line(const char *path, const char *start, char *line, int size)
{
    FILE *file = fopen(path, "re");
    bool found = false;
    while (file != NULL && !found && fgets(line, size, file) != NULL) {
        found = strncmp(line, start, strlen(start)) == 0;
    }
    if (file != NULL) {
        (void) fclose(file);
    }
    return found;
}

// The name in parentheses may hold anything: fields are counted from its end.
static bool read_stat(process_stat *ret)
{
    char line[1024];
    uint64_t user, system;
    if (!read_line("/proc/self/stat", "", line, sizeof line)) {
        return false;
    }
    const char *at = strrchr(line, ')');
    // NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers
    if (at == NULL || sscanf(at + 1,
                             " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                             " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
                             &user, &system, &ret->threads, &ret->start_ticks, &ret->virtual_bytes,
                             &ret->resident_pages) != 6) {
        return false;
    }
    ret->ticks = user + system;
    return true;
}

static uint64_t boot_time(void)
{
    static const char name[] = "btime ";
    char line[256];
    return read_line("/proc/stat", name, line, sizeof line)
               ? strtoull(line + sizeof name - 1, NULL, 10)
               : 0;
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) {
        return 0;
    }
    while (readdir(folder) != NULL) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
        count++;
    }
    (void) closedir(folder);
    return count > 3 ? count - 3 : 0;  // ".", ".." and the folder itself
}

static void write_one(buf *out, metrics_type type, const char *name, const char *help,
                      double number)
{
    const metrics_family family = {.name = name, .help = help, .type = type};
    metrics_write_head(out, &family);
    metrics_write_number(out, &family, NULL, NULL, number);
}

static void write_stat(buf *out, const process_stat *stat)
{
    double tick = 1.0 / (double) sysconf(_SC_CLK_TCK);
    write_one(out, METRICS_COUNTER, "process_cpu_seconds_total",
              "Processor time used, user and system.", (double) stat->ticks * tick);
    write_one(out, METRICS_GAUGE, "process_resident_memory_bytes", "Memory in use.",
              (double) stat->resident_pages * (double) sysconf(_SC_PAGESIZE));
    write_one(out, METRICS_GAUGE, "process_virtual_memory_bytes", "Address space in use.",
              (double) stat->virtual_bytes);
    write_one(out, METRICS_GAUGE, "process_threads", "Threads.", (double) stat->threads);
    uint64_t boot = boot_time();
    if (boot > 0) {
        write_one(out, METRICS_GAUGE, "process_start_time_seconds",
                  "When the process started, in seconds since 1970.",
                  (double) boot + (double) stat->start_ticks * tick);
    }
}

void metrics_write_process(buf *out)
{
    process_stat stat;
    struct rlimit limit;
    if (read_stat(&stat)) {
        write_stat(out, &stat);
    }
    write_one(out, METRICS_GAUGE, "process_open_fds", "Open files.", (double) count_files());
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        write_one(out, METRICS_GAUGE, "process_max_fds", "Files that may be open.",
                  (double) limit.rlim_cur);
    }
}
