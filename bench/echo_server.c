// echo_server - contexts of one REP socket that send back what they receive.
#include "bench/echo.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct echo_slot {
    nng_aio *aio;
    nng_ctx context;
    bool sending;
} echo_slot;

static void slot_receive(echo_slot *slot)
{
    slot->sending = false;
    nng_ctx_recv(slot->context, slot->aio);
}

static void slot_done(void *data)
{
    echo_slot *slot = data;
    int error = nng_aio_result(slot->aio);
    if (error == NNG_ECLOSED || error == NNG_ECANCELED)
        return;
    if (slot->sending && error)
        nng_msg_free(nng_aio_get_msg(slot->aio));
    if (slot->sending || error) {
        slot_receive(slot);
        return;
    }
    slot->sending = true;
    nng_ctx_send(slot->context, slot->aio);  // the message received is still the aio's
}

static int slot_open(echo_slot *slot, nng_socket socket)
{
    int error = nng_ctx_open(&slot->context, socket);
    if (!error)
        error = nng_aio_alloc(&slot->aio, slot_done, slot);
    return error;
}

static int print_url(nng_listener listener, const char *url)
{
    int port;
    if (strncmp(url, "tcp:", 4) != 0) {
        printf("listening echo %s\n", url);
        return 0;
    }
    int error = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port);
    if (!error)
        printf("listening echo tcp://127.0.0.1:%d\n", port);
    return error;
}

static int serve(const char *url)
{
    static echo_slot slots[ECHO_MAX_IN_FLIGHT];
    nng_socket socket;
    nng_listener listener;
    int error = nng_rep0_open(&socket);
    for (int i = 0; !error && i < ECHO_MAX_IN_FLIGHT; i++)
        error = slot_open(&slots[i], socket);
    if (!error)
        error = nng_listen(socket, url, &listener, 0);
    for (int i = 0; !error && i < ECHO_MAX_IN_FLIGHT; i++)
        slot_receive(&slots[i]);
    return error ? error : print_url(listener, url);
}

// The process ends with the signal: nothing of it is to be kept.
int echo_serve(int argc, char **argv)
{
    sigset_t signals;
    int number;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (argc != 1)
        return 2;
    int error = serve(argv[0]);
    if (error) {
        (void) fprintf(stderr, "echo: %s: %s\n", argv[0], nng_strerror(error));
        return 1;
    }
    (void) fflush(stdout);
    sigwait(&signals, &number);
    _Exit(0);
}

status *echo_start(const char *url, child **ret)
{
    const char *arguments[] = {"serve-echo", url, NULL};
    return child_start_self(arguments, 1, ret);
}
