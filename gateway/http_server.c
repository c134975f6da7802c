// http_server - civetweb behind one callback that answers everything.
#include "gateway/http_server.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "gateway/http_internal.h"
#include "gateway/stacks.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KEEP_ALIVE_MS "60000"
#define QUEUE         "1000"                // connections accepted and not served yet
#define MEMORY_CAP    ((size_t) 256 << 20)  // of one request once it is taken apart
#define MAX_PORTS     4
#define MAX_LISTEN    300
#define OTHER_FILES   1024

static _Thread_local http_thread *this_thread;

// ---- callbacks ----

static void *begin_thread(const struct mg_context *context, int type)
{
    if (type != 1) {
        return NULL;  // only these handle connections
    }
    http_thread *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return NULL;
    }
    t->server = mg_get_user_data(context);
    t->place = watch_join(t->server->watch);
    exchange_init(&t->x, MEMORY_CAP);
    if (t->place == NULL) {
        exchange_fini(&t->x);
        free(t);
        return NULL;
    }
    this_thread = t;
    return t;
}

static void end_thread(const struct mg_context *context, int type, void *data)
{
    (void) context;
    (void) type;
    http_thread *t = data;
    if (t != NULL) {
        exchange_fini(&t->x);
        buf_fini(&t->head);
        free(t);
        this_thread = NULL;
    }
}

// A thread has one connection at a time. civetweb tells of its opening after the handshake of TLS,
// and of its end also when that has failed.
static void count_connection(socket_peer peer)
{
    if (this_thread != NULL && !this_thread->counted) {
        this_thread->counted = true;
        watch_opened(this_thread->server->watch, this_thread->place, peer);
    }
}

static void begin_handshake(int fd)
{
    count_connection(sockets_peer(fd));
}

static int open_connection(const struct mg_connection *connection, void **ret_data)
{
    (void) connection;
    (void) ret_data;
    count_connection(0);
    return 0;
}

static void close_connection(const struct mg_connection *connection)
{
    (void) connection;
    if (this_thread != NULL && this_thread->counted) {
        this_thread->counted = false;
        this_thread->peer = 0;
        watch_closed(this_thread->server->watch);
    }
}

// Read from the text that civetweb made of it, once for a connection.
static socket_peer peer_of(http_thread *t, const struct mg_request_info *info)
{
    if (t->peer == 0) {
        t->peer =
            socket_peer_of(inet_addr(info->remote_addr), htons((in_port_t) info->remote_port));
    }
    return t->peer;
}

static int begin_request(struct mg_connection *connection)
{
    if (this_thread == NULL) {
        mg_disable_connection_keep_alive(connection);
        return 503;  // the thread could not be set up
    }
    const struct mg_request_info *info = mg_get_request_info(connection);
    watch *w = this_thread->server->watch;
    watch_busy(w, this_thread->place, peer_of(this_thread, info));
    int http_status = http_exchange_serve(this_thread, connection);
    watch_idle(w, this_thread->place);
    http_exchange_linger(this_thread);
    return http_status;
}

static int answer_error(struct mg_connection *connection, int http_status, const char *message)
{
    if (this_thread != NULL) {
        http_exchange_error(this_thread, connection, http_status, message);
    }
    return 0;
}

// civetweb goes on with the threads that it has got so far.
static void note_shortage(http_server *server, const char *message)
{
    static const char too_few[] = "Cannot start worker thread ";
    if (strncmp(message, too_few, sizeof too_few - 1) != 0) {
        return;
    }
    size_t failed = strtoul(message + sizeof too_few - 1, NULL, 10);
    size_t wanted = server->options.threads;
    if (failed > 1 && failed <= wanted) {
        server->options.threads = failed - 1;
    }
    reserve_free(TAKE(server->reserve));
    log_warn("http_connections", LOG_INT("wanted", (int64_t) wanted),
             LOG_STR("limit", "threads of this process"),
             LOG_INT("used", (int64_t) server->options.threads));
}

