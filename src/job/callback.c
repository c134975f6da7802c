// callback - the job that tells somebody how another job ended.
#include "job/callback.h"

#include "job/spec.h"

bool job_callback_wanted(const Errand__V1__Job *spec, job_state state)
{
    const Errand__V1__Callback *callback = spec->callback;
    if (!callback || !job_state_is_final(state))
        return false;
    for (size_t i = 0; i < callback->n_on; i++)
        if ((int) callback->on[i] == (int) state)
            return true;
    return callback->n_on == 0;
}

static bool copy_headers(const Errand__V1__Callback *callback, arena *memory,
                         Errand__V1__HttpRequest *http)
{
    size_t count = callback->n_headers;
    if (count == 0)
        return true;
    http->headers = arena_alloc(memory, count * sizeof *http->headers);
    Errand__V1__HttpRequest__HeadersEntry *entries = arena_alloc(memory, count * sizeof *entries);
    if (!http->headers || !entries)
        return false;
    for (size_t i = 0; i < count; i++) {
        errand__v1__http_request__headers_entry__init(&entries[i]);
        entries[i].key = callback->headers[i]->key;
        entries[i].value = callback->headers[i]->value;
        http->headers[i] = &entries[i];
    }
    http->n_headers = count;
    return true;
}

static Errand__V1__HttpRequest *make_http(const Errand__V1__Callback *callback, arena *memory)
{
    Errand__V1__HttpRequest *http = arena_alloc(memory, sizeof *http);
    Google__Protobuf__BoolValue *follow = arena_alloc(memory, sizeof *follow);
    if (!http || !follow)
        return NULL;
    errand__v1__http_request__init(http);
    google__protobuf__bool_value__init(follow);
    follow->value = false;
    http->follow_redirects = follow;
    http->url = callback->url;
    http->method = arena_strdup(memory, "POST");
    return http->method && copy_headers(callback, memory, http) ? http : NULL;
}

static Errand__V1__Job *make_spec(const job_row *parent, const Errand__V1__Job *parent_spec,
                                  arena *memory)
{
    Errand__V1__Job *spec = arena_alloc(memory, sizeof *spec);
    char *parent_id = arena_alloc(memory, UUID_TEXT_SIZE);
    if (!spec || !parent_id)
        return NULL;
    errand__v1__job__init(spec);
    spec->queue = arena_strdup(memory, JOB_CALLBACK_QUEUE);
    spec->parent = uuid_format(&parent->id, parent_id);
    spec->traceparent = parent_spec->traceparent;
    spec->input_case = ERRAND__V1__JOB__INPUT_HTTP;
    spec->http = make_http(parent_spec->callback, memory);
    return spec->queue && spec->http ? spec : NULL;
}

status *job_callback_make(const job_row *parent, const Errand__V1__Job *parent_spec, arena *memory,
                          int64_t now_us, Errand__V1__Job **ret_spec, job_row *ret_row)
{
    Errand__V1__Job *spec = make_spec(parent, parent_spec, memory);
    if (!spec)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left to make a callback");
    job_spec_row(spec, now_us, ret_row);
    ret_row->parent_seq = parent->seq;
    *ret_spec = spec;
    return NULL;
}
