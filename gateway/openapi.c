// openapi - the OpenAPI 3.1 document of the HTTP API, made from the routes and the messages.
//
// It says what the tables say: a new route or a new field is in it without anybody's doing.
#include "gateway/openapi.h"

#include "gateway/connect.h"
#include "gateway/openapi_internal.h"
#include "json/names.h"

#include <pthread.h>
#include <string.h>

#define TEXT    "{\"type\":\"string\"}"
#define PROBLEM "{\"$ref\":\"#/components/responses/Problem\"}"

typedef struct writer {
    buf *out;
    openapi_types types;
} writer;

// Of a route that has an RPC.
static const ProtobufCMethodDescriptor *rpc_of(const route *r)
{
    static const ProtobufCMethodDescriptor none;
    const ProtobufCMethodDescriptor *found =
        r->service != NULL ? protobuf_c_service_descriptor_get_method_by_name(r->service, r->rpc)
                           : NULL;
    return found != NULL ? found : &none;
}

// ---- paths: {queue.name} is {queue} ----

static void append_path(buf *out, const char *pattern)
{
    while (*pattern != '\0') {
        size_t size = strcspn(pattern, "{");
        buf_append(out, pattern, size);
        pattern += size;
        size = strcspn(pattern, ".}");
        buf_append(out, pattern, size);
        pattern += strcspn(pattern, "}");
    }
}

static bool same_path(const route *a, const route *b)
{
    AUTO_BUF left = {0};
    AUTO_BUF right = {0};
    append_path(&left, a->pattern);
    append_path(&right, b->pattern);
    const char *one = buf_text(&left);
    const char *other = buf_text(&right);
    return one != NULL && other != NULL && strcmp(one, other) == 0;
}

// ---- parameters ----

static void append_parameter(writer *w, const char *name, size_t size, const char *place,
                             bool *first)
{
    buf_append_format(w->out, "%s{\"name\":\"%.*s\",\"in\":\"%s\",%s\"schema\":", *first ? "" : ",",
                      (int) size, name, place,
                      strcmp(place, "path") == 0 ? "\"required\":true," : "");
    *first = false;
}

static void append_text_parameter(writer *w, const char *name, const char *place, bool *first)
{
    append_parameter(w, name, strlen(name), place, first);
    buf_append_text(w->out, "{\"type\":\"string\"}}");
}

static void append_variables(writer *w, const route *r, bool *first)
{
    for (const char *at = strchr(r->pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        append_parameter(w, at + 1, strcspn(at + 1, ".}"), "path", first);
        buf_append_text(w->out, "{\"type\":\"string\"}}");
    }
}

static bool is_variable(const route *r, const char *name)
{
    size_t size = strlen(name);
    const char *at = strchr(r->pattern, '{');
    while (at != NULL && (strncmp(at + 1, name, size) != 0 || at[1 + size] != '}')) {
        at = strchr(at + 1, '{');
    }
    return at != NULL;
}

// A query carries what fits into a text: no messages of our own.
static bool is_queried(const route *r, const ProtobufCFieldDescriptor *field)
{
    bool waits_by_itself =
        openapi_note_of(r)->answer == OPENAPI_EVENTS && strcmp(field->name, "wait") == 0;
    return !is_variable(r, field->name) && !waits_by_itself &&
           (field->type != PROTOBUF_C_TYPE_MESSAGE ||
            wellknown_kind_of(field->descriptor) != WELLKNOWN_NONE);
}

static void append_query(writer *w, const route *r, bool *first)
{
    const ProtobufCMethodDescriptor *rpc = rpc_of(r);
    if (rpc->input == NULL || r->body == ROUTE_MESSAGE_BODY || r->body == ROUTE_QUEUE_BODY) {
        return;
    }
    for (unsigned i = 0; i < rpc->input->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &rpc->input->fields[i];
        if (is_queried(r, field)) {
            AUTO_BUF name = {0};
            names_append_camel(&name, field->name);
            append_parameter(w, (const char *) name.bytes, name.size, "query", first);
            openapi_append_field(w->out, &w->types, rpc->input, field);
            buf_append_char(w->out, '}');
        }
    }
}

static void append_parameters(writer *w, const route *r)
{
    bool first = true;
    openapi_answer answer = openapi_note_of(r)->answer;
    buf_append_text(w->out, "\"parameters\":[");
    append_variables(w, r, &first);
    append_query(w, r, &first);
    if (r->service != NULL && strcmp(r->method, "GET") != 0) {
        append_text_parameter(w, "Idempotency-Key", "header", &first);
    }
    if (answer == OPENAPI_SUBMIT) {
        append_text_parameter(w, "Prefer", "header", &first);
        append_text_parameter(w, "traceparent", "header", &first);
    } else if (answer == OPENAPI_EVENTS) {
        append_text_parameter(w, "Last-Event-ID", "header", &first);
    } else if (answer == OPENAPI_TAGGED) {
        append_text_parameter(w, "If-None-Match", "header", &first);
    }
    buf_append_char(w->out, ']');
}

// ---- bodies ----

static const ProtobufCMessageDescriptor *field_type(const ProtobufCMessageDescriptor *message,
                                                    const char *name)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message, name);
    return field != NULL ? field->descriptor : NULL;
}

