// attend - calls that wait while somebody looks whether their client is still there.
#ifndef ERRAND_GATEWAY_ATTEND_H
#define ERRAND_GATEWAY_ATTEND_H

#include "gateway/routes.h"

// attend_run is upstream_run for a call that may wait: it fails with CANCELLED soon after the
// client has gone, and nothing is kept waiting for it at the server. Jobs that a Lease hands to a
// client that has gone are given back.
status *attend_run(api_call *call, upstream_reply_fn *on_reply, void *data)
    __attribute__((warn_unused_result));

#endif
