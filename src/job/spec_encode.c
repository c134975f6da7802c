// spec_encode - equal content, equal bytes: protobuf leaves the order of map entries open.
#include "job/spec.h"

#include "base/crypto.h"
#include "base/pack.h"

#include <stddef.h>
#include <string.h>

#define HEADS_BYTES 24  // what stands before the id and the trace, at most

_Static_assert(JOB_HASH_BYTES == SHA256_BYTES, "the content hash is a SHA-256");

// What all map entries with string keys have in common.
typedef struct map_entry {
    ProtobufCMessage base;
    char *key;
} map_entry;

#define IS_MAP_ENTRY(type)                                                                         \
    _Static_assert(offsetof(type, key) == offsetof(map_entry, key), #type " begins otherwise")
IS_MAP_ENTRY(Errand__V1__HttpRequest__HeadersEntry);
IS_MAP_ENTRY(Errand__V1__Command__EnvEntry);
IS_MAP_ENTRY(Errand__V1__Callback__HeadersEntry);
IS_MAP_ENTRY(Errand__V1__Job__LabelsEntry);
IS_MAP_ENTRY(Google__Protobuf__Struct__FieldsEntry);

static int compare_entries(const void *a, const void *b)
{
    const map_entry *const *left = a;
    const map_entry *const *right = b;
    return strcmp((*left)->key, (*right)->key);
}

// The entries in order of their keys: the array itself when it is, else a sorted copy of it.
static void *sorted_entries(void *entries, size_t count, arena *memory)
{
    const map_entry *const *array = entries;
    size_t i = 1;
    while (i < count && compare_entries(&array[i - 1], &array[i]) <= 0)
        i++;
    if (i >= count)
        return entries;
    void *copy = arena_copy(memory, entries, count * sizeof(void *));
    if (copy)
        qsort(copy, count, sizeof(void *), compare_entries);
    return copy;
}

static bool sort_value(Google__Protobuf__Value **value, arena *memory);

static bool sort_struct(Google__Protobuf__Struct **object, arena *memory)
{
    Google__Protobuf__Struct *copy = arena_copy(memory, *object, sizeof **object);
    size_t count = copy ? copy->n_fields : 0;
    Google__Protobuf__Struct__FieldsEntry **fields = arena_alloc(memory, count * sizeof *fields);
    if (!copy || !fields)
        return false;
    for (size_t i = 0; i < count; i++) {
        fields[i] = arena_copy(memory, copy->fields[i], sizeof **fields);
        if (!fields[i] || !sort_value(&fields[i]->value, memory))
            return false;
    }
    qsort(fields, count, sizeof *fields, compare_entries);
    copy->fields = fields;
    *object = copy;
    return true;
}

static bool sort_list(Google__Protobuf__ListValue **list, arena *memory)
{
    Google__Protobuf__ListValue *copy = arena_copy(memory, *list, sizeof **list);
    if (!copy)
        return false;
    copy->values = arena_copy(memory, copy->values, copy->n_values * sizeof *copy->values);
    if (!copy->values)
        return false;
    for (size_t i = 0; i < copy->n_values; i++)
        if (!sort_value(&copy->values[i], memory))
            return false;
    *list = copy;
    return true;
}

// Replaces a value by one whose objects are in order. The depth was bounded at decoding.
static bool sort_value(Google__Protobuf__Value **value, arena *memory)
{
    bool is_struct = *value && (*value)->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE;
    bool is_list = *value && (*value)->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE;
    if (!is_struct && !is_list)
        return true;
    Google__Protobuf__Value *copy = arena_copy(memory, *value, sizeof **value);
    if (!copy)
        return false;
    *value = copy;
    if (is_struct)
        return copy->struct_value->n_fields == 0 || sort_struct(&copy->struct_value, memory);
    return copy->list_value->n_values == 0 || sort_list(&copy->list_value, memory);
}

static bool sort_http(Errand__V1__HttpRequest **http, arena *memory)
{
    Errand__V1__HttpRequest *copy = arena_copy(memory, *http, sizeof **http);
    if (!copy)
        return false;
    copy->headers = sorted_entries(copy->headers, copy->n_headers, memory);
    *http = copy;
    return copy->n_headers == 0 || copy->headers;
}

static bool sort_exec(Errand__V1__Command **exec, arena *memory)
{
    Errand__V1__Command *copy = arena_copy(memory, *exec, sizeof **exec);
    if (!copy)
        return false;
    copy->env = sorted_entries(copy->env, copy->n_env, memory);
    *exec = copy;
    return copy->n_env == 0 || copy->env;
}

static bool sort_callback(Errand__V1__Callback **callback, arena *memory)
{
    Errand__V1__Callback *copy = arena_copy(memory, *callback, sizeof **callback);
    if (!copy)
        return false;
    copy->headers = sorted_entries(copy->headers, copy->n_headers, memory);
    *callback = copy;
    return copy->n_headers == 0 || copy->headers;
}

static bool is_sorted(const Google__Protobuf__Value *value);

static bool is_sorted_struct(const Google__Protobuf__Struct *object)
{
    for (size_t i = 0; i < object->n_fields; i++)
        if ((i > 0 && strcmp(object->fields[i - 1]->key, object->fields[i]->key) > 0) ||
            !is_sorted(object->fields[i]->value))
            return false;
    return true;
}

static bool is_sorted_list(const Google__Protobuf__ListValue *list)
{
    for (size_t i = 0; i < list->n_values; i++)
        if (!is_sorted(list->values[i]))
            return false;
    return true;
}

// Most encoders write objects in order already.
static bool is_sorted(const Google__Protobuf__Value *value)
{
    if (value && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRUCT_VALUE)
        return is_sorted_struct(value->struct_value);
    if (value && value->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_LIST_VALUE)
        return is_sorted_list(value->list_value);
    return true;
}

static bool sort_input(Errand__V1__Job *job, arena *memory)
{
    if (job->input_case == ERRAND__V1__JOB__INPUT_HTTP && job->http->n_headers > 1)
        return sort_http(&job->http, memory);
    if (job->input_case == ERRAND__V1__JOB__INPUT_EXEC && job->exec->n_env > 1)
        return sort_exec(&job->exec, memory);
    if (job->input_case == ERRAND__V1__JOB__INPUT_ARGS)
        return is_sorted(job->args) || sort_value(&job->args, memory);
    return true;
}

// Replaces what is out of order in a shallow copy of a job.
static bool sort_maps(Errand__V1__Job *job, arena *memory)
{
    job->labels = sorted_entries(job->labels, job->n_labels, memory);
    if (job->n_labels > 0 && !job->labels)
        return false;
    if (job->callback && job->callback->n_headers > 1 && !sort_callback(&job->callback, memory))
        return false;
    return sort_input(job, memory);
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left to encode the job");
}

static bool pack(const Errand__V1__Job *job, packer *p)
{
    packer_init(p);
    return pack_message(p, &job->base);
}

static status *keep(const packer *p, arena *memory, slice *ret)
{
    slice packed = pack_bytes(p);
    uint8_t *bytes = arena_copy(memory, packed.bytes, packed.size);
    if (!bytes)
        return no_memory();
    *ret = (slice){bytes, packed.size};
    return NULL;
}

static bool make_content(const Errand__V1__Job *job, arena *memory, Errand__V1__Job *ret)
{
    *ret = *job;
    ret->id = ret->traceparent = (char *) (uintptr_t) protobuf_c_empty_string;  // they lack const
    return sort_maps(ret, memory);
}

// Nearly all jobs are so much smaller than the limit that it does not matter what beside the
// content counts.
static status *judge_size(const Errand__V1__Job *job, size_t content_bytes,
                          const job_limits *limits)
{
    size_t bytes = content_bytes + strlen(job->id) + strlen(job->traceparent) + HEADS_BYTES;
    return bytes <= limits->max_input_bytes ? NULL : job_spec_measure(job, limits);
}

// Neither the id nor the trace that a job belongs to is content: the same job may come again in
// another trace.
status *job_spec_encode_within(const Errand__V1__Job *job, const job_limits *limits, arena *memory,
                               slice *ret_spec, uint8_t ret_hash[static JOB_HASH_BYTES])
{
    Errand__V1__Job content;
    if (!make_content(job, memory, &content))
        return no_memory();
    packer p;
    status *failure = pack(&content, &p) ? NULL : no_memory();
    slice packed = pack_bytes(&p);
    if (!failure && limits)
        failure = judge_size(job, packed.size, limits);
    if (!failure)
        failure = keep(&p, memory, ret_spec);
    if (!failure)
        crypto_sha256(packed.bytes, packed.size, ret_hash);
    packer_fini(&p);
    return failure;
}

status *job_spec_encode_trace(const Errand__V1__Job *job, arena *memory, slice *ret_spec)
{
    Errand__V1__Job content;
    if (!make_content(job, memory, &content))
        return no_memory();
    content.traceparent = job->traceparent;
    packer p;
    status *failure = pack(&content, &p) ? keep(&p, memory, ret_spec) : no_memory();
    packer_fini(&p);
    return failure;
}

status *job_spec_encode(const Errand__V1__Job *job, arena *memory, slice *ret_spec,
                        uint8_t ret_hash[static JOB_HASH_BYTES])
{
    slice spec;
    status *failure = job_spec_encode_within(job, NULL, memory, &spec, ret_hash);
    if (!failure && *job->traceparent)
        failure = job_spec_encode_trace(job, memory, &spec);
    if (!failure)
        *ret_spec = spec;
    return failure;
}
