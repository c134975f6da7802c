// convert - the API's Status, Timestamp and Duration to and from ours.
#ifndef ERRAND_RPC_CONVERT_H
#define ERRAND_RPC_CONVERT_H

#include "base/arena.h"
#include "base/status.h"

#include "errand/rpc/v1/status.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

// convert_status_to_proto builds a message in the arena; NULL for NULL or out of memory.
Errand__Rpc__V1__Status *convert_status_to_proto(const status *s, arena *memory);
// convert_status_clean makes its texts good UTF-8, as the way through a message would.
void convert_status_clean(status *s);
// convert_status_from_proto: NULL for NULL or code OK; an unknown code is UNKNOWN.
status *convert_status_from_proto(const Errand__Rpc__V1__Status *message);

#endif
