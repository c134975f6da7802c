// exec_keeper - the process beside each command, from its start to the last of its processes.
#include "worker/exec_keeper.h"

#include "worker/exec_child.h"
#include "worker/exec_strays.h"
#include "worker/exec_tell.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_IT       SIGUSR1  // what stands for SIGKILL, which could not be passed on
#define LAUNCHER_GONE SIGHUP

typedef struct keeping {
    const exec_keeper *k;
    pid_t command;   // and the number of its group
    bool signalled;  // while it was alive
    bool orphaned;
} keeping;

// ---- the start ----

// A launcher that had gone before could not be heard of.
static void listen_for_launcher(const exec_keeper *k)
{
    (void) prctl(PR_SET_PDEATHSIG, LAUNCHER_GONE);
    exec_strays_adopt();
    if (getppid() != k->launcher) {
        _exit(1);
    }
}

static pid_t start(const exec_keeper *k)
{
    pid_t keeper = getpid(), pid = fork();
    if (pid == 0) {
        int error = 0;
        exec_step step = exec_child_run(k->fds, keeper, &error);
        exec_tell_not_started(k->socket, k->id, step, error);
        _exit(127);
    }
    if (pid < 0) {
        exec_tell_not_started(k->socket, k->id, EXEC_STEP_FORK, errno);
        _exit(0);
    }
    for (int i = 0; i < EXEC_FD_COUNT; i++) {
        (void) close(k->fds[i]);
    }
    return pid;
}

// ---- its time ----

// One that has ended stays a zombie until the end is told, so its number is nobody else's.
static bool has_ended(const keeping *own)
{
    siginfo_t who = {0};
    return waitid(P_PID, (id_t) own->command, &who, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           who.si_pid != 0;
}

static void reap_strays(const keeping *own)
{
    siginfo_t who = {0};
    while (waitid(P_ALL, 0, &who, WEXITED | WNOHANG | WNOWAIT) == 0 && who.si_pid != 0 &&
           who.si_pid != own->command) {
        (void) waitpid(who.si_pid, NULL, 0);
        who.si_pid = 0;
    }
}

// A child that has not come to setsid yet has no group.
static void signal_group(const keeping *own, int number)
{
    if (kill(-own->command, number) != 0 && errno == ESRCH) {
        (void) kill(own->command, number);
    }
}

// Others send this signal too, to all of a service: it counts if the launcher is the parent no
// more.
static void orphan(keeping *own)
{
    if (getppid() != own->k->launcher) {
        own->orphaned = true;
        signal_group(own, SIGKILL);
    }
}

static void take_signal(keeping *own, int number)
{
    switch (number) {
    case SIGTERM:
        own->signalled = true;
        signal_group(own, SIGTERM);
        break;
    case KILL_IT:
        own->signalled = true;
        signal_group(own, SIGKILL);
        break;
    case LAUNCHER_GONE:
        orphan(own);
        break;
    default:
        break;
    }
}

// What came first, the end or the signal, is decided here: a signal that finds it ended was none.
static void wait_for_end(keeping *own)
{
    sigset_t heard;
    (void) sigemptyset(&heard);
    (void) sigaddset(&heard, SIGCHLD);
    (void) sigaddset(&heard, SIGTERM);
    (void) sigaddset(&heard, KILL_IT);
    (void) sigaddset(&heard, LAUNCHER_GONE);
    for (int number = SIGCHLD; !has_ended(own); number = sigwaitinfo(&heard, NULL)) {
        take_signal(own, number);
        reap_strays(own);
    }
}

// ---- the end ----

// Each death may bring further children.
static void end_strays(void)
{
    for (size_t count = exec_strays_kill(NULL, NULL); count > 0;
         count = exec_strays_kill(NULL, NULL)) {
        while (count-- > 0) {
            (void) wait(NULL);
        }
    }
}

_Noreturn void exec_keeper_run(const exec_keeper *k)
{
    listen_for_launcher(k);
    keeping own = {.k = k, .command = start(k)};
    int wait_status = 0;
    struct rusage usage = {0};
    wait_for_end(&own);
    signal_group(&own, SIGKILL);
    (void) wait4(own.command, &wait_status, 0, &usage);
    end_strays();
    if (!own.orphaned) {
        exec_tell_ended(k->socket, k->id, wait_status, own.signalled, &usage);
    }
    _exit(0);
}

void exec_keeper_signal(pid_t keeper, int number)
{
    (void) kill(keeper, number == SIGKILL ? KILL_IT : number);
}
