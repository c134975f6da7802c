// access - every request: its id, its line in the log, its count by route and code.
#ifndef ERRAND_GATEWAY_ACCESS_H
#define ERRAND_GATEWAY_ACCESS_H

#include "gateway/exchange.h"

// access_begin gives the request the id that its client sent in X-Request-Id, or a new one, and the
// reply the same.
void access_begin(exchange *x);

// access_ended counts the request, and logs it: always when the gateway or the server failed,
// otherwise if all are to be logged.
void access_ended(const exchange *x, bool log_all);

#endif
