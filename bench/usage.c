// usage - read from /proc, where the kernel counts processor time in ticks of 10 ms.
#include "bench/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void read_proc(pid_t pid, const char *file, char *text, size_t size)
{
    char path[64];
    (void) snprintf(path, sizeof path, "/proc/%d/%s", (int) pid, file);
    text[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

// skip_words goes past that many words and the blanks behind each.
static const char *skip_words(const char *text, int count)
{
    for (; count > 0; count--) {
        text += strcspn(text, " ");
        text += strspn(text, " ");
    }
    return text;
}

cpu_time usage_cpu(pid_t pid)
{
    char text[1024];
    char *end;
    read_proc(pid, "stat", text, sizeof text);
    const char *after_name = strrchr(text, ')');
    if (!after_name)
        return (cpu_time){0, 0};
    // Fields 14 and 15 of proc(5); the name, field 2, may hold blanks.
    unsigned long user = strtoul(skip_words(after_name, 12), &end, 10);
    unsigned long system = strtoul(end, NULL, 10);
    double tick = (double) sysconf(_SC_CLK_TCK);
    return (cpu_time){(double) user / tick, (double) system / tick};
}

double usage_cpu_since(pid_t pid, cpu_time before)
{
    cpu_time now = usage_cpu(pid);
    return now.user_s - before.user_s + now.system_s - before.system_s;
}

double usage_cpu_s(pid_t pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (double) used.tv_sec + (double) used.tv_nsec * 1e-9;
}

// What a process used, and those that it started and waited for.
static double own_and_past_cpu_s(pid_t pid, pid_t *ret_parent)
{
    char text[1024];
    read_proc(pid, "stat", text, sizeof text);
    const char *after_name = strrchr(text, ')');
    *ret_parent = 0;
    if (!after_name)
        return 0;
    *ret_parent = (pid_t) strtol(skip_words(after_name, 2), NULL, 10);
    const char *times = skip_words(after_name, 12);
    unsigned long ticks = 0;
    for (int i = 0; i < 4; i++)
        ticks += strtoul(skip_words(times, i), NULL, 10);
    return (double) ticks / (double) sysconf(_SC_CLK_TCK);
}

double usage_tree_cpu_s(pid_t pid)
{
    pid_t parent;
    struct dirent **entries;
    double sum = own_and_past_cpu_s(pid, &parent);
    int count = scandir("/proc", &entries, NULL, NULL);
    for (int i = 0; i < count; i++) {
        pid_t other = (pid_t) strtol(entries[i]->d_name, NULL, 10);
        double used = other > 0 ? own_and_past_cpu_s(other, &parent) : 0;
        sum += other > 0 && parent == pid ? used : 0;
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return sum;
}

static double status_mib(pid_t pid, const char *key)
{
    char text[4096];
    read_proc(pid, "status", text, sizeof text);
    const char *line = strstr(text, key);
    return line ? (double) strtoul(line + strlen(key), NULL, 10) / 1024 : 0;
}

double usage_rss_mib(pid_t pid)
{
    return status_mib(pid, "VmRSS:");
}

double usage_peak_rss_mib(pid_t pid)
{
    return status_mib(pid, "VmHWM:");
}

double usage_written_bytes(pid_t pid)
{
    static const char key[] = "\nwrite_bytes:";
    char text[1024];
    read_proc(pid, "io", text, sizeof text);
    const char *line = strstr(text, key);
    return line ? (double) strtoull(line + sizeof key - 1, NULL, 10) : 0;
}

static double file_bytes(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (size < 0 || (size_t) size >= sizeof path || lstat(path, &info) != 0)
        return 0;
    return S_ISREG(info.st_mode) ? (double) info.st_size : 0;
}

double usage_folder_mib(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, NULL);
    if (count < 0)
        return 0;
    double bytes = 0;
    for (int i = 0; i < count; i++) {
        bytes += file_bytes(path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return bytes / (1024 * 1024);
}

double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}
