// queue_set - what errand queue set asks of the server.
#ifndef ERRAND_CLI_QUEUE_SET_H
#define ERRAND_CLI_QUEUE_SET_H

#include "cli.h"

// queue_set_request makes the request in the arena: the settings given become the update mask, and
// the value `none` leaves its setting out.
status *queue_set_request(const cli_args *args, arena *memory,
                          Errand__V1__UpdateQueueRequest **ret);

#endif
