// sockets - the open connections of a listening port, found among the files of this process.
//
// civetweb keeps its sockets to itself. Looking them up costs a few system calls for each open
// file, so it is for rare moments only.
#ifndef ERRAND_GATEWAY_SOCKETS_H
#define ERRAND_GATEWAY_SOCKETS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Who is at the other end: address and port in network order, in one number that compares.
typedef uint64_t socket_peer;

socket_peer socket_peer_of(in_addr_t address, in_port_t port);

typedef struct socket_info {
    int fd;
    socket_peer peer;
    uint32_t idle_ms;  // since anything came in or went out
    bool has_unread;   // bytes came that nobody has read
} socket_info;

// sockets_list makes a list of the connections accepted on the port, owned; false when memory is
// short.
bool sockets_list(int port, socket_info **ret, size_t *ret_count);

// sockets_cut ends a connection for reading, if it is still the one: an answer may be on its way
// out. It ends for writing too if asked to.
void sockets_cut(const socket_info *info, bool for_writing);

// sockets_find is the file of the connection with that peer, and makes the system ask once a minute
// whether the peer is still there; -1: none found.
int sockets_find(const char *address, int port);

// sockets_peer is who is at the other end of it; 0: nobody any more.
socket_peer sockets_peer(int fd);

// sockets_is_peer: that peer has the other end of it.
bool sockets_is_peer(int fd, socket_peer peer);

// sockets_is_open: the peer has not closed it.
bool sockets_is_open(int fd);

// sockets_stop_listening makes the port refuse connections.
void sockets_stop_listening(int port);

#endif
