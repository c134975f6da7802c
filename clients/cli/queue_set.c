// queue_set - errand queue set NAME: changes the settings given.
#include "queue_set.h"
#include "queues.h"

#include "base/units.h"
#include "job/time.h"
#include "json/codec.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *bad_value(const char *option, const char *text, const char *expected)
{
    return status_new(STATUS_INVALID_ARGUMENT, "--%s: found \"%s\", expected %s or none", option,
                      text, expected);
}

static status *make_duration(int64_t us, arena *memory, Google__Protobuf__Duration **ret)
{
    Google__Protobuf__Duration *duration = arena_alloc(memory, sizeof *duration);
    if (duration == NULL)
        return no_memory();
    google__protobuf__duration__init(duration);
    time_to_duration(us, duration);
    *ret = duration;
    return NULL;
}

// parse_rate reads 10/1s, or 10/s for short.
static bool parse_rate(const char *text, int64_t *ret_count, int64_t *ret_per_us)
{
    char *end = NULL;
    char per[32];
    errno = 0;
    long long count = strtoll(text, &end, 10);
    if (errno != 0 || !isdigit((unsigned char) text[0]) || *end != '/')
        return false;
    const char *rest = end + 1;
    (void) snprintf(per, sizeof per, "%s%s", isalpha((unsigned char) rest[0]) ? "1" : "", rest);
    *ret_count = count;
    return units_parse_duration(per, ret_per_us);
}

static status *set_rate(const cli_args *args, const char *text, arena *memory,
                        Errand__V1__Queue *queue)
{
    Errand__V1__RateLimit *rate = arena_alloc(memory, sizeof *rate);
    int64_t per_us;
    if (rate == NULL)
        return no_memory();
    errand__v1__rate_limit__init(rate);
    if (!parse_rate(text, &rate->count, &per_us))
        return bad_value("rate-limit", text, "a number of jobs per time such as 10/1s");
    queue->rate_limit = rate;
    status *s = cli_number(args, "burst", 0, &rate->burst);
    return s != NULL ? s : make_duration(per_us, memory, &rate->per);
}

static status *set_aging(const char *text, arena *memory, Errand__V1__Queue *queue)
{
    int64_t us;
    if (!units_parse_duration(text, &us))
        return bad_value("aging", text, "a duration such as 30s or 10m");
    return make_duration(us, memory, &queue->aging);
}

typedef struct setting {
    const char *option;
    const char *path;
} setting;

static const setting settings[] = {
    {"rate-limit", "rate_limit"},
    {"max-running", "max_running"},
    {"max-per-key", "max_per_key"},
    {"max-depth", "max_depth"},
    {"aging", "aging"},
    {"hold-on-retry-after", "hold_on_retry_after"},
};
#define SETTING_COUNT (sizeof settings / sizeof settings[0])

static status *set_number(const setting *what, const char *text, arena *memory,
                          Errand__V1__Queue *queue)
{
    AUTO(status) bad = json_decode_field(&queue->base, what->path, text, memory);
    return bad == NULL ? NULL : bad_value(what->option, text, "a whole number");
}

static status *set_hold(const char *text, Errand__V1__Queue *queue)
{
    queue->hold_on_retry_after = strcmp(text, "on") == 0;
    if (queue->hold_on_retry_after || strcmp(text, "off") == 0)
        return NULL;
    return bad_value("hold-on-retry-after", text, "on, off");
}

static status *set_value(const cli_args *args, const setting *what, arena *memory,
                         Errand__V1__Queue *queue)
{
    const char *text = cli_text(args, what->option);
    if (strcmp(text, "none") == 0)
        return NULL;
    if (strcmp(what->option, "rate-limit") == 0)
        return set_rate(args, text, memory, queue);
    if (strcmp(what->option, "aging") == 0)
        return set_aging(text, memory, queue);
    if (strcmp(what->option, "hold-on-retry-after") == 0)
        return set_hold(text, queue);
    return set_number(what, text, memory, queue);
}

static status *set_given(const cli_args *args, arena *memory, Errand__V1__UpdateQueueRequest *ret)
{
    status *s = NULL;
    Google__Protobuf__FieldMask *mask = ret->update_mask;
    for (size_t i = 0; s == NULL && i < SETTING_COUNT; i++) {
        if (!cli_has(args, settings[i].option))
            continue;
        mask->paths[mask->n_paths++] = (char *) (uintptr_t) settings[i].path;
        s = set_value(args, &settings[i], memory, ret->queue);
    }
    if (s == NULL && mask->n_paths == 0)
        s = status_new(STATUS_INVALID_ARGUMENT, "queue set needs a setting to change");
    return s;
}

static status *check_burst(const cli_args *args)
{
    const char *rate = cli_text(args, "rate-limit");
    if (cli_has(args, "burst") && (rate == NULL || strcmp(rate, "none") == 0))
        return status_new(STATUS_INVALID_ARGUMENT, "--burst needs --rate-limit");
    return NULL;
}

status *queue_set_request(const cli_args *args, arena *memory, Errand__V1__UpdateQueueRequest **ret)
{
    Errand__V1__UpdateQueueRequest *request = arena_alloc(memory, sizeof *request);
    Errand__V1__Queue *queue = arena_alloc(memory, sizeof *queue);
    Google__Protobuf__FieldMask *mask = arena_alloc(memory, sizeof *mask);
    if (request == NULL || queue == NULL || mask == NULL)
        return no_memory();
    errand__v1__update_queue_request__init(request);
    errand__v1__queue__init(queue);
    google__protobuf__field_mask__init(mask);
    request->queue = queue;
    request->update_mask = mask;
    queue->name = arena_strdup(memory, args->words[0]);
    mask->paths = arena_alloc(memory, SETTING_COUNT * sizeof(char *));
    if (queue->name == NULL || mask->paths == NULL)
        return no_memory();
    status *s = check_burst(args);
    if (s == NULL)
        s = set_given(args, memory, request);
    if (s == NULL)
        *ret = request;
    return s;
}

cli_exit cli_queue_set(cli *c, const cli_args *args)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__UpdateQueueRequest *request = NULL;
    ProtobufCMessage *queue = NULL;
    status *s = memory == NULL ? no_memory() : queue_set_request(args, memory, &request);
    if (s != NULL)
        return cli_bad_usage(s);
    errand_error *error = errand_call(c->client, &errand__v1__queue_service__descriptor, "Update",
                                      &request->base, NULL, &queue);
    return error != NULL ? cli_bad_call(error) : queues_show(c, queue);
}
