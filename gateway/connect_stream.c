// connect_stream - Watch as a server stream: one enveloped request, then an answer at each change.
//
// An envelope is a byte of flags, the length in four bytes and the message. The last one says how
// the stream ended.
#include "gateway/connect_internal.h"

#include "gateway/compress.h"
#include "gateway/encoding.h"
#include "gateway/follow.h"
#include "gateway/negotiate.h"
#include "gateway/problem.h"

#define HEAD_BYTES 5
#define COMPRESSED 1
#define END_STREAM 2

typedef struct change_stream {
    connect_call *c;
    follower follower;
    bool gzip;
    status *failure;  // of a change that could not be told
    buf envelopes;    // to be sent
} change_stream;

// ---- envelopes ----

static void write_length(uint8_t *at, size_t size)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t) (size >> (24 - 8 * i));
    }
}

static size_t read_length(const uint8_t *at)
{
    return (size_t) at[0] << 24 | (size_t) at[1] << 16 | (size_t) at[2] << 8 | at[3];
}

static void append_envelope(buf *out, uint8_t flags, slice message)
{
    uint8_t head[HEAD_BYTES] = {flags};
    write_length(head + 1, message.size);
    buf_append(out, head, sizeof head);
    buf_append(out, message.bytes, message.size);
}

void connect_append_end(buf *out, const status *failure)
{
    AUTO_BUF end;
    buf_init(&end, 0);
    buf_append_char(&end, '{');
    if (failure != NULL) {
        buf_append_text(&end, "\"error\":");
        connect_append_error(&end, failure);
    }
    buf_append_char(&end, '}');
    out->failed |= end.failed;
    append_envelope(out, END_STREAM, buf_slice(&end));
}

// ---- the request ----

static bool refuse_envelope(exchange *x, status_code code, const char *why)
{
    return problem_take(x, status_new(code, "%s", why));
}

// Takes the one message out of the body.
static bool open_envelope(exchange *x, slice *ret, bool *ret_compressed)
{
    const buf *body = &x->body;
    if (body->size == 0) {
        return refuse_envelope(x, STATUS_UNIMPLEMENTED, "the request has no message");
    }
    if (body->size < HEAD_BYTES || body->size - HEAD_BYTES < read_length(body->bytes + 1)) {
        return refuse_envelope(x, STATUS_INVALID_ARGUMENT, "the envelope is cut off");
    }
    *ret = (slice){body->bytes + HEAD_BYTES, read_length(body->bytes + 1)};
    if (body->size > HEAD_BYTES + ret->size) {
        return refuse_envelope(x, STATUS_UNIMPLEMENTED, "the request has more than one message");
    }
    *ret_compressed = body->bytes[0] == COMPRESSED;
    return body->bytes[0] <= COMPRESSED ||
           refuse_envelope(x, STATUS_INVALID_ARGUMENT, "the envelope has flags of no request");
}

static bool read_request(connect_call *c)
{
    exchange *x = c->call.x;
    slice message = {NULL, 0};
    bool compressed = false;
    if (!x->read_body(x) || !open_envelope(x, &message, &compressed)) {
        return false;
    }
    if (!compressed || message.size == 0) {
        return connect_decode(c, message);
    }
    if (!x->assume_gzip) {
        return refuse_envelope(x, STATUS_INTERNAL,
                               "the message is compressed, without Connect-Content-Encoding");
    }
    buf plain;
    buf_init(&plain, 0);
    bool ok = encoding_unpack(x, message, &plain) && connect_decode(c, buf_slice(&plain));
    buf_fini(&plain);
    return ok;
}

// ---- the answer ----

static void append_message(change_stream *s, slice message)
{
    AUTO_BUF packed;
    buf_init(&packed, 0);
    if (s->gzip && encoding_is_worth_it(message.size) && compress_pack(message, &packed)) {
        append_envelope(&s->envelopes, COMPRESSED, buf_slice(&packed));
    } else {
        append_envelope(&s->envelopes, 0, message);
    }
}

static void on_change(void *data, const ProtobufCMessage *news)
{
    change_stream *s = data;
    AUTO_BUF message;
    buf_init(&message, 0);
    s->failure = connect_encode(s->c->codec, news, &message);
    if (s->failure == NULL) {
        s->envelopes.failed |= message.failed;
        append_message(s, buf_slice(&message));
    }
}

static bool send(change_stream *s)
{
    exchange *x = s->c->call.x;
    bool ok = x->stream(x, &s->envelopes);
    buf_clear(&s->envelopes);
    return ok && (x->is_alive == NULL || x->is_alive(x));
}

// What went wrong with the call, or else with telling the change.
static status *outcome_of(change_stream *s, status *failure)
{
    if (failure == NULL) {
        failure = s->failure;
        s->failure = NULL;
    }
    return failure;
}

// Every failure of the call becomes the end of the stream, and so does success.
static void send_changes(change_stream *s)
{
    exchange *x = s->c->call.x;
    bool there = send(s);
    status *failure = NULL;
    while (there && failure == NULL && !s->follower.ended) {
        failure = outcome_of(s, follow_next(&s->follower));
        if (failure == NULL) {
            there = send(s);
        }
    }
    if (there) {
        connect_append_end(&s->envelopes, failure);
        (void) x->stream(x, &s->envelopes);
    }
    status_free(failure);
}

static void choose_encoding(change_stream *s)
{
    exchange *x = s->c->call.x;
    const char *accepted = exchange_list(x, "Connect-Accept-Encoding");
    s->gzip = accepted != NULL ? negotiate_gzip(accepted) : x->assume_gzip;
    if (s->gzip) {
        exchange_add_header(x, "Connect-Content-Encoding", "gzip");
    }
    exchange_add_header(x, "Connect-Accept-Encoding", "gzip");
}

static void run(change_stream *s)
{
    exchange *x = s->c->call.x;
    choose_encoding(s);
    status *failure = outcome_of(s, follow_first(&s->follower));
    if (failure != NULL) {
        (void) problem_take(x, failure);
        return;
    }
    x->content_type =
        s->c->codec == CONNECT_JSON ? "application/connect+json" : "application/connect+proto";
    send_changes(s);
}

void connect_run_stream(connect_call *c)
{
    exchange *x = c->call.x;
    gateway *g = c->call.gateway;
    c->in_stream = true;
    if (!connect_read_head(c) || !read_request(c)) {
        return;
    }
    change_stream s = {.c = c, .follower = {.call = &c->call, .beat_us = g->heartbeat_us}};
    if (c->call.request->descriptor == &errand__v1__watch_job_request__descriptor) {
        s.follower.revision = ((const Errand__V1__WatchJobRequest *) c->call.request)->revision;
    }
    s.follower.on_change = on_change;
    s.follower.data = &s;
    api_prepare_rpc(&c->call, c->method.service, c->method.descriptor->name);
    if (!follow_admit(g)) {
        (void) problem_refuse(x, 503, "too many streams; try again");
        return;
    }
    run(&s);
    follow_leave(g);
    buf_fini(&s.envelopes);
}
