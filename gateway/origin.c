// origin - which web pages may talk to the gateway: the rules for Host and Origin.
#include "gateway/origin.h"

#include "gateway/problem.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define MAX_HOST 256

// Copies the host part of host:port, without the brackets of an IPv6 address.
static bool split_host(const char *text, char ret[static MAX_HOST])
{
    const char *start = text;
    size_t size;
    const char *rest;
    if (*text == '[') {
        start = text + 1;
        size = strcspn(start, "]");
        rest = start + size + (start[size] == ']');
    } else {
        size = strcspn(text, ":");
        rest = text + size;
    }
    if (size == 0 || size >= MAX_HOST) {
        return false;
    }
    memcpy(ret, start, size);
    ret[size] = '\0';
    return *rest == '\0' || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0');
}

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

bool origin_host_known(const origin_rules *rules, const char *host)
{
    char name[MAX_HOST];
    if (!split_host(host, name)) {
        return false;
    }
    if (is_address(name) || strcasecmp(name, "localhost") == 0 ||
        (rules->listen_host != NULL && strcasecmp(name, rules->listen_host) == 0)) {
        return true;
    }
    for (size_t i = 0; i < rules->host_count; i++) {
        if (strcasecmp(name, rules->hosts[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_host(const origin_rules *rules, exchange *x)
{
    size_t count = exchange_count_fields(x, "Host");
    if (count == 0 && x->is_http_1_0) {
        return true;
    }
    if (count != 1) {
        x->close = true;
        return problem_refuse(x, 400, "exactly one Host field is needed");
    }
    if (!origin_host_known(rules, exchange_field(x, "Host"))) {
        return problem_refuse(x, 403,
                              "this gateway does not serve the host in the Host field; names are "
                              "allowed by its configuration");
    }
    return true;
}

// Same origin: scheme://host:port with the very host and port that the request was sent to.
static bool is_own_origin(const exchange *x, const char *origin)
{
    const char *host = exchange_field(x, "Host");
    const char *mark = strstr(origin, "://");
    return host != NULL && mark != NULL && strcasecmp(mark + 3, host) == 0;
}

static bool is_allowed_origin(const origin_rules *rules, const char *origin)
{
    for (size_t i = 0; i < rules->origin_count; i++) {
        if (strcasecmp(rules->origins[i], origin) == 0 || strcmp(rules->origins[i], "*") == 0) {
            return true;
        }
    }
    return false;
}

bool origin_check(const origin_rules *rules, exchange *x)
{
    if (!check_host(rules, x)) {
        return false;
    }
    const char *origin = exchange_field(x, "Origin");
    if (origin == NULL || is_own_origin(x, origin)) {
        return true;
    }
    if (!is_allowed_origin(rules, origin)) {
        return problem_refuse(x, 403, "requests of web pages from another origin are not allowed");
    }
    exchange_add_header(x, "Access-Control-Allow-Origin", origin);
    exchange_add_header(x, "Vary", "Origin");
    return true;
}
