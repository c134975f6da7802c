// methods - a hash table from full name to service and index, filled once at the start.
// uthash's default hash falls through switch cases, which clang reports.
#define HASH_FUNCTION                HASH_FNV
#define HASH_NONFATAL_OOM            1
#define uthash_nonfatal_oom(element) ((element)->lost = true)

#include "rpc/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

typedef struct row {
    rpc_method method;
    call_metrics metrics;
    bool lost;  // there was no memory to put it into the table
    UT_hash_handle hh;
} row;

struct rpc_methods {
    row *rows;
};

rpc_methods *rpc_methods_new(void)
{
    return calloc(1, sizeof(rpc_methods));
}

static void row_free(row *r)
{
    free(r->method.name);
    free(r);
}

void rpc_methods_free(rpc_methods *methods)
{
    if (methods == NULL) {
        return;
    }
    row *each;
    row *next;
    HASH_ITER(hh, methods->rows, each, next)
    {
        HASH_DEL(methods->rows, each);
        row_free(each);
    }
    free(methods);
}

static row *row_new(ProtobufCService *service, unsigned index)
{
    const ProtobufCMethodDescriptor *method = &service->descriptor->methods[index];
    row *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    if (asprintf(&r->method.name, "/%s/%s", service->descriptor->name, method->name) < 0) {
        free(r);
        return NULL;
    }
    r->method.service = service;
    r->method.index = index;
    r->method.input = method->input;
    r->method.metrics = &r->metrics;
    call_metrics_init(&r->metrics, r->method.name);
    return r;
}

static bool insert(rpc_methods *methods, row *r)
{
    HASH_ADD_KEYPTR(hh, methods->rows, r->method.name, strlen(r->method.name), r);
    return !r->lost;
}

bool rpc_methods_add(rpc_methods *methods, ProtobufCService *service)
{
    for (unsigned i = 0; i < service->descriptor->n_methods; i++) {
        row *r = row_new(service, i);
        if (r == NULL) {
            return false;
        }
        if (!insert(methods, r)) {
            row_free(r);
            return false;
        }
    }
    return true;
}

const rpc_method *rpc_methods_find(const rpc_methods *methods, slice name)
{
    row *found = NULL;
    HASH_FIND(hh, methods->rows, name.bytes, name.size, found);
    return found == NULL ? NULL : &found->method;
}
