// http_hosts - lets so many transfers to one host begin; the others wait here in line.
#include "worker/http_hosts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

struct http_host {
    UT_hash_handle hh;
    size_t active;  // transfers that have begun
    unsigned in_group[HTTP_GROUPS];
    http_transfer *waiting;  // a list
    char name[];             // scheme and authority
};

// Scheme, host and port in lower case, without a user.
static http_host *host_new(const char *url)
{
    const char *colon = strstr(url, "://");
    const char *authority = colon == NULL ? url : colon + 3;
    size_t scheme = (size_t) (authority - url);
    size_t size = strcspn(authority, "/?#");
    for (const char *at = memchr(authority, '@', size); at != NULL;
         at = memchr(authority, '@', size)) {
        size -= (size_t) (at + 1 - authority);
        authority = at + 1;
    }
    http_host *host = calloc(1, sizeof *host + scheme + size + 1);
    if (host == NULL) {
        return NULL;
    }
    memcpy(host->name, url, scheme);
    memcpy(host->name + scheme, authority, size);
    for (char *c = host->name; *c != '\0'; c++) {
        *c = (char) tolower((unsigned char) *c);
    }
    return host;
}

static http_host *host_of(http_hosts *hosts, const char *url)
{
    http_host *fresh = host_new(url);
    http_host *known = NULL;
    if (fresh == NULL) {
        return NULL;
    }
    HASH_FIND_STR(hosts->by_name, fresh->name, known);
    if (known != NULL) {
        free(fresh);
        return known;
    }
    HASH_ADD_STR(hosts->by_name, name, fresh);
    return fresh;
}

static bool is_emptier(const http_hosts *hosts, const http_host *host, unsigned a, unsigned b)
{
    return host->in_group[a] != host->in_group[b] ? host->in_group[a] < host->in_group[b]
                                                  : hosts->in_group[a] < hosts->in_group[b];
}

// The first group that is not full; if all are, the emptiest.
static unsigned find_group(const http_hosts *hosts, const http_host *host)
{
    unsigned best = 0;
    for (unsigned i = 0; i < HTTP_GROUPS; i++) {
        if (host->in_group[i] < HTTP_GROUP_TRANSFERS && hosts->in_group[i] < HTTP_GROUP_ALL) {
            return i;
        }
        if (is_emptier(hosts, host, i, best)) {
            best = i;
        }
    }
    return best;
}

static void begin(http_hosts *hosts, http_host *host, http_transfer *t)
{
    t->group = find_group(hosts, host);
    hosts->in_group[t->group]++;
    host->in_group[t->group]++;
    host->active++;
}

bool http_hosts_enter(http_hosts *hosts, http_transfer *t, const char *url)
{
    t->group = 0;
    t->host = host_of(hosts, url);
    if (t->host == NULL) {
        return true;  // no memory; libcurl has the limit too
    }
    t->in_line = hosts->max > 0 && t->host->active == hosts->max;
    if (t->in_line) {
        DL_APPEND2(t->host->waiting, t, line_prev, line_next);
    } else {
        begin(hosts, t->host, t);
    }
    return !t->in_line;
}

static http_transfer *first_in_line(http_hosts *hosts, http_host *host)
{
    http_transfer *first = host->waiting;
    if (first != NULL) {
        DL_DELETE2(host->waiting, first, line_prev, line_next);
        first->in_line = false;
        begin(hosts, host, first);
    }
    return first;
}

http_transfer *http_hosts_leave(http_hosts *hosts, http_transfer *t)
{
    http_host *host = t->host;
    t->host = NULL;
    if (host == NULL) {
        return NULL;
    }
    if (t->in_line) {
        DL_DELETE2(host->waiting, t, line_prev, line_next);
        t->in_line = false;
        return NULL;  // others have begun, or this one would not have waited
    }
    host->active--;
    host->in_group[t->group]--;
    hosts->in_group[t->group]--;
    http_transfer *next = first_in_line(hosts, host);
    if (host->active == 0) {
        HASH_DEL(hosts->by_name, host);
        free(host);
    }
    return next;
}

bool http_hosts_waits(const http_transfer *t)
{
    return t->in_line;
}
