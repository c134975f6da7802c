// queue - the queues: found by name and by route, read, changed, stored.
#include "engine/internal.h"

#include "job/spec.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

job_queue *queue_find(engine *e, const char *name)
{
    job_queue *q = NULL;
    HASH_FIND_STR(e->queues, name, q);
    return q;
}

static void wake(void *context, timer *t)
{
    supply_unblock(context, (job_queue *) ((char *) t - offsetof(job_queue, wake)));
}

static void queue_free(job_queue *q)
{
    free(q->name);
    free(q->routes);
    free(q);
}

job_queue *queue_make(engine *e, const char *name)
{
    job_queue *q = queue_find(e, name);
    if (q != NULL)
        return q;
    q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    q->name = strdup(name);
    q->wake.fire = wake;
    queue_settings_init(&q->settings);
    if (q->name != NULL)
        HASH_ADD_KEYPTR(hh, e->queues, q->name, strlen(q->name), q);
    if (q->hh.tbl == NULL) {
        queue_free(q);
        return NULL;
    }
    return q;
}

job_queue *queue_of(engine *e, int32_t route)
{
    const job_route *r = supply_route(e, route);
    return r != NULL ? r->queue : NULL;
}

// Queues stay for ever: names made up by a client must not fill the memory.
status *queue_refused(engine *e, const char *name)
{
    if (HASH_COUNT(e->queues) < e->options.max_queues || queue_find(e, name) != NULL)
        return NULL;
    (void) supply_know(e);
    if (queue_find(e, name) != NULL)
        return NULL;
    return status_new(STATUS_RESOURCE_EXHAUSTED,
                      "queue \"%s\" would be new: at most %zu queues may exist, the server's "
                      "max_queues",
                      name, e->options.max_queues);
}

static int64_t jobs_of(engine *e, const job_queue *q, int state)
{
    if (q->route_count == 0)
        return 0;
    return e->store->ops->count_queue(e->store, q->routes[0]->number, (job_state) state);
}

int64_t queue_depth(engine *e, const job_queue *q)
{
    int64_t depth = 0;
    for (int state = JOB_BLOCKED; state <= JOB_RUNNING; state++)
        depth += jobs_of(e, q, state);
    return depth;
}

// ---- stored ----

void queue_changed(engine *e, job_queue *q)
{
    if (q->changed)
        return;
    q->changed = true;
    q->next_changed = e->changed;
    e->changed = q;
}

static bool save_one(engine *e, const job_queue *q)
{
    slice settings;
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL)
        return engine_check(e, no_memory());
    if (!engine_check(e, queue_settings_encode(&q->settings, memory, &settings)) ||
        !engine_write(e))
        return false;
    const store_queue stored = {
        .name = q->name,
        .settings = settings,
        .tokens = q->tokens.tokens,
        // Between two runs only the wall clock goes on.
        .tokens_us = e->now_us - (e->mono_us - q->tokens.at_us),
    };
    return engine_check(e, e->store->ops->save_queue(e->store, &stored));
}

bool queues_save(engine *e)
{
    bool saved = true;
    while (e->changed != NULL) {
        job_queue *q = e->changed;
        e->changed = q->next_changed;
        q->changed = false;
        saved = saved && save_one(e, q);
    }
    return saved;
}

static status *load_one(engine *e, const store_queue *stored, arena *memory)
{
    job_queue *q = queue_make(e, stored->name);
    if (q == NULL)
        return no_memory();
    status *failure = queue_settings_decode(stored->settings, memory, &q->settings);
    if (failure != NULL)
        return failure;
    e->depth_limits = e->depth_limits || q->settings.max_depth != QUEUE_NO_LIMIT;
    int64_t age_us = e->now_us > stored->tokens_us ? e->now_us - stored->tokens_us : 0;
    q->tokens = (bucket){.tokens = stored->tokens, .at_us = e->mono_us - age_us};
    hold_look_again(e, q);
    // It may have been under way when the server ended.
    if (q->ranking || q->settings.aging_us > 0)
        ranks_look_again(e, q);
    return NULL;
}

static void forget_settings(engine *e)
{
    job_queue *q, *next;
    HASH_ITER(hh, e->queues, q, next)
    {
        queue_settings_init(&q->settings);
        q->changed = false;
    }
    e->changed = NULL;
}

status *queues_load(engine *e)
{
    store_queue *stored;
    size_t count = 0;
    AUTO(arena) memory = arena_new(0);
    if (memory == NULL)
        return no_memory();
    status *failure = e->store->ops->load_queues(e->store, memory, &stored, &count);
    if (failure != NULL)
        return failure;
    forget_settings(e);
    for (size_t i = 0; failure == NULL && i < count; i++)
        failure = load_one(e, &stored[i], memory);
    if (failure == NULL && !supply_know(e))
        failure = no_memory();
    return failure;
}

