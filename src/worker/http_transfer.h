// http_transfer - one HTTP call under way: the easy handle, and what has come of it so far.
#ifndef ERRAND_WORKER_HTTP_TRANSFER_H
#define ERRAND_WORKER_HTTP_TRANSFER_H

#include "base/buf.h"
#include "base/status.h"
#include "worker/attempt.h"
#include "worker/handover.h"
#include "worker/room.h"

#include "errand/v1/job.pb-c.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define HTTP_MAX_REDIRECTS     10
#define HTTP_DEFAULT_MAX_BODY  (16 << 20)
#define HTTP_MAX_HEADER_BYTES  (256 << 10)  // of all responses of one transfer
#define HTTP_FAILED_BODY_BYTES 512          // kept of the body of an answer that is no success
#define HTTP_FAILED_BODY_SKIP  (64 << 10)  // read beyond that, so that the connection can be reused

// Why we ended the transfer ourselves.
typedef enum http_stop {
    HTTP_STOP_NONE,
    HTTP_STOP_BODY,     // longer than its cap
    HTTP_STOP_HEADERS,  // more than HTTP_MAX_HEADER_BYTES
    HTTP_STOP_ENOUGH,   // of the body of a failure
    HTTP_STOP_MEMORY,
} http_stop;

typedef struct http_host http_host;
typedef struct http_transfer http_transfer;

// What a transfer needs while it is under way, on the worker's own thread or on one of a crew.
typedef struct http_side {
    // may_grow is asked before the body grows to size. False: it rests, and is resumed some time.
    bool (*may_grow)(http_transfer *t, size_t size);
    // tell_progress tells bytes of the body; total is 0 when that is not known.
    void (*tell_progress)(http_transfer *t, int64_t done, int64_t total);
} http_side;

// What a crew and its home tell each other of a transfer; see http_crew.c.
typedef enum http_note_kind {
    HTTP_NOTE_BEGIN,
    HTTP_NOTE_CANCEL,
    HTTP_NOTE_GRANTED,
    HTTP_NOTE_ENDED,
    HTTP_NOTE_RELEASED,
    HTTP_NOTE_ASKED,
    HTTP_NOTE_PROGRESSED,
    HTTP_NOTE_COUNT,
} http_note_kind;

typedef struct http_note {
    handover_item item;
    http_transfer *transfer;
} http_note;

// Of those in a crew's hands only the worker's own thread knows attempt, host, line and place.
struct http_transfer {
    CURL *easy;
    attempt *attempt;                        // NULL: it was given up
    arena *memory;                           // the attempt's
    const Errand__V1__HttpRequest *request;  // in that memory
    const char *traceparent;                 // of its job; "": none
    const http_side *side;
    bool allow_private;
    const atomic_bool *private_withdrawn;  // NULL: never
    struct curl_slist *headers;
    buf body;
    size_t header_bytes;
    size_t skipped_bytes;
    http_stop stop;
    long opened_hop;                 // redirects before the last socket that was allowed; -1: none
    char blocked[INET6_ADDRSTRLEN];  // an address that is not; "": none
    char error[CURL_ERROR_SIZE];
    struct http_transfer *next;  // in the pool
    http_host *host;             // http_hosts.c; NULL: not counted
    unsigned group;              // of the http_loop
    bool in_line;                // of the host
    struct http_transfer *line_prev, *line_next;
    room *room;
    room_place place;

    int64_t told_bytes;          // of the body, by tell_progress
    Errand__V1__Result *result;  // once it is over; in memory. NULL: a failure
    attempt_failure failure;
    char message[CURL_ERROR_SIZE + 64];  // of the failure

    struct http_lane *lane;  // http_crew.c; NULL: on the worker's own thread
    http_note notes[HTTP_NOTE_COUNT];
    bool is_cancelled;                           // home's
    bool has_begun, has_ended, has_asked;        // the thread's
    http_transfer *arrived_prev, *arrived_next;  // of those that have not begun; the thread's
    size_t asked_bytes, granted_bytes;           // for the body
    _Atomic int64_t told_done, told_total;
};

// http_transfer_of is that to which an easy handle belongs.
http_transfer *http_transfer_of(CURL *easy);

// http_request_apply puts the request on the easy handle, which is reset first.
status *http_request_apply(http_transfer *t);

// http_response_apply sets the callbacks that collect the answer.
bool http_response_apply(http_transfer *t);

// http_response_collect makes out of a transfer that has ended what is to be reported,
// http_response_refuse out of one that could not begin, whose failure it takes.
void http_response_collect(http_transfer *t, CURLcode result);
void http_response_refuse(http_transfer *t, status *failure);

// http_response_report tells it to the attempt, which is gone then. On the worker's own thread.
void http_response_report(http_transfer *t);

// http_redirects is the number of redirects followed so far.
long http_redirects(const http_transfer *t);

size_t http_max_body(const http_transfer *t);

#endif
