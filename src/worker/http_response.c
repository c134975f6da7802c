// http_response - collects the answer to a transfer, and reports what became of it.
#include "worker/http_outcome.h"
#include "worker/http_transfer.h"
#include "worker/text.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_STEP_BYTES 65536

#define SHOWN_BODY_BYTES 200  // of an answer that is no success, in the failure's message

size_t http_max_body(const http_transfer *t)
{
    return t->request->max_body_bytes > 0 ? (size_t) t->request->max_body_bytes
                                          : HTTP_DEFAULT_MAX_BODY;
}

long http_redirects(const http_transfer *t)
{
    long count = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_COUNT, &count);
    return count;
}

static http_verdict judge(const http_transfer *t)
{
    long http_status = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http_status);
    return http_judge_status(http_status, t->request->success_codes, t->request->n_success_codes);
}

// ---- collecting ----

static size_t stop(http_transfer *t, http_stop why)
{
    t->stop = why;
    return CURL_WRITEFUNC_ERROR;
}

static size_t keep_failed_body(http_transfer *t, const char *bytes, size_t size)
{
    size_t left = HTTP_FAILED_BODY_BYTES - t->body.size;
    if (!buf_append(&t->body, bytes, size < left ? size : left)) {
        return stop(t, HTTP_STOP_MEMORY);
    }
    t->skipped_bytes += size < left ? 0 : size - left;
    return t->skipped_bytes > HTTP_FAILED_BODY_SKIP ? stop(t, HTTP_STOP_ENOUGH) : size;
}

// Bytes of the body, now and then. What is short is over before anybody looks.
static void tell_progress(http_transfer *t)
{
    curl_off_t total = 0;
    if ((int64_t) t->body.size - t->told_bytes < PROGRESS_STEP_BYTES) {
        return;
    }
    if (curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &total) != CURLE_OK ||
        total < (curl_off_t) t->body.size) {
        total = 0;  // not said, or of the encoded body
    }
    t->told_bytes = (int64_t) t->body.size;
    t->side->tell_progress(t, (int64_t) t->body.size, (int64_t) total);
}

static size_t on_body(char *bytes, size_t one, size_t size, void *data)
{
    (void) one;
    http_transfer *t = (http_transfer *) data;
    if (judge(t).code != STATUS_OK) {
        return keep_failed_body(t, bytes, size);
    }
    if (size > http_max_body(t) - t->body.size) {
        return stop(t, HTTP_STOP_BODY);
    }
    if (!t->side->may_grow(t, t->body.size + size)) {
        return CURL_WRITEFUNC_PAUSE;
    }
    if (!buf_append(&t->body, bytes, size)) {
        return stop(t, HTTP_STOP_MEMORY);
    }
    tell_progress(t);
    return size;
}

static size_t on_header(char *bytes, size_t one, size_t size, void *data)
{
    (void) bytes;
    (void) one;
    http_transfer *t = (http_transfer *) data;
    t->header_bytes += size;
    return t->header_bytes > HTTP_MAX_HEADER_BYTES ? stop(t, HTTP_STOP_HEADERS) : size;
}

bool http_response_apply(http_transfer *t)
{
    buf_clear(&t->body);
    t->header_bytes = 0;
    t->skipped_bytes = 0;
    t->told_bytes = 0;
    t->result = NULL;
    t->stop = HTTP_STOP_NONE;
    t->opened_hop = -1;
    t->blocked[0] = '\0';
    t->error[0] = '\0';
    return curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK;
}

// ---- success ----

// libcurl 7.88 leaves the end of the line in a value that is empty.
static const char *value_of(const struct curl_header *header)
{
    return strcmp(header->value, "\r") == 0 ? "" : header->value;
}

