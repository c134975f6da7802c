// cleanup - locals that free themselves, after systemd's _cleanup_ attribute.
#ifndef ERRAND_BASE_CLEANUP_H
#define ERRAND_BASE_CLEANUP_H

#include <stdlib.h>

// AUTO(job) j = NULL; frees j with job_free when it goes out of scope. The type `name` has to have
// been given to DEFINE_AUTO.
#define AUTO(name) __attribute__((cleanup(name##_auto_free))) name *

// DEFINE_AUTO(job, job_free) lets AUTO(job) be written.
#define DEFINE_AUTO(name, free_fn)                                                                 \
    static inline void name##_auto_free(name **object)                                             \
    {                                                                                              \
        free_fn(*object);                                                                          \
    }

static inline void auto_free_memory(void *pointer)
{
    free(*(void **) pointer);
}

// AUTO_FREE char *text = NULL; frees text with free().
#define AUTO_FREE __attribute__((cleanup(auto_free_memory)))

// TAKE(j) hands the object over: it yields j and leaves NULL behind.
#define TAKE(pointer)                                                                              \
    (__extension__({                                                                               \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    }))

#endif
