// http_wait - a request that waits for its answer, while its client may go.
#include "gateway/http_internal.h"

#include <arpa/inet.h>

static socket_peer peer_of(const http_thread *t)
{
    return socket_peer_of(inet_addr(t->x.remote), htons((in_port_t) t->remote_port));
}

void http_wait_begin(exchange *x, exchange_gone_fn *gone, void *data)
{
    http_thread *t = x->owner;
    departures_enter(t->server->departures, &t->departure, peer_of(t), gone, data);
}

bool http_wait_end(exchange *x)
{
    http_thread *t = x->owner;
    return departures_leave(t->server->departures, &t->departure);
}

// The socket of a connection is looked for once.
bool http_is_alive(exchange *x)
{
    http_thread *t = x->owner;
    departure_place *place = &t->departure;
    if (!departures_knows(place, peer_of(t))) {
        place->peer = peer_of(t);
        place->fd = sockets_find(x->remote, t->remote_port);
        place->found = place->fd >= 0;
    }
    return !place->found || sockets_is_open(place->fd);
}
