// idle - lines of parked Lease calls, and a heap of those lines that have offers, by how long their
// first has waited.
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 160   // queue, a slash, kind; either may be left out
#define MAX_PAIRS 1024  // a worker that names more pairs waits for all kinds of its queues

// ---- lines ----

static bool join(const char *queue, size_t queue_size, const char *kind,
                 char name[static NAME_SIZE])
{
    return snprintf(name, NAME_SIZE, "%.*s/%s", (int) queue_size, queue, kind) < NAME_SIZE;
}

static idle_line *find_line(engine *e, const char *queue, const char *kind)
{
    char name[NAME_SIZE];
    idle_line *line = NULL;
    if (join(queue, strlen(queue), kind, name))
        HASH_FIND_STR(e->idle.lines, name, line);
    return line;
}

static idle_line *make_line(engine *e, const char *name)
{
    idle_line *line = NULL;
    HASH_FIND_STR(e->idle.lines, name, line);
    if (line != NULL)
        return line;
    line = calloc(1, sizeof *line);
    if (line == NULL)
        return NULL;
    line->all_kinds = name[strlen(name) - 1] == '/';
    line->name = strdup(name);
    if (line->name != NULL)
        HASH_ADD_KEYPTR(hh, e->idle.lines, line->name, strlen(line->name), line);
    if (line->hh.tbl == NULL) {
        free(line->name);
        free(line);
        return NULL;
    }
    return line;
}

// ---- the posts of a worker ----

static bool add_post(engine *e, session *s, const char *queue, const char *kind)
{
    char name[NAME_SIZE];
    idle_line *line = join(queue, weights_name_size(queue), kind, name) ? make_line(e, name) : NULL;
    if (line == NULL)
        return false;
    line->users++;
    s->posts[s->post_count++] = (idle_post){.session = s, .line = line};
    return true;
}

// A worker that names no queue, or no kind, serves all.
static const char *name_of(char *const *names, size_t count, size_t index)
{
    return count > 0 ? names[index] : "";
}

static size_t at_least_one(size_t count)
{
    return count > 0 ? count : 1;
}

static bool by_pairs(size_t queue_count, size_t kind_count)
{
    return queue_count == 0 || queue_count <= MAX_PAIRS / at_least_one(kind_count);
}

size_t idle_post_count(size_t queue_count, size_t kind_count)
{
    size_t kinds = by_pairs(queue_count, kind_count) ? at_least_one(kind_count) : 1;
    return at_least_one(queue_count) * kinds;
}

bool idle_meet(engine *e, session *s)
{
    bool pairs = by_pairs(s->queue_count, s->kind_count);
    size_t queues = at_least_one(s->queue_count);
    size_t kinds = pairs ? at_least_one(s->kind_count) : 1;
    idle_forget(e, s);
    s->posts = calloc(queues * kinds, sizeof *s->posts);
    if (s->posts == NULL)
        return false;
    for (size_t i = 0; i < queues; i++)
        for (size_t j = 0; j < kinds; j++)
            if (!add_post(e, s, name_of(s->queues, s->queue_count, i),
                          pairs ? name_of(s->kinds, s->kind_count, j) : ""))
                return false;
    return true;
}

static void release_line(engine *e, idle_line *line)
{
    if (--line->users > 0)
        return;
    HASH_DEL(e->idle.lines, line);  // NOLINT(clang-analyzer-core.NullDereference): it is there
    free(line->name);
    free(line);
}

void idle_forget(engine *e, session *s)
{
    idle_leave(s);
    for (size_t i = 0; i < s->post_count; i++)
        release_line(e, s->posts[i].line);
    free(s->posts);
    s->posts = NULL;
    s->post_count = 0;
}

void idle_enter(engine *e, session *s)
{
    s->waits = true;
    s->since = ++e->idle.arrivals;
    for (size_t i = 0; i < s->post_count; i++)
        DL_APPEND(s->posts[i].line->first, &s->posts[i]);
}

void idle_leave(session *s)
{
    if (!s->waits)
        return;
    s->waits = false;
    for (size_t i = 0; i < s->post_count; i++)
        DL_DELETE(s->posts[i].line->first, &s->posts[i]);
}

// ---- the heap of lines with offers ----

