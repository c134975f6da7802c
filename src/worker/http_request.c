// http_request - a job's HttpRequest as options of an easy handle.
#include "base/trace.h"
#include "worker/http_guard.h"
#include "worker/http_transfer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEADER_BYTES 65536  // longest header line that we send

static bool has_header(const Errand__V1__HttpRequest *request, const char *name)
{
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strcasecmp(request->headers[i]->key, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool append_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);
    if (longer != NULL) {
        *list = longer;
    }
    return longer != NULL;
}

// curl wants an empty value written as "Name;".
static bool append_header(struct curl_slist **list, const char *name, const char *value)
{
    AUTO_BUF line;
    buf_init(&line, HEADER_BYTES);
    (void) buf_append_text(&line, name);
    if (*value == '\0') {
        (void) buf_append_char(&line, ';');
    } else {
        (void) buf_append_text(&line, ": ");
        (void) buf_append_text(&line, value);
    }
    const char *text = buf_text(&line);
    return text != NULL && append_line(list, text);
}

static const char *method_of(const Errand__V1__HttpRequest *request)
{
    if (*request->method != '\0') {
        return request->method;
    }
    return request->body.len > 0 ? "POST" : "GET";
}

// Requests that have a body, even an empty one.
static bool sends_body(const Errand__V1__HttpRequest *request)
{
    const char *method = method_of(request);
    return request->body.len > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

// To a body curl would add a content type of its own, and wait for a 100 that few origins send.
static bool append_defaults(http_transfer *t)
{
    if (!sends_body(t->request)) {
        return true;
    }
    if (!has_header(t->request, "Content-Type") && !append_line(&t->headers, "Content-Type:")) {
        return false;
    }
    return has_header(t->request, "Expect") || append_line(&t->headers, "Expect:");
}

// The call is a step of its own in the trace of its job, unless the submitter has said otherwise.
static bool append_trace(http_transfer *t)
{
    static const char name[] = "traceparent: ";
    char line[sizeof name + TRACE_PARENT_SIZE];
    if (!trace_parent_is_valid(t->traceparent) || has_header(t->request, "traceparent")) {
        return true;
    }
    memcpy(line, name, sizeof name);
    trace_parent_child(t->traceparent, line + sizeof name - 1);
    return append_line(&t->headers, line);
}

static bool build_headers(http_transfer *t)
{
    for (size_t i = 0; i < t->request->n_headers; i++) {
        const Errand__V1__HttpRequest__HeadersEntry *entry = t->request->headers[i];
        if (!append_header(&t->headers, entry->key, entry->value)) {
            return false;
        }
    }
    return append_trace(t) && append_defaults(t) &&
           curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

static bool set_body(http_transfer *t)
{
    const char *body = t->request->body.len == 0 ? "" : (const char *) t->request->body.data;
    return curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t) t->request->body.len) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;
}

// GET, HEAD and POST are curl's own, so that it changes them on redirects as browsers do.
static bool set_method(http_transfer *t)
{
    bool has_body = t->request->body.len > 0;
    const char *method = method_of(t->request);
    if (sends_body(t->request) && !set_body(t)) {
        return false;
    }
    if (strcmp(method, "POST") == 0 || (strcmp(method, "GET") == 0 && !has_body)) {
        return true;
    }
    if (strcmp(method, "HEAD") == 0 && !has_body) {
        return curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    }
    return curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

static bool follows_redirects(const Errand__V1__HttpRequest *request)
{
    return request->follow_redirects == NULL || request->follow_redirects->value;
}

static bool may_reach(const http_transfer *t, const struct sockaddr *address)
{
    bool withdrawn = t->private_withdrawn != NULL && atomic_load(t->private_withdrawn);
    return http_guard_allows(address, t->allow_private && !withdrawn);
}

// Each address is looked at when its socket is opened, so that neither a redirect nor a name that
// changes its address gets around it.
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void) purpose;
    http_transfer *t = (http_transfer *) data;
    if (!may_reach(t, &address->addr)) {
        const char *bytes = (const char *) &address->addr;
        size_t offset = address->family == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_addr)
                                                    : offsetof(struct sockaddr_in, sin_addr);
        if (inet_ntop(address->family, bytes + offset, t->blocked, sizeof t->blocked) == NULL) {
            strcpy(t->blocked, "?");
        }
        return CURL_SOCKET_BAD;
    }
    t->opened_hop = http_redirects(t);
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool may_reach_text(const http_transfer *t, const char *text)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        return may_reach(t, (const struct sockaddr *) &four);
    }
    return inet_pton(AF_INET6, text, &six.sin6_addr) == 1 &&
           may_reach(t, (const struct sockaddr *) &six);
}

// A connection that is open already is used without a new socket: it may have been allowed when it
// was opened, and not be any more.
static int before_request(void *data, char *address, char *own, int port, int own_port)
{
    (void) own;
    (void) port;
    (void) own_port;
    http_transfer *t = (http_transfer *) data;
    if (may_reach_text(t, address)) {
        return CURL_PREREQFUNC_OK;
    }
    (void) snprintf(t->blocked, sizeof t->blocked, "%s", address);
    return CURL_PREREQFUNC_ABORT;
}

static bool set_guard(http_transfer *t)
{
    return curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, before_request) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t) == CURLE_OK;
}

static bool set_limits(http_transfer *t)
{
    return curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION,
                            follows_redirects(t->request) ? 1L : 0L) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_MAXREDIRS, (long) HTTP_MAX_REDIRECTS) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PROXY, "") == CURLE_OK && set_guard(t);
}

// The attempt has a deadline of its own. QUICK_EXIT: an abort does not wait for a resolver thread.
static bool set_habits(http_transfer *t)
{
    return curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT, 60L) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_2TLS) ==
               CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_ACCEPT_ENCODING, "") == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "errand/" ERRAND_VERSION) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;
}

http_transfer *http_transfer_of(CURL *easy)
{
    char *transfer = NULL;
    (void) curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
    return (http_transfer *) (void *) transfer;
}

status *http_request_apply(http_transfer *t)
{
    curl_easy_reset(t->easy);
    if (set_habits(t) && set_limits(t) && set_method(t) && build_headers(t) &&
        http_response_apply(t) &&
        curl_easy_setopt(t->easy, CURLOPT_URL, t->request->url) == CURLE_OK) {
        return NULL;
    }
    return status_new(STATUS_RESOURCE_EXHAUSTED, "the request can not be set up");
}
