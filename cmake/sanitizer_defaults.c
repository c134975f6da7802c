// sanitizer_defaults - what the sanitizers shall overlook in every program of a sanitized build.
//
// libnng 1.5 leaks when a socket is closed at the wrong moment: a dialer that is just connecting,
// an answer that is just being sent. Both happen within the library only, a few bytes for each
// closed socket. Messages that we forget would be hidden too, which is the price.
#ifdef __SANITIZE_THREAD__
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>
#endif

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libnng.so\n";
}

const char *__lsan_default_options(void);

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

#ifdef __SANITIZE_THREAD__

// libnng counts who holds a message with atomics, which ThreadSanitizer does not see: the library
// is not instrumented, only its calls of memcpy and free are. So where one thread copies a message
// that two hold, and the other one lets it go as the last, a race is reported that is none. It is
// the same with the TLS below it: a listener takes its certificates without the lock under which
// they are replaced, and we keep those that it may still hold. Suppressions would match libnng
// anywhere in a stack, and all of our callbacks are called by it; so only accesses that the
// libraries make themselves, both of them, are overlooked. Of one too old for its stack to be known
// the other one tells whose it is.
//
// libcurl 7.88 closes a socket that is not connected yet before it says that nobody need watch it
// any more (curl #11439), and a kept poll handle outlives its socket. What libuv then takes out of
// its epoll, in vain, may be the descriptor of another thread by now: a race about a descriptor,
// without a harm.

#define MOST_FRAMES 16

// Of libtsan's debugging interface (compiler-rt, tsan_debugging.cpp), which has no header.
int __tsan_get_report_mop(void *report, unsigned long index, int *thread, void **address, int *size,
                          int *write, int *atomic, void **trace, unsigned long trace_size);
int __tsan_get_report_data(void *report, const char **description, int *count, int *stack_count,
                           int *mop_count, int *loc_count, int *mutex_count, int *thread_count,
                           int *unique_tid_count, void **sleep_trace, unsigned long trace_size);

static bool lies_in(const void *address, const char *library)
{
    Dl_info found;
    return dladdr(address, &found) != 0 && strstr(found.dli_fname, library) != NULL;
}

typedef enum maker { MADE_BY_OTHERS, MADE_BY_LIBNNG, MADE_BY_UNKNOWN } maker;

// Returns the frame below those of libtsan.
static int trace_of(void *report, int index, void *trace[MOST_FRAMES])
{
    void *address;
    int thread, size, write, atomic;
    memset(trace, 0, MOST_FRAMES * sizeof trace[0]);
    __tsan_get_report_mop(report, (unsigned long) index, &thread, &address, &size, &write, &atomic,
                          trace, MOST_FRAMES);
    int frame = 0;
    while (frame < MOST_FRAMES - 1 && trace[frame] != NULL && lies_in(trace[frame], "libtsan")) {
        frame++;
    }
    return frame;
}

static maker maker_of(void *report, int index)
{
    void *trace[MOST_FRAMES];
    int frame = trace_of(report, index, trace);
    if (trace[0] == NULL) {
        return MADE_BY_UNKNOWN;
    }
    bool below = lies_in(trace[frame], "libnng") || lies_in(trace[frame], "libmbed");
    return below ? MADE_BY_LIBNNG : MADE_BY_OTHERS;
}

static bool made_by_libnng(void *report, int accesses)
{
    int own = 0;
    for (int i = 0; i < accesses; i++) {
        maker who = maker_of(report, i);
        if (who == MADE_BY_OTHERS) {
            return false;
        }
        own += who == MADE_BY_LIBNNG;
    }
    return own > 0;
}

static bool takes_out_of_epoll(void *report, int accesses)
{
    for (int i = 0; i < accesses; i++) {
        void *trace[MOST_FRAMES];
        int frame = trace_of(report, i, trace);
        Dl_info called;
        if (frame > 0 && lies_in(trace[frame], "libuv") && dladdr(trace[0], &called) != 0 &&
            called.dli_sname != NULL && strstr(called.dli_sname, "epoll_ctl") != NULL) {
            return true;
        }
    }
    return false;
}

// __tsan::OnReport(const ReportDesc *, bool), weak in libtsan: what it returns decides.
bool overlook_report(void *report,
                     bool suppressed) __asm__("_ZN6__tsan8OnReportEPKNS_10ReportDescEb");

bool overlook_report(void *report, bool suppressed)
{
    const char *description;
    int count, stacks, accesses, places, mutexes, threads, ids;
    void *sleep_trace[1];
    __tsan_get_report_data(report, &description, &count, &stacks, &accesses, &places, &mutexes,
                           &threads, &ids, sleep_trace, 1);
    return suppressed ||
           (strcmp(description, "data-race") == 0 &&
            (made_by_libnng(report, accesses) || takes_out_of_epoll(report, accesses)));
}

#endif