static Errand__V1__HttpResult__HeadersEntry *make_entry(http_transfer *t,
                                                        const struct curl_header *header)
{
    Errand__V1__HttpResult__HeadersEntry *entry = arena_alloc(t->memory, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    errand__v1__http_result__headers_entry__init(entry);
    entry->key = text_from_header(header->name, t->memory);
    entry->value = text_from_header(value_of(header), t->memory);
    if (entry->key == NULL || entry->value == NULL) {
        return NULL;
    }
    for (char *c = entry->key; *c != '\0'; c++) {
        *c = (char) tolower((unsigned char) *c);
    }
    return entry;
}

static bool is_repeated(http_transfer *t, const char *name)
{
    struct curl_header *header = NULL;
    return curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
           header->amount > 1;
}

// All values of one name, joined by ", ".
static char *joined_value(http_transfer *t, const char *name)
{
    AUTO_BUF all;
    buf_init(&all, (size_t) HTTP_MAX_HEADER_BYTES * 2);
    struct curl_header *header = NULL;
    for (size_t i = 0; curl_easy_header(t->easy, name, i, CURLH_HEADER, -1, &header) == CURLHE_OK;
         i++) {
        (void) buf_append_text(&all, i == 0 ? "" : ", ");
        (void) buf_append_text(&all, value_of(header));
    }
    const char *text = buf_text(&all);
    return text == NULL ? NULL : text_from_header(text, t->memory);
}

// Not while the headers are gone through: looking one up moves that on to behind it.
static bool join_repeated(http_transfer *t, Errand__V1__HttpResult *result)
{
    for (size_t i = 0; i < result->n_headers; i++) {
        Errand__V1__HttpResult__HeadersEntry *entry = result->headers[i];
        if (is_repeated(t, entry->key) && (entry->value = joined_value(t, entry->key)) == NULL) {
            return false;
        }
    }
    return true;
}

static struct curl_header *next_header(http_transfer *t, struct curl_header *before)
{
    struct curl_header *header = before;
    do {
        header = curl_easy_nextheader(t->easy, CURLH_HEADER, -1, header);
    } while (header != NULL && header->index != 0);  // the others come with the first
    return header;
}

static bool collect_headers(http_transfer *t, Errand__V1__HttpResult *result)
{
    size_t count = 0;
    bool any_repeated = false;
    for (struct curl_header *h = next_header(t, NULL); h != NULL; h = next_header(t, h)) {
        any_repeated = any_repeated || h->amount > 1;
        count++;
    }
    result->headers = arena_alloc(t->memory, (count + 1) * sizeof *result->headers);
    if (result->headers == NULL) {
        return false;
    }
    for (struct curl_header *h = next_header(t, NULL); h != NULL; h = next_header(t, h)) {
        Errand__V1__HttpResult__HeadersEntry *entry = make_entry(t, h);
        if (entry == NULL || result->n_headers == count) {
            return false;
        }
        result->headers[result->n_headers++] = entry;
    }
    return !any_repeated || join_repeated(t, result);
}

static bool collect_info(http_transfer *t, Errand__V1__HttpResult *result)
{
    long http_status = 0;
    const char *type = NULL;
    const char *url = NULL;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http_status);
    (void) curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    (void) curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
    result->status = (int32_t) http_status;
    result->content_type = text_from_header(type == NULL ? "" : type, t->memory);
    result->url = text_from_header(url == NULL ? "" : url, t->memory);
    result->body = (ProtobufCBinaryData){.len = t->body.size, .data = t->body.bytes};
    return result->content_type != NULL && result->url != NULL;
}

__attribute__((format(printf, 3, 4))) static void fail(http_transfer *t, http_verdict verdict,
                                                       const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void) vsnprintf(t->message, sizeof t->message, format, args);
    va_end(args);
    t->failure = (attempt_failure){
        .code = verdict.code, .retryable = verdict.retryable, .message = t->message};
}

static Google__Protobuf__Duration *take_time(http_transfer *t)
{
    Google__Protobuf__Duration *total = arena_alloc(t->memory, sizeof *total);
    if (total != NULL) {
        google__protobuf__duration__init(total);
        curl_off_t total_us = 0;
        (void) curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total_us);
        total->seconds = total_us / 1000000;
        total->nanos = (int32_t) (total_us % 1000000) * 1000;
    }
    return total;
}

