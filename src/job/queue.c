// queue - the settings of a queue, and its token bucket.
#include "job/queue.h"

#include "job/check.h"
#include "job/time.h"

#include <math.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define DAY_US    (86400 * SECOND_US)

#define MAX_RATE INT64_C(1000000000)

// clang-format off
static const check_range per_range   = {1, 365 * DAY_US, "more than 0s, at most 365 days"};
static const check_range aging_range = {0, 365 * DAY_US, "0s to 365 days"};

static const struct {
    const char *name, *json_name;
    unsigned field;
} fields[] = {
    {"rate_limit",          "rateLimit",        QUEUE_RATE_LIMIT},
    {"max_running",         "maxRunning",       QUEUE_MAX_RUNNING},
    {"max_per_key",         "maxPerKey",        QUEUE_MAX_PER_KEY},
    {"max_depth",           "maxDepth",         QUEUE_MAX_DEPTH},
    {"aging",               "aging",            QUEUE_AGING},
    {"paused",              "paused",           QUEUE_PAUSED},
    {"hold_on_retry_after", "holdOnRetryAfter", QUEUE_HOLD_ON_RETRY_AFTER},
};
// clang-format on

void queue_settings_init(queue_settings *settings)
{
    *settings = (queue_settings){
        .max_running = QUEUE_NO_LIMIT,
        .max_per_key = QUEUE_NO_LIMIT,
        .max_depth = QUEUE_NO_LIMIT,
    };
}

unsigned queue_field_of(const char *path)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(path, fields[i].name) == 0 || strcmp(path, fields[i].json_name) == 0)
            return fields[i].field;
    return 0;
}

// ---- from a message ----

static void read_rate(check *c, const Errand__V1__RateLimit *rate, queue_settings *ret)
{
    ret->rate_count = ret->rate_per_us = ret->rate_burst = 0;
    if (!rate)
        return;
    if (rate->count < 1 || rate->count > MAX_RATE)
        check_bad(c, "rate_limit.count", "found %lld, expected 1 to %lld", (long long) rate->count,
                  (long long) MAX_RATE);
    if (rate->burst < 0 || rate->burst > MAX_RATE)
        check_bad(c, "rate_limit.burst", "found %lld, expected 0 to %lld", (long long) rate->burst,
                  (long long) MAX_RATE);
    check_duration(c, "rate_limit.per", rate->per, &per_range);
    ret->rate_count = rate->count;
    ret->rate_burst = rate->burst > 0 ? rate->burst : 1;
    ret->rate_per_us = SECOND_US;
    if (rate->per)
        (void) time_from_duration(rate->per, &ret->rate_per_us);
}

static int64_t read_limit(check *c, const char *field, bool given, int64_t limit)
{
    if (given && limit < 0)
        check_bad(c, field, "found %lld, expected 0 or more", (long long) limit);
    return given ? limit : QUEUE_NO_LIMIT;
}

static void read_limits(check *c, const Errand__V1__Queue *queue, queue_settings *ret)
{
    ret->max_running = read_limit(c, "max_running", queue->max_running != NULL,
                                  queue->max_running ? queue->max_running->value : 0);
    ret->max_per_key = read_limit(c, "max_per_key", queue->max_per_key != NULL,
                                  queue->max_per_key ? queue->max_per_key->value : 0);
    ret->max_depth = read_limit(c, "max_depth", queue->max_depth != NULL,
                                queue->max_depth ? queue->max_depth->value : 0);
}

static void read_all(check *c, const Errand__V1__Queue *queue, queue_settings *ret)
{
    queue_settings_init(ret);
    read_rate(c, queue->rate_limit, ret);
    read_limits(c, queue, ret);
    check_duration(c, "aging", queue->aging, &aging_range);
    if (queue->aging)
        (void) time_from_duration(queue->aging, &ret->aging_us);
    ret->paused = queue->paused;
    ret->hold_on_retry_after = queue->hold_on_retry_after;
}

static void take_over(const queue_settings *from, unsigned mask, queue_settings *to)
{
    if (mask & QUEUE_RATE_LIMIT) {
        to->rate_count = from->rate_count;
        to->rate_per_us = from->rate_per_us;
        to->rate_burst = from->rate_burst;
    }
    if (mask & QUEUE_MAX_RUNNING)
        to->max_running = from->max_running;
    if (mask & QUEUE_MAX_PER_KEY)
        to->max_per_key = from->max_per_key;
    if (mask & QUEUE_MAX_DEPTH)
        to->max_depth = from->max_depth;
    if (mask & QUEUE_AGING)
        to->aging_us = from->aging_us;
    if (mask & QUEUE_PAUSED)
        to->paused = from->paused;
    if (mask & QUEUE_HOLD_ON_RETRY_AFTER)
        to->hold_on_retry_after = from->hold_on_retry_after;
}

