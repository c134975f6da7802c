// patience - Watch calls, one after the other, that wait at the server for news.
#ifndef ERRAND_CLI_PATIENCE_H
#define ERRAND_CLI_PATIENCE_H

#include "cli.h"

typedef struct patience {
    Google__Protobuf__Duration wait;  // for the requests: the longest that the server allows
    int64_t asked_us;                 // monotonic: the call before
    int64_t pause_ms;                 // before asking again, when the server would not wait
} patience;

void patience_init(patience *p);

// patience_watch calls Watch with a request that has the wait.
errand_error *patience_watch(patience *p, const cli *c, const ProtobufCServiceDescriptor *service,
                             const ProtobufCMessage *request, ProtobufCMessage **ret);

// patience_pause is for answers without news: when they came early it sleeps, longer each time.
void patience_pause(patience *p);

#endif
