// address - which of the addresses that a server announces for its results can be dialed. Pure.
#include "worker/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct parts {
    const char *scheme, *host, *port;  // the host with its brackets; the port with its colon
    size_t scheme_size, host_size;
} parts;

static bool has_host(const parts *url)
{
    return strncmp(url->scheme, "tcp", url->scheme_size) == 0 ||
           strncmp(url->scheme, "tls+tcp", url->scheme_size) == 0;
}

// False when it is no URL, or one with hosts and no port.
static bool split(const char *text, parts *ret)
{
    const char *end = strstr(text, "://");
    if (end == NULL) {
        return false;
    }
    *ret = (parts){.scheme = text, .scheme_size = (size_t) (end - text), .host = end + 3};
    ret->port = strrchr(ret->host, ':');
    ret->host_size = ret->port == NULL ? strlen(ret->host) : (size_t) (ret->port - ret->host);
    return !has_host(ret) || ret->port != NULL;
}

static bool host_is(const parts *url, const char *host)
{
    return strlen(host) == url->host_size && memcmp(url->host, host, url->host_size) == 0;
}

// Addresses that mean another machine wherever they are used.
static bool is_relative(const parts *url)
{
    static const char *const hosts[] = {"0.0.0.0", "*", "", "[::]", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        if (host_is(url, hosts[i])) {
            return true;
        }
    }
    return strncmp(url->host, "127.", 4) == 0;
}

static bool same_scheme(const parts *a, const parts *b)
{
    return a->scheme_size == b->scheme_size && memcmp(a->scheme, b->scheme, a->scheme_size) == 0;
}

static const char *pick(const parts *rpc, char *const *announced, size_t count, parts *ret)
{
    const char *second = NULL;
    for (size_t i = 0; i < count; i++) {
        parts url;
        if (!split(announced[i], &url)) {
            continue;
        }
        if (same_scheme(&url, rpc)) {
            *ret = url;
            return announced[i];
        }
        if (second == NULL && has_host(&url) && has_host(rpc)) {
            *ret = url;
            second = announced[i];
        }
    }
    return second;
}

char *address_of_results(const char *rpc_url, char *const *announced, size_t count)
{
    parts rpc, url;
    const char *found = split(rpc_url, &rpc) ? pick(&rpc, announced, count, &url) : NULL;
    if (found == NULL || !has_host(&url) || !is_relative(&url)) {
        return found == NULL ? NULL : strdup(found);
    }
    char *whole = NULL;
    int size = asprintf(&whole, "%.*s://%.*s%s", (int) url.scheme_size, url.scheme,
                        (int) rpc.host_size, rpc.host, url.port);
    return size < 0 ? NULL : whole;
}
