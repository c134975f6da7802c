// queue - the settings of a queue, and its token bucket. Pure.
#ifndef ERRAND_JOB_QUEUE_H
#define ERRAND_JOB_QUEUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

#include "errand/v1/queue_service.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#define QUEUE_NO_LIMIT (-1)

typedef struct queue_settings {
    int64_t rate_count;  // jobs started in each rate_per_us; 0: no limit
    int64_t rate_per_us;
    int64_t rate_burst;
    int64_t max_running;  // QUEUE_NO_LIMIT: none; so with the next two
    int64_t max_per_key;
    int64_t max_depth;
    int64_t aging_us;  // 0: strict priority
    bool paused;
    bool hold_on_retry_after;
} queue_settings;

// The fields of a Queue that can be changed, for masks.
typedef enum queue_field {
    QUEUE_RATE_LIMIT = 1,
    QUEUE_MAX_RUNNING = 2,
    QUEUE_MAX_PER_KEY = 4,
    QUEUE_MAX_DEPTH = 8,
    QUEUE_AGING = 16,
    QUEUE_PAUSED = 32,
    QUEUE_HOLD_ON_RETRY_AFTER = 64,
} queue_field;

#define QUEUE_ALL_FIELDS 127u

void queue_settings_init(queue_settings *settings);  // no limits

// queue_field_of is the field with that name in an update mask, `rate_limit` or `rateLimit`; 0:
// none.
unsigned queue_field_of(const char *path);

// queue_settings_read checks the settings of a Queue and takes over the fields in mask, clearing
// those that are absent. INVALID_ARGUMENT names each wrong field; settings are left alone then.
status *queue_settings_read(const Errand__V1__Queue *queue, unsigned mask,
                            queue_settings *settings);

// queue_settings_fill sets the settings of a Queue; messages live in the arena. False: no memory.
bool queue_settings_fill(const queue_settings *settings, arena *memory, Errand__V1__Queue *ret);

// queue_settings_encode and _decode are the form that is stored.
status *queue_settings_encode(const queue_settings *settings, arena *memory, slice *ret);
status *queue_settings_decode(slice encoded, arena *memory, queue_settings *ret);

// queue_is_limited tells whether anything but the number of workers keeps its jobs from running.
bool queue_is_limited(const queue_settings *settings);

// A token bucket: starting a job takes a token; count tokens come in each period, up to burst.
typedef struct bucket {
    double tokens;
    int64_t at_us;  // on the caller's clock
} bucket;

void bucket_fill(bucket *b, const queue_settings *settings, int64_t now_us);  // full
void bucket_refill(bucket *b, const queue_settings *settings, int64_t now_us);
// bucket_next_us is when the next whole token is there: now_us if there is one.
int64_t bucket_next_us(const bucket *b, const queue_settings *settings, int64_t now_us);

#endif
