// usage - read from /proc; the kernel counts processor time there in ticks of 10 ms.
#include "bench/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void read_proc(pid_t pid, const char *file, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int) pid, file);
    text[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
}

cpu_time usage_cpu(pid_t pid)
{
    char text[1024];
    read_proc(pid, "stat", text, sizeof text);
    const char *after_name = strrchr(text, ')');
    unsigned long user, system;
    // Fields 14 and 15 of proc(5); the name, field 2, may hold blanks.
    if (!after_name ||
        sscanf(after_name + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
               &system) != 2)
        return (cpu_time){0, 0};
    double tick = (double) sysconf(_SC_CLK_TCK);
    return (cpu_time){(double) user / tick, (double) system / tick};
}

double usage_cpu_since(pid_t pid, cpu_time before)
{
    cpu_time now = usage_cpu(pid);
    return now.user_s - before.user_s + now.system_s - before.system_s;
}

static double status_mib(pid_t pid, const char *key)
{
    char text[4096];
    long kib;
    read_proc(pid, "status", text, sizeof text);
    const char *line = strstr(text, key);
    return line && sscanf(line + strlen(key), " %ld", &kib) == 1 ? (double) kib / 1024 : 0;
}

double usage_rss_mib(pid_t pid)
{
    return status_mib(pid, "VmRSS:");
}

double usage_peak_rss_mib(pid_t pid)
{
    return status_mib(pid, "VmHWM:");
}

double usage_folder_mib(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder)
        return 0;
    double bytes = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct stat info;
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(info.st_mode))
            bytes += (double) info.st_size;
    }
    closedir(folder);
    return bytes / (1024 * 1024);
}

double monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec * 1e-9;
}
