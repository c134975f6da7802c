// usage - processor time and memory of a process, size of a folder.
#ifndef ERRAND_BENCH_USAGE_H
#define ERRAND_BENCH_USAGE_H

#include <stdint.h>
#include <sys/types.h>

typedef struct cpu_time {
    double user_s;
    double system_s;
} cpu_time;

// usage_cpu reads what a process and all its threads used so far; zeros when it is gone.
cpu_time usage_cpu(pid_t pid);

// CPU seconds, user and system together, used since `before`.
double usage_cpu_since(pid_t pid, cpu_time before);

// CPU seconds of a process so far, to the nanosecond; 0 when it is gone.
double usage_cpu_s(pid_t pid);

// The same with the processes that it started; to the tick of 10 ms.
double usage_tree_cpu_s(pid_t pid);

double usage_rss_mib(pid_t pid);       // resident now
double usage_peak_rss_mib(pid_t pid);  // largest so far

double usage_written_bytes(pid_t pid);  // to disk so far

// Bytes of the files in a folder, without its subfolders.
double usage_folder_mib(const char *path);

double monotonic_s(void);

#endif
