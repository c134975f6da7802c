// http_hosts - lets so many transfers to one host begin; the others wait here in line.
//
// libcurl has such a limit too, but looks at all that wait whenever one ends. Those that have begun
// are spread over the groups of an http_loop, the first of them filled first.
#ifndef ERRAND_WORKER_HTTP_HOSTS_H
#define ERRAND_WORKER_HTTP_HOSTS_H

#include "worker/http_loop.h"
#include "worker/http_transfer.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct http_hosts {
    size_t max;          // transfers at once to one host; 0: no limit
    http_host *by_name;  // a hash table of those that have any
    unsigned in_group[HTTP_GROUPS];
} http_hosts;

// http_hosts_enter is true when the transfer to this URL may begin, in its group. Otherwise it
// stands in line.
bool http_hosts_enter(http_hosts *hosts, http_transfer *t, const char *url);

// http_hosts_leave takes out a transfer that has ended or waits; returns the one that may begin
// instead, or NULL.
http_transfer *http_hosts_leave(http_hosts *hosts, http_transfer *t);

// http_hosts_waits tells whether the transfer stands in line.
bool http_hosts_waits(const http_transfer *t);

#endif
