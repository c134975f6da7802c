// queue_watch - QueueService.Watch: what has happened in a queue after a cursor.
//
// A cursor is a place of the engine's feed, enciphered: the run of the server, the latest change of
// a job, the latest change of the queue itself.
#include "service/internal.h"

#include "job/spec.h"
#include "job/time.h"

#define MAX_EVENTS 500

typedef struct watch_state {
    engine_feed feed;
    int64_t seen_queue;  // what the caller has seen of the queue itself
    service *service;
    rpc_call *call;
    Errand__V1__WatchQueueResponse reply;
} watch_state;

// ---- cursors ----

static bool read_place(const watch_state *w, const char *text, engine_feed_place *ret)
{
    page_cursor cursor;
    if (!page_cursor_read(&w->service->page_key, w->feed.queue, text, &cursor)) {
        return false;
    }
    *ret = (engine_feed_place){.run = cursor.run, .jobs = cursor.jobs, .queue = cursor.queue};
    return true;
}

static char *write_place(const watch_state *w, const engine_feed_place *place)
{
    char text[PAGE_CURSOR_SIZE];
    const page_cursor cursor = {.run = place->run, .jobs = place->jobs, .queue = place->queue};
    page_cursor_write(&w->service->page_key, w->feed.queue, &cursor, text);
    return arena_strdup(rpc_call_arena(w->call), text);
}

// ---- the answer ----

// Adds an event, yet without its content; NULL: out of memory.
static Errand__V1__QueueEvent *add_event(watch_state *w, const engine_feed_place *place)
{
    arena *memory = rpc_call_arena(w->call);
    Errand__V1__QueueEvent *event = arena_alloc(memory, sizeof *event);
    char *cursor = write_place(w, place);
    if (event == NULL || cursor == NULL) {
        return NULL;
    }
    errand__v1__queue_event__init(event);
    event->cursor = cursor;
    w->reply.events[w->reply.n_events++] = event;
    return event;
}

static bool add_reset(watch_state *w)
{
    static char restarted[] = "the server was started anew since";
    static char overrun[] = "what has happened since is not kept any more";
    const engine_feed_place place = {.run = w->feed.place.run, .jobs = w->feed.place.jobs};
    Errand__V1__QueueEvent *event = add_event(w, &place);
    Errand__V1__QueueReset *reset = arena_alloc(rpc_call_arena(w->call), sizeof *reset);
    if (event == NULL || reset == NULL) {
        return false;
    }
    errand__v1__queue_reset__init(reset);
    reset->reason = w->feed.reset == ENGINE_FEED_RESTARTED ? restarted : overrun;
    event->event_case = ERRAND__V1__QUEUE_EVENT__EVENT_RESET;
    event->reset = reset;
    return true;
}

typedef struct change_text {
    Errand__V1__JobChange change;
    Google__Protobuf__Timestamp time;
    char id[UUID_TEXT_SIZE];
} change_text;

static bool add_change(watch_state *w, const engine_feed_item *item)
{
    const engine_feed_place place = {
        .run = w->feed.place.run, .jobs = item->number, .queue = w->seen_queue};
    Errand__V1__QueueEvent *event = add_event(w, &place);
    change_text *text = arena_alloc(rpc_call_arena(w->call), sizeof *text);
    if (event == NULL || text == NULL) {
        return false;
    }
    errand__v1__job_change__init(&text->change);
    google__protobuf__timestamp__init(&text->time);
    time_to_timestamp(item->time_us, &text->time);
    text->change.id = uuid_format(&item->id, text->id);
    text->change.kind = (char *) (uintptr_t) item->kind;
    text->change.state = (Errand__V1__Job__State) item->state;
    text->change.attempt = item->attempt;
    text->change.revision = item->revision;
    text->change.time = &text->time;
    text->change.deleted = item->deleted;
    event->event_case = ERRAND__V1__QUEUE_EVENT__EVENT_JOB;
    event->job = &text->change;
    return true;
}

static bool add_queue(watch_state *w)
{
    Errand__V1__QueueEvent *event = add_event(w, &w->feed.place);
    Errand__V1__Queue *queue = queue_write(&w->feed.info, rpc_call_arena(w->call));
    if (event == NULL || queue == NULL) {
        return false;
    }
    event->event_case = ERRAND__V1__QUEUE_EVENT__EVENT_QUEUE;
    event->queue = queue;
    return true;
}

static bool add_all(watch_state *w)
{
    const engine_feed *feed = &w->feed;
    arena *memory = rpc_call_arena(w->call);
    errand__v1__watch_queue_response__init(&w->reply);
    w->reply.events = arena_alloc(memory, (feed->count + 2) * sizeof *w->reply.events);
    w->reply.cursor = write_place(w, &feed->place);
    if (w->reply.events == NULL || w->reply.cursor == NULL ||
        (feed->reset != ENGINE_FEED_WHOLE && !add_reset(w))) {
        return false;
    }
    for (size_t i = 0; i < feed->count; i++) {
        if (!add_change(w, &feed->items[i])) {
            return false;
        }
    }
    return !feed->has_info || add_queue(w);
}

static void watch_done(engine_command *command)
{
    watch_state *w = command->owner;
    if (command->failure != NULL) {
        rpc_call_fail(w->call, wait_why_ended(w->service, command->failure));
    } else if (!add_all(w)) {
        answer_no_memory(w->call);
    } else {
        rpc_call_answer(w->call, &w->reply.base);
    }
}

// ---- the call ----

static status *read_request(const Errand__V1__WatchQueueRequest *request, watch_state *w)
{
    status *failure = job_name_check("queue", request->queue);
    if (failure == NULL) {
        failure = queue_check(w->call, request->queue);
    }
    w->feed.from_now = *request->cursor == '\0';
    if (failure == NULL && !w->feed.from_now && !read_place(w, request->cursor, &w->feed.place)) {
        failure = status_bad_field("cursor", "found \"%.60s\", expected the cursor of an event",
                                   request->cursor);
    }
    return failure != NULL ? failure : wait_deadline(request->wait, w->call, &w->feed.deadline_us);
}

// Without a place to wait in it is answered at once with what there is.
static void begin(service *s, watch_state *w)
{
    engine_feed *feed = &w->feed;
    feed->ticket = engine_ticket(s->options.engine);
    if (feed->deadline_us != 0 &&
        !rpc_call_park(w->call, wait_gone, s->options.engine, feed->ticket)) {
        feed->deadline_us = 0;
    }
    engine_post(s->options.engine, &feed->command);
}

void watch_queue_call(service *s, const Errand__V1__WatchQueueRequest *request, rpc_call *call)
{
    watch_state *w = arena_zalloc(rpc_call_arena(call), sizeof *w);
    if (w == NULL) {
        answer_no_memory(call);
        return;
    }
    w->service = s;
    w->call = call;
    w->feed.command = (engine_command){.verb = ENGINE_FEED, .done = watch_done, .owner = w};
    w->feed.queue = request->queue;
    w->feed.limit = MAX_EVENTS;
    w->feed.memory = rpc_call_arena(call);
    status *failure = read_request(request, w);
    w->seen_queue = w->feed.place.queue;
    if (failure != NULL) {
        rpc_call_fail(call, failure);
    } else {
        begin(s, w);
    }
}