static const ProtobufCMessageDescriptor *body_type(const route *r)
{
    switch (r->body) {
    case ROUTE_NO_BODY:
        return NULL;
    case ROUTE_OPTIONAL_BODY:
    case ROUTE_MESSAGE_BODY:
        return rpc_of(r)->input;
    case ROUTE_JOB_BODY:
        return field_type(rpc_of(r)->input, "job");
    case ROUTE_QUEUE_BODY:
        return field_type(rpc_of(r)->input, "queue");
    }
    return NULL;
}

static void append_content(writer *w, const ProtobufCMessageDescriptor *type, const char *example)
{
    buf_append_text(w->out, "\"content\":{\"application/json\":{\"schema\":");
    openapi_append_ref(w->out, &w->types, type);
    if (example != NULL) {
        buf_append_format(w->out, ",\"example\":%s", example);
    }
    buf_append_text(w->out, "}}");
}

static void append_body(writer *w, const route *r)
{
    const ProtobufCMessageDescriptor *type = body_type(r);
    if (type != NULL) {
        buf_append_format(w->out, ",\"requestBody\":{\"required\":%s,",
                          r->body == ROUTE_OPTIONAL_BODY ? "false" : "true");
        append_content(w, type, openapi_note_of(r)->request);
        buf_append_char(w->out, '}');
    }
}

// ---- answers ----

static void append_reply(writer *w, const route *r, const char *code, const char *description)
{
    buf_append_format(w->out, "\"%s\":{\"description\":\"%s\",", code, description);
    append_content(w, rpc_of(r)->output, openapi_note_of(r)->reply);
    buf_append_text(w->out, "},");
}

static void append_other(writer *w, const char *code, const char *type, const char *schema)
{
    buf_append_format(w->out,
                      "\"%s\":{\"description\":\"OK\",\"content\":{\"%s\":{\"schema\":%s}}},", code,
                      type, schema);
}

static void append_answers(writer *w, const route *r)
{
    buf_append_text(w->out, ",\"responses\":{");
    switch (openapi_note_of(r)->answer) {
    case OPENAPI_REPLY:
        append_reply(w, r, "200", "OK");
        break;
    case OPENAPI_SUBMIT:
        append_reply(w, r, "200", "It existed already, or has ended within the wait");
        append_reply(w, r, "201", "Taken, and kept");
        break;
    case OPENAPI_TAGGED:
        append_reply(w, r, "200", "OK");
        buf_append_text(w->out, "\"304\":{\"description\":\"It is as the tag says\"},");
        break;
    case OPENAPI_RESULT:
        append_reply(w, r, "200", "It has ended");
        append_reply(w, r, "202", "The state so far");
        break;
    case OPENAPI_OUTPUT:
        append_other(w, "200", "*/*", "{}");
        append_reply(w, r, "202", "The state so far");
        break;
    case OPENAPI_EVENTS:
        append_other(w, "200", "text/event-stream", TEXT);
        buf_append_text(w->out, "\"204\":{\"description\":\"There is nothing more to come\"},");
        break;
    case OPENAPI_STATUS:
        append_other(w, "200", "application/json",
                     "{\"type\":\"object\",\"required\":[\"status\"],"
                     "\"properties\":{\"status\":{\"type\":\"string\"}}}");
        break;
    case OPENAPI_METRICS:
        append_other(w, "200", "text/plain", TEXT);
        break;
    case OPENAPI_OBJECT:
        append_other(w, "200", "application/json", "{\"type\":\"object\"}");
        break;
    case OPENAPI_PAGE:
        append_other(w, "200", "text/html", TEXT);
        break;
    case OPENAPI_SCRIPT:
        append_other(w, "200", "text/javascript", TEXT);
        break;
    case OPENAPI_STYLE:
        append_other(w, "200", "text/css", TEXT);
        break;
    }
    buf_append_text(w->out, "\"default\":" PROBLEM "}");
}