static void put(engine *e, size_t place, idle_line *line)
{
    e->idle.active[place] = line;
    line->place = place;
}

static void sift_up(engine *e, idle_line *line, size_t place)
{
    while (place > 1 && e->idle.active[place / 2]->since > line->since) {
        put(e, place, e->idle.active[place / 2]);
        place /= 2;
    }
    put(e, place, line);
}

static void sift_down(engine *e, idle_line *line, size_t place)
{
    for (size_t child = place * 2; child <= e->idle.active_count; child = place * 2) {
        if (child < e->idle.active_count &&
            e->idle.active[child + 1]->since < e->idle.active[child]->since)
            child++;
        if (e->idle.active[child]->since >= line->since)
            break;
        put(e, place, e->idle.active[child]);
        place = child;
    }
    put(e, place, line);
}

static bool push(engine *e, idle_line *line)
{
    if (e->idle.active_count + 2 > e->idle.active_size) {
        size_t size = 2 * e->idle.active_size + 16;
        idle_line **larger = realloc(e->idle.active, size * sizeof(idle_line *));
        if (larger == NULL)
            return false;
        e->idle.active = larger;
        e->idle.active_size = size;
    }
    line->since = line->first->session->since;
    sift_up(e, line, ++e->idle.active_count);
    return true;
}

static void pop(engine *e)
{
    idle_line *line = e->idle.active[1], *last = e->idle.active[e->idle.active_count--];
    line->place = 0;
    line->offers = NULL;
    if (last != line)
        sift_down(e, last, 1);
}

// ---- offers ----

static bool offer_to(engine *e, job_route *r, size_t index, idle_line *line)
{
    if (line == NULL || line->first == NULL)
        return true;
    if (line->place == 0 && !push(e, line))
        return false;
    r->offers[index] = (offer){.route = r, .next = line->offers};
    line->offers = &r->offers[index];
    return true;
}

static bool offer_route(engine *e, job_route *r)
{
    const char *queue = r->queue->name, *kind = r->kind->name;
    return offer_to(e, r, 0, find_line(e, queue, kind)) &&
           offer_to(e, r, 1, find_line(e, queue, "")) &&
           offer_to(e, r, 2, find_line(e, "", kind)) && offer_to(e, r, 3, find_line(e, "", ""));
}

bool idle_offer(engine *e)
{
    bool fine = true, nobody = e->leasing == NULL;
    while (e->supply.offered != NULL) {
        job_route *r = e->supply.offered;
        e->supply.offered = r->next_offered;
        r->offered = false;
        fine = fine && (nobody || !r->listed || offer_route(e, r));
    }
    return fine;
}

// Only those with very many pairs wait where not all kinds are theirs.
static bool serves(const session *s, const idle_line *line, const job_route *r)
{
    return !line->all_kinds || s->kind_count == 0 || session_runs(s, r->kind->name);
}

static session *first_for(const idle_line *line, const job_route *r)
{
    idle_post *post;
    DL_FOREACH(line->first, post)
    if (serves(post->session, line, r))
        return post->session;
    return NULL;
}

// The first of a line that serves one of its offers; jobs that are gone are offered no more.
static session *first_of(idle_line *line)
{
    for (; line->offers != NULL; line->offers = line->offers->next) {
        const job_route *r = line->offers->route;
        session *s = r->listed ? first_for(line, r) : NULL;
        if (s != NULL)
            return s;
    }
    return NULL;
}

session *idle_next(engine *e)
{
    while (e->idle.active_count > 0) {
        idle_line *line = e->idle.active[1];
        session *s = first_of(line);
        if (s != NULL && s->since == line->since)
            return s;
        if (s == NULL) {
            pop(e);
            continue;
        }
        line->since = s->since;
        sift_down(e, line, 1);
    }
    return NULL;
}

void idle_decline(engine *e)
{
    idle_line *line = e->idle.active_count > 0 ? e->idle.active[1] : NULL;
    if (line != NULL && line->offers != NULL)
        line->offers = line->offers->next;
}

void idle_withdraw(engine *e)
{
    while (e->idle.active_count > 0)
        pop(e);
}

void idle_free(engine *e)
{
    free(e->idle.active);
}
