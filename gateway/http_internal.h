// http_internal - what the two files that know civetweb share.
#ifndef ERRAND_GATEWAY_HTTP_INTERNAL_H
#define ERRAND_GATEWAY_HTTP_INTERNAL_H

#include "gateway/departures.h"
#include "gateway/exchange.h"
#include "gateway/http_server.h"
#include "gateway/reserve.h"
#include "gateway/watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct mg_connection;
struct mg_context;

struct http_server {
    http_server_options options;
    https *tls;  // NULL: plain HTTP
    struct mg_context *civetweb;
    watch *watch;
    departures *departures;
    atomic_bool quiescing;
    atomic_size_t large_bodies;  // bytes of large request bodies held now
    pthread_t starter;           // the thread that starts it
    reserve *reserve;            // while it starts, and there are threads for all connections
    char last_message[256];      // what civetweb last said to it, to explain a failed start
};

// What each of civetweb's threads has.
typedef struct http_thread {
    http_server *server;
    watch_place *place;
    struct mg_connection *connection;
    bool counted;      // its connection, by the watch
    socket_peer peer;  // of its connection; 0: not looked at yet
    exchange x;
    bool expects_continue;  // and was not told to go on yet
    bool body_read;
    size_t large_bytes;  // of large_bodies
    int remote_port;
    departure_place departure;  // while the request waits
    buf head;                   // of the reply
    time_t date_second;         // when `date` was made
    char date[40];
} http_thread;

// http_exchange_serve does one request: takes it from civetweb, has it handled, sends the reply.
int http_exchange_serve(http_thread *t, struct mg_connection *connection);

// http_exchange_linger takes what a client is still sending after a reply that came early.
void http_exchange_linger(http_thread *t);

// Those of exchanges.
bool http_is_alive(exchange *x);
void http_wait_begin(exchange *x, exchange_gone_fn *gone, void *data);
bool http_wait_end(exchange *x);

// http_head_make writes the head of the reply into t->head.
void http_head_make(http_thread *t);

// http_exchange_error answers what civetweb itself refused.
void http_exchange_error(http_thread *t, struct mg_connection *connection, int http_status,
                         const char *message);

#endif
