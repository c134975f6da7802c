// methods - what the tables of RPC methods are written with, one table to a file.
#ifndef ERRAND_SERVICE_METHODS_H
#define ERRAND_SERVICE_METHODS_H

#include "service/internal.h"

#include <stdlib.h>

// SERVICE_METHODS stands first: protobuf-c's service object of that type, knowing its service.
#define SERVICE_METHODS(type)                                                                      \
    typedef type methods;                                                                          \
    typedef struct methods_object {                                                                \
        methods object;                                                                            \
        service *owner;                                                                            \
    } methods_object;                                                                              \
    static methods *methods_new(const methods *table, service *owner)                              \
    {                                                                                              \
        methods_object *made = calloc(1, sizeof *made);                                            \
        if (made == NULL) {                                                                        \
            return NULL;                                                                           \
        }                                                                                          \
        made->object = *table;                                                                     \
        made->owner = owner;                                                                       \
        return &made->object;                                                                      \
    }

// A method, and the function that does it.
#define SERVED(method, function, request, reply)                                                   \
    static void on_##method(methods *self, const request *input, reply##_Closure closure,          \
                            void *data)                                                            \
    {                                                                                              \
        (void) closure;                                                                            \
        function(((methods_object *) self)->owner, input, rpc_call_of(data));                      \
    }

#endif
