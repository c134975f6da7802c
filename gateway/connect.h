// connect - the Connect protocol over the same calls: POST /errand.v1.<Service>/<Method>.
//
// Unary calls in JSON and in binary, GET for those that only read, Watch as a server stream. Source
// of the protocol: connectrpc.com, "Connect Protocol Reference".
#ifndef ERRAND_GATEWAY_CONNECT_H
#define ERRAND_GATEWAY_CONNECT_H

#include "gateway/exchange.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

struct gateway;

// connect_is_path: the path is for connect_serve, whether there is such a method or not.
bool connect_is_path(const char *path);

// connect_serve answers a request for such a path.
void connect_serve(struct gateway *g, exchange *x);

// connect_allow is the value of Allow for such a path; NULL: there is no such method.
const char *connect_allow(const char *path);

// connect_service is a service that is served; NULL behind the last.
const ProtobufCServiceDescriptor *connect_service(size_t index);

#endif