static int log_message(const struct mg_connection *connection, const char *message)
{
    const struct mg_context *context = mg_get_context(connection);
    http_server *server = context != NULL ? mg_get_user_data(context) : NULL;
    if (server != NULL && pthread_equal(pthread_self(), server->starter) != 0) {
        (void) snprintf(server->last_message, sizeof server->last_message, "%s", message);
        note_shortage(server, message);
    }
    log_debug("http", LOG_STR("message", message));
    return 1;
}

// ---- start and stop ----

// civetweb has no option for the size of its threads' stacks (the size here is for one that was
// built without a size of its own, see stacks.c), ignores SIGCHLD for the whole process, and its
// threads would take signals that are meant for main. All three are put right around its start.
typedef struct surroundings {
    pthread_attr_t attributes;
    struct sigaction on_child;
    sigset_t mask;
} surroundings;

static void prepare_surroundings(surroundings *s)
{
    pthread_attr_t small;
    (void) pthread_getattr_default_np(&s->attributes);
    if (pthread_attr_init(&small) == 0) {
        (void) pthread_attr_setstacksize(&small, STACKS_MIN_BYTES);
        (void) pthread_setattr_default_np(&small);
        (void) pthread_attr_destroy(&small);
    }
    (void) sigaction(SIGCHLD, NULL, &s->on_child);
    sigset_t all;
    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &s->mask);
}

static void restore_surroundings(surroundings *s)
{
    (void) pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
    (void) sigaction(SIGCHLD, &s->on_child, NULL);
    (void) pthread_setattr_default_np(&s->attributes);
    (void) pthread_attr_destroy(&s->attributes);
}

// civetweb asks for the context when it starts, and again whether it is ours when it ends.
static int give_context(void **context, void *data)
{
    const http_server *server = data;
    *context = https_context(server->tls);
    return 1;
}

static struct mg_context *start_civetweb(http_server *server)
{
    char listen[MAX_LISTEN];
    char threads[24];
    char timeout_ms[24];
    (void) snprintf(listen, sizeof listen, "%s%s", server->options.listen,
                    server->tls != NULL ? "s" : "");
    (void) snprintf(threads, sizeof threads, "%zu", server->options.threads);
    (void) snprintf(timeout_ms, sizeof timeout_ms, "%lld",
                    (long long) server->options.request_timeout_us / 1000 + WATCH_LAG_MS);
    // clang-format off
    const char *options[] = {
        "listening_ports", listen,
        "num_threads", threads,
        "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", KEEP_ALIVE_MS,
        "request_timeout_ms", timeout_ms,  // for the head to come, and for a reply to be taken
        "tcp_nodelay", "1",
        "connection_queue", QUEUE,
        "listen_backlog", QUEUE,
        "decode_url", "no",
        "decode_query_string", "no",
        "enable_auth_domain_check", "no",
        "enable_directory_listing", "no",
        NULL};
    // clang-format on
    const struct mg_callbacks callbacks = {.begin_request = begin_request,
                                           .http_error = answer_error,
                                           .log_message = log_message,
                                           .init_thread = begin_thread,
                                           .exit_thread = end_thread,
                                           .init_connection = open_connection,
                                           .connection_closed = close_connection,
                                           .external_ssl_ctx =
                                               server->tls != NULL ? give_context : NULL};
    surroundings s;
    server->starter = pthread_self();
    server->reserve = reserve_new();
    prepare_surroundings(&s);
    struct mg_context *context = NULL;
    if (server->reserve != NULL) {
        context = mg_start(&callbacks, server, options);
    } else {
        (void) snprintf(server->last_message, sizeof server->last_message,
                        "the system has no %d threads more for this process", RESERVE_THREADS);
    }
    reserve_free(TAKE(server->reserve));
    restore_surroundings(&s);
    return context;
}

