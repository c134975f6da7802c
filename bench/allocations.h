// allocations - how often a process asked for memory, and which library did: counted by a library
// that is preloaded into it, in a file that both sides map.
#ifndef ERRAND_BENCH_ALLOCATIONS_H
#define ERRAND_BENCH_ALLOCATIONS_H

#include <stdatomic.h>

#define ALLOCATIONS_VARIABLE "BENCH_ALLOCATIONS"  // names the file

typedef struct allocations {
    atomic_ullong sqlite;
    atomic_ullong nng;
    atomic_ullong others;
} allocations;

#endif
