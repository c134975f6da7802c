// threads - a thread is kept idle by a callback that waits.
#include "rpc/threads.h"

#include <dirent.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST_THREADS    2   // one may wait for what another does
#define MOST_THREADS     16  // nng starts no more
#define LONGEST_START_MS 100

struct rpc_threads {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over;
    size_t count;
    nng_aio *held[MOST_THREADS];
};

static bool is_nngs(const char *task)
{
    char path[300], name[32] = "";
    (void) snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(name, sizeof name, file) != NULL;
    (void) fclose(file);
    return read && strcmp(name, "nng:task\n") == 0;
}

// 0 where nobody can tell: then nothing is held.
static size_t count_threads(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) {
        return 0;
    }
    // A directory stream of our own: no other thread reads it.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        count += is_nngs(entry->d_name);
    }
    (void) closedir(tasks);
    return count;
}

// nng's own rule.
static size_t expected_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = processors > 0 ? 2 * (size_t) processors : 2;
    return threads < MOST_THREADS ? threads : MOST_THREADS;
}

// A thread tells its name once it runs. Should nng start fewer than expected, fewer are held.
static size_t number_to_hold(void)
{
    size_t expected = expected_threads(), threads = count_threads();
    for (int ms = 0; threads < expected && ms < LONGEST_START_MS; ms++) {
        nng_msleep(1);
        threads = count_threads();
    }
    size_t held = (threads < expected ? threads : expected) / 2;
    return threads >= LEAST_THREADS + held ? held : 0;
}

static void wait_for_the_end(void *data)
{
    rpc_threads *threads = data;
    (void) pthread_mutex_lock(&threads->lock);
    while (!threads->over) {
        (void) pthread_cond_wait(&threads->changed, &threads->lock);
    }
    (void) pthread_mutex_unlock(&threads->lock);
}

static int hold_one(rpc_threads *threads)
{
    nng_aio *aio = NULL;
    int error = nng_aio_alloc(&aio, wait_for_the_end, threads);
    if (error == 0) {
        threads->held[threads->count++] = aio;
    }
    return error;
}

status *rpc_threads_halve(rpc_threads **ret)
{
    rpc_threads *threads = calloc(1, sizeof *threads);
    if (threads == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void) pthread_mutex_init(&threads->lock, NULL);
    (void) pthread_cond_init(&threads->changed, NULL);
    int error = hold_one(threads);  // the first call into nng starts its threads
    size_t number = number_to_hold();
    while (error == 0 && threads->count < number) {
        error = hold_one(threads);
    }
    if (error != 0) {
        rpc_threads_restore(threads);
        return status_new(STATUS_RESOURCE_EXHAUSTED, "nng: %s", nng_strerror(error));
    }
    for (size_t i = 0; i < number; i++) {
        if (nng_aio_begin(threads->held[i])) {
            nng_aio_finish(threads->held[i], 0);
        }
    }
    *ret = threads;
    return NULL;
}

void rpc_threads_restore(rpc_threads *threads)
{
    if (threads == NULL) {
        return;
    }
    (void) pthread_mutex_lock(&threads->lock);
    threads->over = true;
    (void) pthread_cond_broadcast(&threads->changed);
    (void) pthread_mutex_unlock(&threads->lock);
    for (size_t i = 0; i < threads->count; i++) {
        nng_aio_stop(threads->held[i]);
        nng_aio_free(threads->held[i]);
    }
    (void) pthread_cond_destroy(&threads->changed);
    (void) pthread_mutex_destroy(&threads->lock);
    free(threads);
}