status *queue_settings_read(const Errand__V1__Queue *queue, unsigned mask, queue_settings *settings)
{
    check c = {0};
    queue_settings read;
    read_all(&c, queue, &read);
    status *failure = check_take(&c);
    if (!failure)
        take_over(&read, mask, settings);
    return failure;
}

// ---- to a message ----

static Google__Protobuf__Duration *duration(int64_t us, arena *memory)
{
    Google__Protobuf__Duration *made = arena_alloc(memory, sizeof *made);
    if (made) {
        google__protobuf__duration__init(made);
        time_to_duration(us, made);
    }
    return made;
}

static bool fill_rate(const queue_settings *settings, arena *memory, Errand__V1__Queue *ret)
{
    if (settings->rate_count == 0)
        return true;
    ret->rate_limit = arena_alloc(memory, sizeof *ret->rate_limit);
    if (!ret->rate_limit)
        return false;
    errand__v1__rate_limit__init(ret->rate_limit);
    ret->rate_limit->count = settings->rate_count;
    ret->rate_limit->burst = settings->rate_burst;
    ret->rate_limit->per = duration(settings->rate_per_us, memory);
    return ret->rate_limit->per != NULL;
}

static bool fill_int32(int64_t limit, arena *memory, Google__Protobuf__Int32Value **ret)
{
    if (limit == QUEUE_NO_LIMIT)
        return true;
    *ret = arena_alloc(memory, sizeof **ret);
    if (!*ret)
        return false;
    google__protobuf__int32_value__init(*ret);
    (*ret)->value = (int32_t) limit;
    return true;
}

static bool fill_int64(int64_t limit, arena *memory, Google__Protobuf__Int64Value **ret)
{
    if (limit == QUEUE_NO_LIMIT)
        return true;
    *ret = arena_alloc(memory, sizeof **ret);
    if (!*ret)
        return false;
    google__protobuf__int64_value__init(*ret);
    (*ret)->value = limit;
    return true;
}

bool queue_settings_fill(const queue_settings *settings, arena *memory, Errand__V1__Queue *ret)
{
    if (!fill_rate(settings, memory, ret) ||
        !fill_int32(settings->max_running, memory, &ret->max_running) ||
        !fill_int32(settings->max_per_key, memory, &ret->max_per_key) ||
        !fill_int64(settings->max_depth, memory, &ret->max_depth))
        return false;
    if (settings->aging_us > 0 && !(ret->aging = duration(settings->aging_us, memory)))
        return false;
    ret->paused = settings->paused;
    ret->hold_on_retry_after = settings->hold_on_retry_after;
    return true;
}

// ---- stored ----

status *queue_settings_encode(const queue_settings *settings, arena *memory, slice *ret)
{
    Errand__V1__Queue queue = ERRAND__V1__QUEUE__INIT;
    bool filled = queue_settings_fill(settings, memory, &queue);
    size_t size = filled ? errand__v1__queue__get_packed_size(&queue) : 0;
    uint8_t *bytes = filled ? arena_alloc(memory, size + 1) : NULL;
    if (!bytes)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "no memory left for the settings of a queue");
    errand__v1__queue__pack(&queue, bytes);
    *ret = (slice){bytes, size};
    return NULL;
}

status *queue_settings_decode(slice encoded, arena *memory, queue_settings *ret)
{
    ProtobufCAllocator allocator = {arena_alloc_hook, arena_free_hook, memory};
    Errand__V1__Queue *queue = errand__v1__queue__unpack(&allocator, encoded.size, encoded.bytes);
    if (!queue)
        return status_new(STATUS_DATA_LOSS, "the stored settings of a queue can not be decoded");
    queue_settings_init(ret);
    return queue_settings_read(queue, QUEUE_ALL_FIELDS, ret);
}

bool queue_is_limited(const queue_settings *settings)
{
    return settings->paused || settings->rate_count > 0 || settings->max_running >= 0 ||
           settings->max_per_key >= 0 || settings->hold_on_retry_after;
}

// ---- token bucket ----

void bucket_fill(bucket *b, const queue_settings *settings, int64_t now_us)
{
    b->tokens = (double) settings->rate_burst;
    b->at_us = now_us;
}

void bucket_refill(bucket *b, const queue_settings *settings, int64_t now_us)
{
    if (now_us <= b->at_us)
        return;
    double came = (double) (now_us - b->at_us) * (double) settings->rate_count /
                  (double) settings->rate_per_us;
    b->tokens = fmin(b->tokens + came, (double) settings->rate_burst);
    b->at_us = now_us;
}

int64_t bucket_next_us(const bucket *b, const queue_settings *settings, int64_t now_us)
{
    if (b->tokens >= 1.0)
        return now_us;
    double wait =
        (1.0 - b->tokens) * (double) settings->rate_per_us / (double) settings->rate_count;
    return now_us + (int64_t) ceil(wait);
}
