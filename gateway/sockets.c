// sockets - the open connections of a listening port, found among the files of this process.
#include "gateway/sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

typedef void visit_fn(void *data, int fd);

socket_peer socket_peer_of(in_addr_t address, in_port_t port)
{
    return (uint64_t) address << 16 | port;
}

static bool visit_files(visit_fn *visit, void *data)
{
    DIR *files = opendir("/proc/self/fd");
    if (files == NULL) {
        return false;
    }
    // Only this thread has the directory, so that readdir is safe.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    for (struct dirent *entry = readdir(files); entry != NULL; entry = readdir(files)) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);
        if (end != entry->d_name && *end == '\0') {
            visit(data, (int) fd);
        }
    }
    (void) closedir(files);
    return true;
}

static bool is_bound_to(int fd, int port)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    return getsockname(fd, (struct sockaddr *) &address, &size) == 0 &&
           address.sin_family == AF_INET && ntohs(address.sin_port) == port;
}

static bool find_peer(int fd, socket_peer *ret)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    if (getpeername(fd, (struct sockaddr *) &address, &size) != 0 ||
        address.sin_family != AF_INET) {
        return false;
    }
    *ret = socket_peer_of(address.sin_addr.s_addr, address.sin_port);
    return true;
}

static uint32_t find_idle_ms(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return 0;
    }
    return info.tcpi_last_data_recv < info.tcpi_last_data_sent ? info.tcpi_last_data_recv
                                                               : info.tcpi_last_data_sent;
}

static bool has_unread(int fd)
{
    int size = 0;
    return ioctl(fd, FIONREAD, &size) == 0 && size > 0;
}

typedef struct listing {
    int port;
    socket_info *items;
    size_t count;
    size_t room;
    bool failed;
} listing;

static bool grow(listing *l)
{
    if (l->count < l->room) {
        return true;
    }
    size_t room = l->room > 0 ? l->room * 2 : 64;
    socket_info *items = realloc(l->items, room * sizeof *items);
    if (items == NULL) {
        l->failed = true;
        return false;
    }
    l->items = items;
    l->room = room;
    return true;
}

static void list_one(void *data, int fd)
{
    listing *l = data;
    socket_info info = {.fd = fd};
    if (is_bound_to(fd, l->port) && find_peer(fd, &info.peer) && grow(l)) {
        info.idle_ms = find_idle_ms(fd);
        info.has_unread = has_unread(fd);
        l->items[l->count++] = info;
    }
}

bool sockets_list(int port, socket_info **ret, size_t *ret_count)
{
    listing l = {.port = port};
    if (!visit_files(list_one, &l) || l.failed) {
        free(l.items);
        return false;
    }
    *ret = l.items;
    *ret_count = l.count;
    return true;
}

void sockets_cut(const socket_info *info, bool for_writing)
{
    socket_peer peer;
    if (find_peer(info->fd, &peer) && peer == info->peer) {
        (void) shutdown(info->fd, for_writing ? SHUT_RDWR : SHUT_RD);
    }
}

// ---- one connection ----

typedef struct search {
    socket_peer peer;
    int fd;
} search;

static void match_one(void *data, int fd)
{
    search *s = data;
    socket_peer peer;
    if (s->fd < 0 && find_peer(fd, &peer) && peer == s->peer) {
        s->fd = fd;
    }
}

int sockets_find(const char *address, int port)
{
    static const struct {
        int option;
        int seconds;
    } times[] = {{TCP_KEEPIDLE, 60}, {TCP_KEEPINTVL, 15}, {TCP_KEEPCNT, 4}};
    search s = {socket_peer_of(inet_addr(address), htons((in_port_t) port)), -1};
    (void) visit_files(match_one, &s);
    int on = 1;
    if (s.fd >= 0 && setsockopt(s.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0) {
        for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
            (void) setsockopt(s.fd, IPPROTO_TCP, times[i].option, &times[i].seconds, sizeof(int));
        }
    }
    return s.fd;
}

socket_peer sockets_peer(int fd)
{
    socket_peer peer;
    return find_peer(fd, &peer) ? peer : 0;
}

bool sockets_is_peer(int fd, socket_peer peer)
{
    socket_peer found;
    return find_peer(fd, &found) && found == peer;
}

bool sockets_is_open(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
           info.tcpi_state == TCP_ESTABLISHED;
}

// ---- listening ----

static void stop_one(void *data, int fd)
{
    const int *port = data;
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0 &&
        is_bound_to(fd, *port)) {
        (void) shutdown(fd, SHUT_RD);
    }
}

void sockets_stop_listening(int port)
{
    (void) visit_files(stop_one, &port);
}
