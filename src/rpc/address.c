// address - where a server listens, or is dialed.
#include "rpc/address.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PORT 65535

static bool is_port(const char *text)
{
    size_t size = strspn(text, "0123456789");
    return size > 0 && size <= 5 && text[size] == '\0' && strtol(text, NULL, 10) <= MAX_PORT;
}

// A name, an IPv4 address, an IPv6 address in brackets; nothing or * are all interfaces.
static bool is_host(const char *text, size_t size)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
    if (size == 0 || (size == 1 && *text == '*')) {
        return true;
    }
    if (*text == '[') {
        return size > 2 && text[size - 1] == ']' && strspn(text + 1, plain) == size - 2;
    }
    return strcspn(text, ":%") == size && strspn(text, plain) >= size;
}

bool address_is_good(const char *url)
{
    if (strncmp(url, "ipc://", 6) == 0) {
        return url[6] != '\0';
    }
    url += strncmp(url, "tls+", 4) == 0 ? 4 : 0;
    if (strncmp(url, "tcp://", 6) != 0) {
        return false;
    }
    const char *host = url + 6, *colon = strrchr(host, ':');
    return colon != NULL && is_host(host, (size_t) (colon - host)) && is_port(colon + 1);
}
