// origin - which web pages may talk to the gateway: the rules for Host and Origin. Pure.
//
// A page in a developer's browser must not be able to submit jobs to a gateway on that machine: not
// by a request of its own (Origin), and not under a name of its own that resolves to 127.0.0.1
// (Host).
#ifndef ERRAND_GATEWAY_ORIGIN_H
#define ERRAND_GATEWAY_ORIGIN_H

#include "gateway/exchange.h"

typedef struct origin_rules {
    char *listen_host;  // name or address the gateway is bound to
    char **hosts;       // further names allowed in Host
    size_t host_count;
    char **origins;  // allowed Origin values
    size_t origin_count;
    bool allow_credentials;  // whether their pages may send cookies and the like
} origin_rules;

// origin_check refuses a foreign Host or Origin; false: refused.
bool origin_check(const origin_rules *rules, exchange *x);

// origin_preflight answers a browser that asks before it sends another page's request; `allow` are
// the methods of the path. Does nothing for other requests.
void origin_preflight(const origin_rules *rules, exchange *x, const char *allow);

// origin_host_known judges the value of a Host field: an address literal, localhost, or a known
// name, each with or without a port.
bool origin_host_known(const origin_rules *rules, const char *host);

#endif
