// exec_wire - what a worker and its launcher say to each other, over a pair of local sockets that
// keep messages apart.
//
// The program to run is described in an anonymous file that goes with the request, as do the
// descriptors that it gets: so a request is as short as its answer, whatever the arguments.
#ifndef ERRAND_WORKER_EXEC_WIRE_H
#define ERRAND_WORKER_EXEC_WIRE_H

#include <stdint.h>

#define EXEC_SOCKET_FD   3  // of the launcher
#define EXEC_PROGRESS_FD 3  // of a command

typedef enum exec_verb {
    EXEC_START = 1,
    EXEC_SIGNAL,
} exec_verb;

typedef struct exec_request {
    uint64_t id;  // chosen by the worker
    int32_t verb;
    int32_t signal;  // of EXEC_SIGNAL: to the whole process group
} exec_request;

// Descriptors that go with EXEC_START, in this order.
enum {
    EXEC_PLAN_FD,
    EXEC_STDIN_FD,
    EXEC_STDOUT_FD,
    EXEC_STDERR_FD,
    EXEC_REPORT_FD,  // progress
    EXEC_FD_COUNT,
};

// The beginning of the plan. Strings follow, each with its NUL: program, directory, then argv and
// envp; then the groups.
typedef struct exec_plan {
    uint32_t arg_count;
    uint32_t env_count;
    uint32_t group_count;
    uint32_t group_offset;  // from the start of the plan
    int32_t switch_user;    // 0: uid, gid and groups mean nothing
    uint32_t uid, gid;
    int64_t cpu_s;         // 0: no limit
    int64_t memory_bytes;  // 0: no limit
    int64_t open_files;    // 0: the usual ones
} exec_plan;

// What went wrong before the program was there.
#define EXEC_STEP_MAP(X)                                                                           \
    X(NONE, "")                                                                                    \
    X(FORK, "fork")                                                                                \
    X(PLAN, "plan")                                                                                \
    X(SESSION, "setsid")                                                                           \
    X(DESCRIPTORS, "descriptors")                                                                  \
    X(LIMITS, "limits")                                                                            \
    X(USER, "user")                                                                                \
    X(DIRECTORY, "directory")                                                                      \
    X(PROGRAM, "program")

typedef enum exec_step {
#define X(name, text) EXEC_STEP_##name,
    EXEC_STEP_MAP(X)
#undef X
} exec_step;

typedef enum exec_news {
    EXEC_NOT_STARTED = 1,  // EXEC_ENDED follows, unless the step is FORK
    EXEC_ENDED,            // and all that it has started is gone
} exec_news;

typedef struct exec_event {
    uint64_t id;
    int32_t news;
    int32_t step;   // of EXEC_NOT_STARTED
    int32_t error;  // of EXEC_NOT_STARTED: errno
    int32_t wait_status;
    int32_t signalled;  // a signal of the worker reached it while it was alive
    int64_t user_us, system_us;
    int64_t max_rss_bytes;
} exec_event;

#endif