// The real URL: the host as asked for, the port as bound.
static status *find_url(http_server *server, char **ret_url)
{
    struct mg_server_port ports[MAX_PORTS];
    if (mg_get_server_ports(server->civetweb, MAX_PORTS, ports) < 1) {
        return status_new(STATUS_INTERNAL, "the HTTP server has no port");
    }
    int port = ports[0].port;
    watch_listens(server->watch, port);
    departures_listens(server->departures, port);
    const char *listen = server->options.listen;
    const char *colon = strrchr(listen, ':');
    int host_size = colon != NULL ? (int) (colon - listen) : 0;
    if (asprintf(ret_url, "http%s://%.*s:%d", server->tls != NULL ? "s" : "",
                 host_size > 0 ? host_size : 7, host_size > 0 ? listen : "0.0.0.0", port) < 0) {
        *ret_url = NULL;
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    return NULL;
}

// A connection is an open file, and the usual limit of 1,024 is far below what the threads can
// serve. Returns how many connections fit.
static size_t raise_file_limit(size_t connections)
{
    struct rlimit limit;
    rlim_t wanted = connections + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return connections;
    }
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
        (void) getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= wanted) {
        return connections;
    }
    size_t fit = (size_t) limit.rlim_cur / 2;
    log_warn("http_connections", LOG_INT("wanted", (int64_t) connections),
             LOG_INT("open_files_limit", (int64_t) limit.rlim_cur),
             LOG_INT("used", (int64_t) (fit < connections ? fit : connections)));
    return fit < connections ? fit : connections;
}

static status *load_library(http_server *server)
{
    status *failure = https_open(&server->options.tls, begin_handshake, &server->tls);
    if (failure != NULL) {
        return failure;
    }
    unsigned wanted = server->tls != NULL ? MG_FEATURES_TLS : MG_FEATURES_DEFAULT;
    if ((mg_init_library(wanted) & wanted) == wanted) {
        return NULL;
    }
    (void) mg_exit_library();
    return status_new(
        STATUS_UNIMPLEMENTED,
        "HTTPS: the installed civetweb does not get along with the installed OpenSSL");
}

static status *start(http_server *server, char **ret_url)
{
    server->options.threads = raise_file_limit(server->options.threads);
    status *failure = watch_start(server->options.threads, &server->watch);
    if (failure != NULL) {
        return failure;
    }
    failure = departures_start(&server->departures);
    if (failure == NULL) {
        failure = load_library(server);
    }
    if (failure != NULL) {
        return failure;
    }
    if (server->options.listen[0] == '[' && !mg_check_feature(MG_FEATURES_IPV6)) {
        return status_new(STATUS_UNIMPLEMENTED,
                          "listening for HTTP on %s: the installed civetweb was built without IPv6",
                          server->options.listen);
    }
    server->civetweb = start_civetweb(server);
    if (server->civetweb == NULL) {
        return status_new(STATUS_UNAVAILABLE, "listening for HTTP on %s: %s",
                          server->options.listen,
                          server->last_message[0] != '\0' ? server->last_message : "failed");
    }
    return find_url(server, ret_url);
}

status *http_server_start(const http_server_options *options, http_server **ret, char **ret_url)
{
    http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    server->options = *options;
    status *failure = start(server, ret_url);
    if (failure != NULL) {
        http_server_free(server);
        return failure;
    }
    *ret = server;
    return NULL;
}

size_t http_server_threads(const http_server *server)
{
    return server->options.threads;
}

status *http_server_renew_tls(http_server *server)
{
    return server->tls != NULL ? https_renew(server->tls) : NULL;
}

void http_server_quiesce(http_server *server)
{
    atomic_store(&server->quiescing, true);
    watch_quiesce(server->watch);
}

void http_server_wait(http_server *server, size_t most, int64_t timeout_ms)
{
    watch_wait(server->watch, most, timeout_ms);
}

void http_server_free(http_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->civetweb != NULL) {
        mg_stop(server->civetweb);
        (void) mg_exit_library();
    }
    https_free(server->tls);
    departures_stop(server->departures);
    watch_stop(server->watch);
    free(server);
}
