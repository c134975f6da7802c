// address - which of the addresses that a server announces for its results can be dialed. Pure.
#ifndef ERRAND_CLIENTS_C_WORKER_ADDRESS_H
#define ERRAND_CLIENTS_C_WORKER_ADDRESS_H

#include <stddef.h>

// address_of_results picks one of the announced addresses for a worker that reaches the server's
// RPC by rpc_url: one with the same scheme, else the first over a network. An unspecified host
// (0.0.0.0, [::]) becomes the host of rpc_url; a loopback one, too, since it is the server's own.
// Owned; NULL when there is none, or memory is short.
char *address_of_results(const char *rpc_url, char *const *announced, size_t count);

#endif