void queues_free(engine *e)
{
    job_queue *q, *next;
    HASH_ITER(hh, e->queues, q, next)
    {
        HASH_DEL(e->queues, q);
        timers_clear(&e->supply.wakes, &q->wake);
        queue_free(q);
    }
    free(e->by_name);
}

// ---- commands ----

void queue_describe(engine *e, const job_queue *q, engine_queue_info *ret)
{
    ret->name = q->name;
    ret->settings = q->settings;
    memset(ret->depth, 0, sizeof ret->depth);
    for (int state = JOB_BLOCKED; state <= JOB_EXPIRED; state++)
        ret->depth[state] = jobs_of(e, q, state);
}

// A rate limit that is new starts with a full bucket; one that is changed keeps what is there.
static void change(engine *e, job_queue *q, const queue_settings *settings)
{
    bool had_rate = q->settings.rate_count > 0;
    if (had_rate)
        bucket_refill(&q->tokens, &q->settings, e->mono_us);
    if (settings->max_per_key != q->settings.max_per_key)
        hold_look_again(e, q);
    if (settings->aging_us != q->settings.aging_us)
        ranks_look_again(e, q);
    q->settings = *settings;
    e->depth_limits = e->depth_limits || settings->max_depth != QUEUE_NO_LIMIT;
    if (settings->rate_count > 0 && !had_rate)
        bucket_fill(&q->tokens, settings, e->mono_us);
    if (q->tokens.tokens > (double) settings->rate_burst)
        q->tokens.tokens = (double) settings->rate_burst;
    if (!settings->hold_on_retry_after) {
        q->held_back_us = 0;
        q->probing = false;
    }
    queue_changed(e, q);
    feed_note_queue(e, q);
    supply_unblock(e, q);
}

// Wrong settings are no reason to have the queue.
static status *update(engine *e, const engine_queue *command)
{
    queue_settings settings;
    job_queue *q = queue_find(e, command->name);
    queue_settings_init(&settings);
    if (q != NULL)
        settings = q->settings;
    status *failure = queue_settings_read(command->wanted, command->mask, &settings);
    if (failure == NULL)
        failure = queue_refused(e, command->name);
    if (failure != NULL)
        return failure;
    q = queue_make(e, command->name);
    if (q == NULL)
        return no_memory();
    if (engine_write(e))
        change(e, q, &settings);
    return NULL;
}

void queue_apply(engine *e, engine_queue *command)
{
    (void) supply_know(e);  // makes those that jobs have named
    status *failure = command->wanted != NULL ? update(e, command) : NULL;
    const job_queue *q = queue_find(e, command->name);
    if (q != NULL)
        queue_describe(e, q, &command->info);
    else if (failure == NULL)
        failure = status_new(STATUS_NOT_FOUND, "no queue \"%s\"", command->name);
    engine_refuse(e, &command->command, failure);
}

static int compare(const void *a, const void *b)
{
    const job_queue *const *left = a;
    const job_queue *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

// Those made since the last time are sorted in.
static bool sort_queues(engine *e)
{
    job_queue *q, *next;
    size_t count = 0, all = HASH_COUNT(e->queues);
    if (e->by_name_count == all)
        return true;
    job_queue **list = realloc(e->by_name, (all + 1) * sizeof(job_queue *));
    if (list == NULL)
        return false;
    HASH_ITER(hh, e->queues, q, next)
    list[count++] = q;
    qsort(list, count, sizeof(job_queue *), compare);
    e->by_name = list;
    e->by_name_count = count;
    return true;
}

// The first queue behind a name.
static size_t first_behind(const engine *e, const char *after)
{
    size_t low = 0, high = e->by_name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(e->by_name[middle]->name, after) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void add_info(engine *e, engine_queues *command, const job_queue *q)
{
    engine_queue_info *info = &command->infos[command->count++];
    queue_describe(e, q, info);
    info->name = arena_strdup(command->memory, q->name);
}

void queues_apply(engine *e, engine_queues *command)
{
    (void) supply_know(e);
    bool sorted = sort_queues(e);
    size_t next = first_behind(e, command->after), behind = e->by_name_count - next;
    size_t most = behind < command->limit ? behind : command->limit;
    command->infos = arena_alloc(command->memory, (most + 1) * sizeof *command->infos);
    if (!sorted || command->infos == NULL) {
        engine_refuse(e, &command->command, no_memory());
        return;
    }
    for (; next < e->by_name_count && !command->more; next++) {
        const job_queue *q = e->by_name[next];
        if (!queue_set_has(command->only, q->name))
            continue;
        command->more = command->count == command->limit;
        if (!command->more)
            add_info(e, command, q);
    }
    engine_answer(e, &command->command);
}
