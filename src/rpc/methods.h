// methods - finds a method by its full name; private to rpc.
#ifndef ERRAND_RPC_METHODS_H
#define ERRAND_RPC_METHODS_H

#include "base/buf.h"
#include "rpc/call_metrics.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

typedef struct rpc_method rpc_method;

// rpc_method is one row of the table.
struct rpc_method {
    char *name;  // "/package.Service/Method"
    ProtobufCService *service;
    unsigned index;
    const ProtobufCMessageDescriptor *input;
    call_metrics *metrics;
};

typedef struct rpc_methods rpc_methods;

rpc_methods *rpc_methods_new(void);
void rpc_methods_free(rpc_methods *methods);

// rpc_methods_add takes in all methods of a service; false when memory is short.
bool rpc_methods_add(rpc_methods *methods, ProtobufCService *service);

// rpc_methods_find is NULL for a name that no service has.
const rpc_method *rpc_methods_find(const rpc_methods *methods, slice name);

#endif
