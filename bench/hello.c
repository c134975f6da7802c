// hello - civetweb's smallest answer, as a process of its own: the least that HTTP costs here.
#include "bench/hello.h"

#include <civetweb.h>
#include <signal.h>
#include <stdio.h>

#define THREADS "1200"  // one for each connection, as in the gateway

static int greet(struct mg_connection *connection)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                                 "Content-Length: 13\r\nConnection: keep-alive\r\n\r\n"
                                 "Hello, world\n";
    (void) mg_write(connection, answer, sizeof answer - 1);
    return 200;
}

static void wait_for_end(void)
{
    sigset_t ends;
    int which;
    (void) sigemptyset(&ends);
    (void) sigaddset(&ends, SIGTERM);
    (void) sigaddset(&ends, SIGINT);
    (void) sigwait(&ends, &which);
}

int hello_serve(int argc, char **argv)
{
    (void) argc;
    (void) argv;
    const char *options[] = {
        "listening_ports",       "127.0.0.1:0", "num_threads", THREADS, "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "60000",       "tcp_nodelay", "1",     "listen_backlog",    "1000",
        "connection_queue",      "1000",        NULL};
    const struct mg_callbacks callbacks = {.begin_request = greet};
    sigset_t all;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, NULL);  // they are for sigwait
    (void) mg_init_library(MG_FEATURES_DEFAULT);
    struct mg_context *context = mg_start(&callbacks, NULL, options);
    struct mg_server_port port;
    if (context == NULL || mg_get_server_ports(context, 1, &port) < 1)
        return 1;
    printf("listening http http://127.0.0.1:%d\n", port.port);
    (void) fflush(stdout);
    wait_for_end();
    mg_stop(context);
    (void) mg_exit_library();
    return 0;
}