static Errand__V1__Result *make_result(http_transfer *t)
{
    Errand__V1__Result *result = arena_alloc(t->memory, sizeof *result);
    Errand__V1__HttpResult *http = arena_alloc(t->memory, sizeof *http);
    if (result == NULL || http == NULL) {
        return NULL;
    }
    errand__v1__result__init(result);
    errand__v1__http_result__init(http);
    result->output_case = ERRAND__V1__RESULT__OUTPUT_HTTP;
    result->http = http;
    http->total_time = take_time(t);
    bool whole = http->total_time != NULL && collect_info(t, http) && collect_headers(t, http);
    return whole ? result : NULL;
}

static void succeed(http_transfer *t)
{
    t->result = make_result(t);
    if (t->result == NULL) {
        fail(t, (http_verdict){STATUS_RESOURCE_EXHAUSTED, true}, "out of memory");
    }
}

// ---- failure ----

static void fail_by_status(http_transfer *t, http_verdict verdict)
{
    long http_status = 0;
    (void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http_status);
    char body[SHOWN_BODY_BYTES + 1];
    text_clean(body, sizeof body, t->body.bytes, t->body.size);
    fail(t, verdict, "the answer was %ld%s%s", http_status, *body == '\0' ? "" : ": ", body);
    struct curl_header *after = NULL;
    if (verdict.retryable &&
        curl_easy_header(t->easy, "Retry-After", 0, CURLH_HEADER, -1, &after) == CURLHE_OK) {
        t->failure.retry_after_us =
            http_retry_after_us(after->value, clock_wall_us(clock_system()) / 1000000);
    }
}

static void fail_by_transfer(http_transfer *t, CURLcode result)
{
    // A host may have addresses of both sorts: one that was tried may be better next time.
    if (t->blocked[0] != '\0' &&
        (result == CURLE_ABORTED_BY_CALLBACK ||
         (result == CURLE_COULDNT_CONNECT && t->opened_hop < http_redirects(t)))) {
        fail(t, (http_verdict){STATUS_PERMISSION_DENIED, false},
             "connecting to address %s is not allowed", t->blocked);
    } else if (result == CURLE_TOO_MANY_REDIRECTS) {
        fail(t, http_judge_transfer(result), "more than %d redirects", HTTP_MAX_REDIRECTS);
    } else {
        fail(t, http_judge_transfer(result), "%s",
             t->error[0] != '\0' ? t->error : curl_easy_strerror(result));
    }
}

static void fail_by_stop(http_transfer *t)
{
    switch (t->stop) {
    case HTTP_STOP_BODY:
        fail(t, (http_verdict){STATUS_RESOURCE_EXHAUSTED, false},
             "the response body is longer than max_body_bytes, %zu bytes", http_max_body(t));
        return;
    case HTTP_STOP_HEADERS:
        fail(t, (http_verdict){STATUS_RESOURCE_EXHAUSTED, false},
             "the response headers are longer than %d bytes", HTTP_MAX_HEADER_BYTES);
        return;
    case HTTP_STOP_ENOUGH:
        fail_by_status(t, judge(t));
        return;
    case HTTP_STOP_MEMORY:
    case HTTP_STOP_NONE:
        break;
    }
    fail(t, (http_verdict){STATUS_RESOURCE_EXHAUSTED, true}, "out of memory");
}

void http_response_collect(http_transfer *t, CURLcode result)
{
    if (t->stop != HTTP_STOP_NONE) {
        fail_by_stop(t);
        return;
    }
    if (result != CURLE_OK) {
        fail_by_transfer(t, result);
        return;
    }
    http_verdict verdict = judge(t);
    if (verdict.code == STATUS_OK) {
        succeed(t);
    } else {
        fail_by_status(t, verdict);
    }
}

void http_response_refuse(http_transfer *t, status *failure)
{
    t->result = NULL;
    fail(t, (http_verdict){failure->code, true}, "%s", failure->message);
    status_free(failure);
}

void http_response_report(http_transfer *t)
{
    if (t->result != NULL) {
        attempt_succeed(t->attempt, t->result);
    } else {
        attempt_fail(t->attempt, &t->failure);
    }
}
