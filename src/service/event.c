// event - the body of a callback: a signed event per Standard Webhooks 1.0.0, or the result's
// bytes.
#include "service/internal.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "job/text.h"
#include "job/time.h"
#include "job/view.h"
#include "json/codec.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// A larger result is left out of the event: receivers want less than 20 kB, and can fetch it.
#define MAX_EVENT_RESULT 16384

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static bool add_header(Errand__V1__HttpRequest *http, const char *name, const char *value,
                       arena *memory)
{
    size_t count = http->n_headers;
    Errand__V1__HttpRequest__HeadersEntry **headers =
        arena_alloc(memory, (count + 1) * sizeof *headers);
    Errand__V1__HttpRequest__HeadersEntry *entry = arena_alloc(memory, sizeof *entry);
    if (headers == NULL || entry == NULL) {
        return false;
    }
    errand__v1__http_request__headers_entry__init(entry);
    entry->key = arena_strdup(memory, name);
    entry->value = arena_strdup(memory, value);
    if (count > 0) {
        memcpy(headers, http->headers, count * sizeof *headers);
    }
    headers[count] = entry;
    http->headers = headers;
    http->n_headers = count + 1;
    return entry->key != NULL && entry->value != NULL;
}

// ---- RAW ----

static void raw_of(const Errand__V1__Result *result, ProtobufCBinaryData *ret_body,
                   const char **ret_type, bool *ret_json)
{
    *ret_type = "application/octet-stream";
    *ret_json = false;
    if (result == NULL) {
        return;
    }
    switch (result->output_case) {
    case ERRAND__V1__RESULT__OUTPUT_HTTP:
        *ret_body = result->http->body;
        *ret_type = result->http->content_type;
        break;
    case ERRAND__V1__RESULT__OUTPUT_EXEC:
        *ret_body = result->exec->stdout;
        break;
    case ERRAND__V1__RESULT__OUTPUT_DATA:
        *ret_body = result->data->body;
        *ret_type = result->data->content_type;
        break;
    case ERRAND__V1__RESULT__OUTPUT_VALUE:
        *ret_type = "application/json";
        *ret_json = true;
        break;
    case ERRAND__V1__RESULT__OUTPUT__NOT_SET:
    case _ERRAND__V1__RESULT__OUTPUT__CASE_IS_INT_SIZE:
        break;
    }
}

static status *keep_body(Errand__V1__HttpRequest *http, const buf *text, arena *memory)
{
    http->body.data = arena_copy(memory, text->bytes, text->size);
    http->body.len = text->size;
    return text->failed || (text->size > 0 && http->body.data == NULL) ? no_memory() : NULL;
}

// The bytes alone do not say whose they are, nor that there are none because the job failed.
static bool add_origin(const engine_assignment *a, Errand__V1__HttpRequest *http, arena *memory)
{
    char id[UUID_TEXT_SIZE];
    return add_header(http, "errand-job-id", uuid_format(&a->parent_row.id, id), memory) &&
           add_header(http, "errand-job-state", job_state_name(a->parent_row.state), memory);
}

// A worker says it, and a line end in it would begin a header of its own.
static bool is_sendable(const char *type)
{
    return type[0] != '\0' && strlen(type) <= TEXT_HEADER_VALUE_MAX && text_is_header_value(type);
}

static status *fill_raw(const engine_assignment *a, const Errand__V1__Result *result,
                        Errand__V1__HttpRequest *http, arena *memory)
{
    const char *type;
    bool json;
    raw_of(result, &http->body, &type, &json);
    if (json) {
        AUTO_BUF text;
        buf_init(&text, 0);
        status *failure = json_encode(&result->value->base, &text);
        if (failure == NULL) {
            failure = keep_body(http, &text, memory);
        }
        if (failure != NULL) {
            return failure;
        }
    }
    if (!is_sendable(type)) {
        type = "application/octet-stream";
    }
    bool added = add_header(http, "content-type", type, memory) && add_origin(a, http, memory);
    return added ? NULL : no_memory();
}

// ---- EVENT ----

static status *event_text(const engine_assignment *a, Errand__V1__Job *parent, int64_t now_us,
                          buf *out)
{
    char state[16];
    Google__Protobuf__Timestamp when = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    (void) snprintf(state, sizeof state, "%s", job_state_name(a->parent_row.state));
    for (char *c = state; *c != '\0'; c++) {
        *c = (char) tolower((unsigned char) *c);
    }
    time_to_timestamp(now_us, &when);
    (void) buf_append_format(out, "{\"type\":\"job.%s\",\"timestamp\":", state);
    status *failure = json_encode(&when.base, out);
    (void) buf_append_text(out, ",\"data\":{\"job\":");
    if (failure == NULL) {
        failure = json_encode(&parent->base, out);
    }
    (void) buf_append_text(out, "}}");
    return failure;
}