// ---- operations ----

static void append_lower(buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        buf_append_char(out, *text >= 'A' && *text <= 'Z' ? (char) (*text + 'a' - 'A') : *text);
    }
}

static void append_operation(writer *w, const route *r)
{
    const char *summary = openapi_note_of(r)->summary;
    buf_append_char(w->out, '"');
    append_lower(w->out, r->method);
    buf_append_format(w->out, "\":{\"summary\":\"%s\",\"tags\":[\"%s\"],",
                      *summary == '\0' && r->rpc != NULL ? r->rpc : summary,
                      r->service != NULL ? r->service->short_name : "Gateway");
    append_parameters(w, r);
    append_body(w, r);
    append_answers(w, r);
    buf_append_char(w->out, '}');
}

static bool is_first_of_path(const route *routes, size_t at)
{
    size_t i = 0;
    while (i < at && !same_path(&routes[i], &routes[at])) {
        i++;
    }
    return i == at;
}

static void append_routes(writer *w)
{
    size_t count;
    const route *routes = routes_list(&count);
    for (size_t i = 0; i < count; i++) {
        if (!is_first_of_path(routes, i)) {
            continue;
        }
        buf_append_text(w->out, i > 0 ? ",\n\"" : "\n\"");
        append_path(w->out, routes[i].pattern);
        buf_append_text(w->out, "\":{");
        append_operation(w, &routes[i]);
        for (size_t k = i + 1; k < count; k++) {
            if (same_path(&routes[i], &routes[k])) {
                buf_append_char(w->out, ',');
                append_operation(w, &routes[k]);
            }
        }
        buf_append_char(w->out, '}');
    }
}

// ---- the Connect protocol: each method is a path of its own ----

static void append_method(writer *w, const ProtobufCServiceDescriptor *service,
                          const ProtobufCMethodDescriptor *method)
{
    buf_append_format(w->out,
                      ",\n\"/%s/%s\":{\"post\":{\"summary\":\"%s by the Connect protocol\","
                      "\"tags\":[\"Connect\"],\"requestBody\":{\"required\":true,",
                      service->name, method->name, method->name);
    append_content(w, method->input, NULL);
    buf_append_text(w->out, "},\"responses\":{\"200\":{\"description\":\"OK\",");
    append_content(w, method->output, NULL);
    buf_append_text(w->out, "},\"default\":{\"description\":\"A failure\",\"content\":{"
                            "\"application/json\":{\"schema\":{\"type\":\"object\",\"required\":"
                            "[\"code\"],\"properties\":{\"code\":{\"type\":\"string\"},"
                            "\"message\":{\"type\":\"string\"}}}}}}}}}");
}

static void append_methods(writer *w)
{
    const ProtobufCServiceDescriptor *service;
    for (size_t i = 0; (service = connect_service(i)) != NULL; i++) {
        for (unsigned k = 0; k < service->n_methods; k++) {
            append_method(w, service, &service->methods[k]);
        }
    }
}

// ---- the document ----

static const char head[] =
    "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Errand\",\"version\":\"" ERRAND_VERSION "\","
    "\"description\":\"Background work for other services: submit jobs, fetch their results.\","
    "\"license\":{\"name\":\"Apache 2.0\",\"identifier\":\"Apache-2.0\"}},"
    "\"servers\":[{\"url\":\"/\"}],\"security\":[{},{\"token\":[]}],\"paths\":{";

static const char tail[] =
    "},\"responses\":{\"Problem\":{\"description\":\"A failure (RFC 9457)\",\"content\":{"
    "\"application/problem+json\":{\"schema\":{\"type\":\"object\","
    "\"required\":[\"type\",\"title\",\"status\",\"code\"],\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"code\":{\"type\":\"string\"},\"violations\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\"},"
    "\"description\":{\"type\":\"string\"}}}}}},"
    "\"example\":{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
    "\"detail\":\"no job 01890a5d-ac96-774b-bcce-b302099a8057\",\"code\":\"NOT_FOUND\"}}}}},"
    "\"securitySchemes\":{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"}}}}\n";

static buf document;

static void make_document(void)
{
    writer w = {.out = &document};
    buf_append_text(w.out, head);
    append_routes(&w);
    append_methods(&w);
    buf_append_text(w.out, "},\n\"components\":{\"schemas\":{");
    openapi_append_schemas(w.out, &w.types);
    buf_append_text(w.out, tail);
}

const buf *openapi_document(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, make_document);
    return document.failed ? NULL : &document;
}
