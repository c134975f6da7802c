// rpc_threads - nng's threads are halved, and what remains still runs callbacks.
#include "rpc/threads.h"

#include "unit/unit_test.h"

#include <nng/nng.h>
#include <semaphore.h>
#include <time.h>

static void say(void *data)
{
    sem_post(data);
}

// Many callbacks at once: all of them run.
static void run_callbacks(void)
{
    sem_t ran;
    nng_aio *aios[100];
    assert_int_equal(sem_init(&ran, 0, 0), 0);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(nng_aio_alloc(&aios[i], say, &ran), 0);
        assert_true(nng_aio_begin(aios[i]));
        nng_aio_finish(aios[i], 0);
    }
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 10;
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(sem_timedwait(&ran, &end), 0);
    }
    for (size_t i = 0; i < 100; i++) {
        nng_aio_stop(aios[i]);
        nng_aio_free(aios[i]);
    }
    sem_destroy(&ran);
}

static void callbacks_run_on_half_of_the_threads(void **state)
{
    (void) state;
    rpc_threads *threads = NULL;
    assert_null(rpc_threads_halve(&threads));
    run_callbacks();
    rpc_threads_restore(threads);
    run_callbacks();
}

static void nothing_to_restore_is_fine(void **state)
{
    (void) state;
    rpc_threads_restore(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(callbacks_run_on_half_of_the_threads),
    cmocka_unit_test(nothing_to_restore_is_fine),
};

UNIT_TEST_MAIN(tests)
