// service_background - what takes long does not hold up what else takes long, nor the end.
#include "unit/service_rig.h"

#include "service/internal.h"

#include "errand/v1/server_service.pb-c.h"

#include <pthread.h>
#include <sched.h>

#define SERVERS (&errand__v1__server_service__descriptor)

// ---- a pool ----

// Two that can only end together.
static pthread_barrier_t both;

static void meet(void *data)
{
    pthread_barrier_wait(&both);
    atomic_fetch_add((atomic_int *) data, 1);
}

static void tasks_go_on_side_by_side(void **state)
{
    (void) state;
    background *pool = NULL;
    atomic_int done;
    atomic_init(&done, 0);
    pthread_barrier_init(&both, NULL, 2);
    rig_ok(background_start(2, &pool));
    rig_ok(background_add(pool, meet, &done));
    rig_ok(background_add(pool, meet, &done));
    background_free(pool);  // runs what it was given
    pthread_barrier_destroy(&both);
    assert_int_equal(atomic_load(&done), 2);
}

static void count(void *data)
{
    atomic_fetch_add((atomic_int *) data, 1);
}

static void the_line_has_an_end(void **state)
{
    (void) state;
    background *pool = NULL;
    atomic_int done;
    int added = 0;
    atomic_init(&done, 0);
    pthread_barrier_init(&both, NULL, 2);
    rig_ok(background_start(1, &pool));
    rig_ok(background_add(pool, meet, &done));
    status *refused = NULL;
    while ((refused = background_add(pool, count, &done)) == NULL)
        added++;
    rig_fails(STATUS_RESOURCE_EXHAUSTED, refused);
    assert_in_range(added, 60, 100);
    pthread_barrier_wait(&both);
    background_stop(pool);
    assert_int_equal(atomic_load(&done), added + 1);
    rig_fails(STATUS_UNAVAILABLE, background_add(pool, count, &done));
    background_free(pool);
    pthread_barrier_destroy(&both);
}

// ---- calls ----

static char copy_path[128];

// Once: not again when the server is stopping.
static status *call_once(const ProtobufCServiceDescriptor *methods, const char *method,
                         const ProtobufCMessage *request)
{
    ProtobufCMessage *message = NULL;
    rpc_call_options options = {.once = true};
    status *failure = rpc_client_call(srig.client, methods, method, request, &options, &message);
    if (failure == NULL)
        protobuf_c_message_free_unpacked(message, NULL);
    return failure;
}

static status *back_up(void)
{
    Errand__V1__BackupRequest request = ERRAND__V1__BACKUP_REQUEST__INIT;
    snprintf(copy_path, sizeof copy_path, "%s/copy", srig.place);
    request.path = copy_path;
    return call_once(SERVERS, "Backup", &request.base);
}

static atomic_int copies_begun;

// A store so large that its copy takes for ever.
static status *endless_copy(store *s, const char *path, const atomic_bool *stop, int64_t *ret)
{
    (void) s;
    (void) path;
    (void) ret;
    atomic_fetch_add(&copies_begun, 1);
    while (!atomic_load(stop))
        sched_yield();
    return status_new(STATUS_UNAVAILABLE, "given up");
}

static store_ops slow_ops;

static void make_copies_endless(store *s)
{
    slow_ops = *s->ops;
    slow_ops.backup = endless_copy;
    s->ops = &slow_ops;
}

static int start_with_endless_copies(void **state)
{
    srig_opened = make_copies_endless;
    srig_start(state);
    srig_opened = NULL;
    atomic_store(&copies_begun, 0);
    return 0;
}

static void *call_back_up(void *data)
{
    *(status **) data = back_up();
    return NULL;
}

static void a_backup_does_not_hold_up_a_change_of_many_jobs(void **state)
{
    (void) state;
    pthread_t thread;
    status *failure = NULL;
    Errand__V1__CancelManyRequest request = ERRAND__V1__CANCEL_MANY_REQUEST__INIT;
    Errand__V1__JobFilter filter = ERRAND__V1__JOB_FILTER__INIT;
    Errand__V1__CancelManyResponse *got = NULL;
    submit_any();
    assert_int_equal(pthread_create(&thread, NULL, call_back_up, &failure), 0);
    while (atomic_load(&copies_begun) == 0)
        sched_yield();
    filter.kind = text("k");
    request.filter = &filter;
    rig_ok(try_call(JOBS, "CancelMany", &request.base, NULL, &got));
    assert_int_equal(got->count, 1);
    service_stop(srig.service);
    pthread_join(thread, NULL);
    assert_int_equal(status_code_of(failure), STATUS_UNAVAILABLE);
    status_free(failure);
}

static void *cancel_all(void *data)
{
    Errand__V1__CancelManyRequest request = ERRAND__V1__CANCEL_MANY_REQUEST__INIT;
    Errand__V1__JobFilter filter = ERRAND__V1__JOB_FILTER__INIT;
    filter.kind = text("k");
    request.filter = &filter;
    *(status **) data = call_once(JOBS, "CancelMany", &request.base);
    return NULL;
}

// A change stands still as long as there is no reader for it.
static void a_change_of_many_jobs_does_not_hold_up_a_backup(void **state)
{
    (void) state;
    pthread_t thread;
    status *failure = NULL;
    store_reader *readers[READERS];
    for (int i = 0; i < READERS; i++)
        readers[i] = reader_take(&srig.service->readers);
    assert_int_equal(pthread_create(&thread, NULL, cancel_all, &failure), 0);
    rig_ok(back_up());
    for (int i = 0; i < READERS; i++)
        reader_return(&srig.service->readers, readers[i]);
    pthread_join(thread, NULL);
    rig_ok(failure);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(tasks_go_on_side_by_side),
    cmocka_unit_test(the_line_has_an_end),
    cmocka_unit_test_setup_teardown(a_backup_does_not_hold_up_a_change_of_many_jobs,
                                    start_with_endless_copies, srig_stop),
    cmocka_unit_test_setup_teardown(a_change_of_many_jobs_does_not_hold_up_a_backup, srig_start,
                                    srig_stop),
};

UNIT_TEST_MAIN(tests)