// "": there is none. A name that is not configured any more is an error: its receiver trusts only
// what is signed.
static status *secret_of(const service *s, const Errand__V1__Callback *callback, const char **ret)
{
    *ret = callback->secret;
    if (callback->secret[0] != '\0' || callback->secret_name[0] == '\0') {
        return NULL;
    }
    for (size_t i = 0; i < s->options.secret_count; i++) {
        if (strcmp(s->options.secrets[i].name, callback->secret_name) == 0) {
            *ret = s->options.secrets[i].secret;
            return NULL;
        }
    }
    return status_new(STATUS_FAILED_PRECONDITION,
                      "the signing secret \"%s\" is not configured any more",
                      callback->secret_name);
}

static bool sign(const char *secret, const char *id, const char *timestamp,
                 const Errand__V1__HttpRequest *http, char ret[64])
{
    uint8_t key[256], mac[SHA256_BYTES];
    size_t key_size = 0, prefix = strlen("whsec_");
    size_t size = strlen(secret);
    if (size <= prefix || size > 200 ||
        !crypto_base64_decode(secret + prefix, size - prefix, key, &key_size)) {
        return false;
    }
    const crypto_part parts[] = {
        {id, strlen(id)},
        {".", 1},
        {timestamp, strlen(timestamp)},
        {".", 1},
        {http->body.data, http->body.len},
    };
    crypto_hmac_sha256(key, key_size, parts, sizeof parts / sizeof parts[0], mac);
    memcpy(ret, "v1,", sizeof "v1,");
    crypto_base64_encode(mac, sizeof mac, ret + 3);
    return true;
}

static status *sign_event(const service *s, const engine_assignment *a,
                          const Errand__V1__Callback *callback, Errand__V1__HttpRequest *http,
                          arena *memory)
{
    char id[UUID_TEXT_SIZE], timestamp[24], signature[64];
    const char *secret;
    status *failure = secret_of(s, callback, &secret);
    if (failure != NULL) {
        return failure;
    }
    (void) uuid_format(&a->row.id, id);
    (void) snprintf(timestamp, sizeof timestamp, "%" PRId64, a->row.start_us / 1000000);
    if (!add_header(http, "content-type", "application/json", memory) ||
        !add_header(http, "webhook-id", id, memory) ||
        !add_header(http, "webhook-timestamp", timestamp, memory)) {
        return no_memory();
    }
    if (secret[0] == '\0') {
        return NULL;
    }
    if (!sign(secret, id, timestamp, http, signature)) {
        return status_new(STATUS_INTERNAL, "the signing secret can not be used");
    }
    return add_header(http, "webhook-signature", signature, memory) ? NULL : no_memory();
}

static status *fill_event(const service *s, const engine_assignment *a, Errand__V1__Job *parent,
                          Errand__V1__Result *result, Errand__V1__HttpRequest *http, arena *memory)
{
    const Errand__V1__Callback *callback = parent->callback;
    // job_view_fill forgets the secret.
    Errand__V1__Callback secret_holder = *callback;
    secret_holder.secret = arena_strdup(memory, callback->secret);
    AUTO_BUF text;
    buf_init(&text, 0);
    if (secret_holder.secret == NULL || !job_view_fill(parent, &a->parent_row, false, memory)) {
        return no_memory();
    }
    if (a->parent_result.size <= MAX_EVENT_RESULT) {
        parent->result = result;
    }
    status *failure = NULL;
    if (a->parent_row.state != JOB_SUCCEEDED) {
        failure = view_error(a->parent_attempt, memory, &parent->error);
    }
    if (failure == NULL) {
        failure = event_text(a, parent, a->parent_row.finish_us, &text);
    }
    if (failure == NULL) {
        failure = keep_body(http, &text, memory);
    }
    return failure != NULL ? failure : sign_event(s, a, &secret_holder, http, memory);
}

status *event_fill(service *s, const engine_assignment *a, Errand__V1__Job *job, arena *memory)
{
    Errand__V1__Job *parent = NULL;
    Errand__V1__Result *result = NULL;
    status *failure = job_spec_decode(a->parent_spec, memory, &parent);
    if (failure == NULL) {
        failure = view_result(a->parent_result, memory, &result);
    }
    if (failure != NULL) {
        return failure;
    }
    if (parent->callback == NULL || job->input_case != ERRAND__V1__JOB__INPUT_HTTP) {
        return status_new(STATUS_DATA_LOSS, "a stored callback is damaged");
    }
    return parent->callback->format == ERRAND__V1__CALLBACK__FORMAT__RAW
               ? fill_raw(a, result, job->http, memory)
               : fill_event(s, a, parent, result, job->http, memory);
}
