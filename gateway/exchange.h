// exchange - one HTTP request and the reply that is being made for it; knows nothing of sockets.
//
// An exchange belongs to one thread and is used again for its next request.
#ifndef ERRAND_GATEWAY_EXCHANGE_H
#define ERRAND_GATEWAY_EXCHANGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXCHANGE_MAX_FIELDS 64

typedef struct http_field {
    const char *name;
    const char *value;
} http_field;

typedef struct exchange exchange;

// exchange_body_fn reads the whole request body into x->body. False: it was refused.
typedef bool exchange_body_fn(exchange *x);

// exchange_stream_fn sends a piece of a reply whose end is not known yet, and with the first piece
// the head. False: the client is gone.
typedef bool exchange_stream_fn(exchange *x, const buf *piece);

// exchange_hold_fn counts the bytes that a request takes in all against the common cap. False: it
// was refused.
typedef bool exchange_hold_fn(exchange *x, size_t size);

// exchange_alive_fn tells whether the client is still there.
typedef bool exchange_alive_fn(exchange *x);

// exchange_wait_begin_fn says that the reply will take a while: gone runs, on another thread, if
// the client goes before exchange_wait_end_fn, which tells whether it has.
typedef void exchange_gone_fn(void *data);
typedef void exchange_wait_begin_fn(exchange *x, exchange_gone_fn *gone, void *data);
typedef bool exchange_wait_end_fn(exchange *x);

// exchange_failure_fn writes a failure in the form of the protocol spoken, in place of a problem.
typedef void exchange_failure_fn(exchange *x, int http_status, const status *failure);

// Which route a request took.
typedef struct exchange_route {
    const void *key;  // tells routes apart; NULL: none
    const char *method;
    const char *pattern;
} exchange_route;

struct exchange {
    // The request. Texts are borrowed from the connection.
    const char *method;
    const char *path;   // as sent, not decoded
    const char *query;  // as sent, without the '?'; NULL: none
    http_field fields[EXCHANGE_MAX_FIELDS];
    size_t field_count;
    const char *remote;      // the client's address
    const char *request_id;  // NULL: none yet
    int64_t start_us;        // monotonic
    exchange_route route;
    bool is_http_1_0;
    int64_t content_length;  // -1: chunked
    exchange_body_fn *read_body;
    size_t max_body_bytes;   // may be raised before the body is read
    exchange_hold_fn *hold;  // NULL: nobody counts
    exchange_alive_fn *is_alive;
    exchange_wait_begin_fn *wait_begin;  // NULL: nobody looks
    exchange_wait_end_fn *wait_end;
    buf body;       // the request's
    arena *memory;  // reset after the exchange; not there before the first
    size_t memory_cap;

    // The reply.
    int http_status;
    const char *content_type;
    const char *cache_control;
    bool assume_gzip;                    // of a client that does not say what it takes
    exchange_failure_fn *write_failure;  // NULL: problems
    void *failure_data;                  // its own
    buf extra;                           // further header lines, each with its end
    buf reply;                           // the body
    bool close;                          // the connection goes after the reply
    exchange_stream_fn *stream;
    bool streaming;  // the reply is sent in pieces, the head is out
    void *owner;     // of the connection, for the file that made the exchange
};

void exchange_init(exchange *x, size_t memory_cap);
void exchange_fini(exchange *x);
// exchange_reset makes it ready for the next request; large buffers are given back. False: no
// memory.
bool exchange_reset(exchange *x);

// exchange_field returns the value of the first field of that name, in any case; NULL if absent.
const char *exchange_field(const exchange *x, const char *name);
// exchange_list returns the values of all fields of that name, which is right for those that hold
// lists (RFC 9110, section 5.3): joined by commas; NULL if absent.
const char *exchange_list(const exchange *x, const char *name);
size_t exchange_count_fields(const exchange *x, const char *name);
bool exchange_is_method(const exchange *x, const char *method);  // HEAD counts as GET
bool exchange_has_body(const exchange *x);

// exchange_add_header adds a header field to the reply. Value must come without line ends.
void exchange_add_header(exchange *x, const char *name, const char *value);

// exchange_phrase is the reason phrase of an HTTP status.
const char *exchange_phrase(int http_status);

#endif
