// rpc load - closing and losing connections while messages arrive, where nng 1.5 alone hangs.
#include "unit/rpc_calls.h"

#define TCP       "tcp://127.0.0.1:0"
#define ROUNDS    10
#define IN_FLIGHT 32

// Calls that follow one another until they are told to stop; half of them may share messages.
typedef struct load {
    rpc_client *client;
    _Atomic bool stop;
    _Atomic unsigned started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t answered;
    size_t running;
} load;

static void load_next(load *l);

static void load_done(void *data, const ProtobufCMessage *reply, const status *failure)
{
    load *l = data;
    bool stop = atomic_load(&l->stop) || status_code_of(failure) == STATUS_CANCELLED;
    pthread_mutex_lock(&l->lock);
    l->answered += reply != NULL;
    l->running -= stop;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    if (!stop) {
        load_next(l);
    }
}

static void load_next(load *l)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    const rpc_call_options options = {.prompt = atomic_fetch_add(&l->started, 1) % 2 == 0};
    request.id = (char *) (uintptr_t) "load";
    rpc_client_start(l->client, RIG_JOBS, "Get", &request.base, &options, load_done, l);
}

static void load_start(load *l, const char *url)
{
    memset(l, 0, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    l->client = rig_client(url);
    l->running = IN_FLIGHT;
    for (int i = 0; i < IN_FLIGHT; i++) {
        load_next(l);
    }
}

static void load_fini(load *l)
{
    rpc_client_close(l->client);
    assert_int_equal(l->running, 0);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
}

static void load_wait(load *l, size_t more)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RIG_TIMEOUT_MS / 1000;
    int error = 0;
    pthread_mutex_lock(&l->lock);
    size_t wanted = l->answered + more;
    while (l->answered < wanted && error == 0) {
        error = pthread_cond_timedwait(&l->changed, &l->lock, &until);
    }
    pthread_mutex_unlock(&l->lock);
    assert_int_equal(error, 0);
}

static void clients_close_while_answers_arrive(const char *url)
{
    rig *r = rig_new(NULL, url);
    for (int i = 0; i < ROUNDS; i++) {
        load l;
        load_start(&l, r->url);
        load_wait(&l, 500);
        load_fini(&l);
    }
    rig_free(r);
}

static void a_busy_tcp_client_can_be_closed(void **state)
{
    (void) state;
    clients_close_while_answers_arrive(TCP);
}

static void a_busy_inproc_client_can_be_closed(void **state)
{
    (void) state;
    clients_close_while_answers_arrive("inproc://load");
}

static void servers_restart_while_requests_arrive(const char *url)
{
    rig *r = rig_new(NULL, url);
    load l;
    load_start(&l, r->url);
    for (int i = 0; i < ROUNDS; i++) {
        load_wait(&l, 500);
        char *bound = r->url;
        rig_stop(r);
        rig_listen(r, bound);
        free(bound);
    }
    load_wait(&l, 500);
    load_fini(&l);
    rig_free(r);
}

static void a_busy_client_follows_restarts_over_tcp(void **state)
{
    (void) state;
    servers_restart_while_requests_arrive(TCP);
}

static void a_busy_client_follows_restarts_over_ipc(void **state)
{
    (void) state;
    char url[64];
    snprintf(url, sizeof url, "ipc:///tmp/errand-rpc-load-%d", (int) getpid());
    servers_restart_while_requests_arrive(url);
}

static void a_busy_client_follows_reconnects(void **state)
{
    (void) state;
    rig *r = rig_new(NULL, TCP);
    load l;
    load_start(&l, r->url);
    for (int i = 0; i < ROUNDS; i++) {
        load_wait(&l, 500);
        rpc_client_reconnect(l.client);
    }
    load_wait(&l, 500);
    load_fini(&l);
    rig_free(r);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_busy_tcp_client_can_be_closed),
    cmocka_unit_test(a_busy_inproc_client_can_be_closed),
    cmocka_unit_test(a_busy_client_follows_restarts_over_tcp),
    cmocka_unit_test(a_busy_client_follows_restarts_over_ipc),
    cmocka_unit_test(a_busy_client_follows_reconnects),
};

UNIT_TEST_MAIN(tests)
