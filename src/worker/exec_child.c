// exec_child - from the fork to the program: what a command does to itself before it is one.
//
// The order matters: limits and groups while it may still set them, the user before the directory
// (which that user has to be able to enter), the death signal after the user (which clears it).
#include "worker/exec_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define USUAL_OPEN_FILES 1024
#define CPU_GRACE_S      5   // between SIGXCPU and SIGKILL
#define HIGH_FD          16  // above all that a program is given

typedef struct program {
    const int *fds;
    pid_t keeper;
    const exec_plan *plan;
    const char *path;
    const char *directory;
    char **argv;
    char **envp;
} program;

// read_strings makes an array of pointers to strings that stand one behind the other.
static char **read_strings(char **text, uint32_t count)
{
    char **all = calloc((size_t) count + 1, sizeof *all);
    for (uint32_t i = 0; all != NULL && i < count; i++) {
        all[i] = *text;
        *text += strlen(*text) + 1;
    }
    return all;
}

// The plan comes from the worker, which this process trusts like itself.
static bool read_plan(program *p)
{
    struct stat about;
    int fd = p->fds[EXEC_PLAN_FD];
    if (fstat(fd, &about) != 0) {
        return false;
    }
    void *bytes = mmap(NULL, (size_t) about.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return false;
    }
    p->plan = (const exec_plan *) bytes;
    char *text = (char *) bytes + sizeof(exec_plan);
    p->path = text;
    text += strlen(text) + 1;
    p->directory = text;
    text += strlen(text) + 1;
    p->argv = read_strings(&text, p->plan->arg_count);
    p->envp = read_strings(&text, p->plan->env_count);
    return p->argv != NULL && p->envp != NULL;
}

// place_descriptors makes them 0 to 3. First they go where none of them can be overwritten.
static bool place_descriptors(program *p)
{
    int high[EXEC_PROGRESS_FD + 1];
    for (int i = 0; i <= EXEC_PROGRESS_FD; i++) {
        high[i] = fcntl(p->fds[EXEC_STDIN_FD + i], F_DUPFD_CLOEXEC, HIGH_FD);
        if (high[i] < 0) {
            return false;
        }
    }
    for (int i = 0; i <= EXEC_PROGRESS_FD; i++) {
        if (dup2(high[i], i) < 0) {
            return false;
        }
    }
    return true;
}

static bool limit(__rlimit_resource_t what, rlim_t soft, rlim_t hard)
{
    struct rlimit now;
    if (getrlimit(what, &now) != 0) {
        return false;
    }
    rlim_t most = now.rlim_max < hard ? now.rlim_max : hard;
    const struct rlimit wanted = {.rlim_cur = soft < most ? soft : most, .rlim_max = most};
    return setrlimit(what, &wanted) == 0;
}

// Programs that use select() break when they get more open files than usual, and the worker has
// raised its own limit.
static bool limit_all(program *p)
{
    const exec_plan *plan = p->plan;
    (void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);  // the worker's, for itself
    rlim_t files = plan->open_files > 0 ? (rlim_t) plan->open_files : USUAL_OPEN_FILES;
    rlim_t cpu = (rlim_t) plan->cpu_s;
    rlim_t memory = (rlim_t) plan->memory_bytes;
    return limit(RLIMIT_NOFILE, files, plan->open_files > 0 ? files : RLIM_INFINITY) &&
           (cpu == 0 || limit(RLIMIT_CPU, cpu, cpu + CPU_GRACE_S)) &&
           (memory == 0 || limit(RLIMIT_DATA, memory, memory));
}

// Scripts open /dev/stderr and the like anew, which is for the owner of the pipe. The input is left
// alone: anybody may read it, and it may be /dev/null.
static void own_pipes(const exec_plan *plan)
{
    for (int fd = STDOUT_FILENO; fd <= EXEC_PROGRESS_FD; fd++) {
        if (fchown(fd, plan->uid, plan->gid) != 0) {
            return;  // they can be written to all the same
        }
    }
}

static bool become_user(program *p)
{
    const exec_plan *plan = p->plan;
    if (plan->switch_user == 0) {
        return true;
    }
    own_pipes(plan);
    const gid_t *groups = (const gid_t *) (const void *) ((const char *) plan + plan->group_offset);
    return setgroups(plan->group_count, groups) == 0 &&
           setresgid(plan->gid, plan->gid, plan->gid) == 0 &&
           setresuid(plan->uid, plan->uid, plan->uid) == 0;
}

// die_with_keeper makes sure that this process is killed when the keeper goes, if it has not
// gone yet.
static bool die_with_keeper(program *p)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        return false;
    }
    if (getppid() != p->keeper) {
        errno = ECHILD;
        return false;
    }
    return true;
}

// What is ignored or blocked would stay so in the program.
static void reset_signals(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++) {
        (void) sigaction(i, &usual, NULL);  // fails for a few, which can not be changed anyway
    }
    sigset_t none;
    (void) sigemptyset(&none);
    (void) pthread_sigmask(SIG_SETMASK, &none, NULL);
}

static bool begin_session(program *p)
{
    (void) p;
    return setsid() >= 0;
}

static bool enter_directory(program *p)
{
    return chdir(p->directory) == 0;
}

static bool run_program(program *p)
{
    reset_signals();
    (void) close_range(EXEC_PROGRESS_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    (void) execve(p->path, p->argv, p->envp);
    return false;
}

exec_step exec_child_run(const int *fds, pid_t keeper, int *ret_error)
{
    static const struct {
        exec_step step;
        bool (*make)(program *p);
    } steps[] = {
        {EXEC_STEP_PLAN, read_plan},
        {EXEC_STEP_SESSION, begin_session},
        {EXEC_STEP_DESCRIPTORS, place_descriptors},
        {EXEC_STEP_LIMITS, limit_all},
        {EXEC_STEP_USER, become_user},
        {EXEC_STEP_DIRECTORY, enter_directory},
        {EXEC_STEP_SESSION, die_with_keeper},
        {EXEC_STEP_PROGRAM, run_program},
    };
    program p = {.fds = fds, .keeper = keeper};
    size_t at = 0;
    while (steps[at].make(&p)) {  // the last one does not come back, or fails
        at++;
    }
    *ret_error = errno;
    return steps[at].step;
}
