// framing - where a request ends, judged more strictly than civetweb does. Pure.
//
// A proxy and a server that disagree on where a request ends let a stranger hide one request in
// another. So whatever can be read in two ways is refused, and the connection closed.
#ifndef ERRAND_GATEWAY_FRAMING_H
#define ERRAND_GATEWAY_FRAMING_H

#include "gateway/exchange.h"

// framing_check sets content_length. False: refused, and the connection goes.
bool framing_check(exchange *x);

// framing_expects_continue tells whether the client waits for `100 Continue` before it sends the
// body.
bool framing_expects_continue(const exchange *x);

#endif
