// queues - queues as rows of a table, and page by page.
#ifndef ERRAND_CLI_QUEUES_H
#define ERRAND_CLI_QUEUES_H

#include "cli.h"

// queues_each gives each queue, by name, to the function until that does not answer CLI_OK.
typedef cli_exit queues_fn(void *data, const Errand__V1__Queue *queue);
cli_exit queues_each(cli *c, queues_fn *take, void *data);

int64_t queues_depth(const Errand__V1__Queue *queue, const char *state);
void queues_print_head(void);
void queues_print_row(const Errand__V1__Queue *queue);
// queues_show prints one queue, as a table or as JSON, and frees it.
cli_exit queues_show(const cli *c, ProtobufCMessage *queue);

#endif
