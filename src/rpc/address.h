// address - where a server listens, or is dialed: tcp://HOST:PORT, tls+tcp://HOST:PORT, ipc://PATH.
#ifndef ERRAND_RPC_ADDRESS_H
#define ERRAND_RPC_ADDRESS_H

#include <stdbool.h>

// What address_is_good wants beside the scheme, for messages.
#define ADDRESS_FORM                                                                               \
    "with HOST:PORT behind it, a port from 0 to 65535, or the path of a socket for ipc://"

// address_is_good judges the form alone. A missing port is none: nng would take it for any free
// one.
bool address_is_good(const char *url);

#endif
