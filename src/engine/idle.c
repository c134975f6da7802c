// idle - what is offered to parked Lease calls, and a heap of those lines that have offers, by how
// long their first has waited.
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

static bool all_kinds(const idle_line *line)
{
    return *line->kind == '\0';
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

static bool offer_to(engine *e, offer *o, idle_line *line)
{
    if (line == NULL || line->first == NULL || o->round == e->round)
        return true;
    if (line->place == 0 && !push(e, line))
        return false;
    o->round = e->round;
    o->next = line->offers;
    line->offers = o;
    return true;
}

static bool offer_route_to(engine *e, job_route *r, size_t index, idle_line *line)
{
    r->offers[index].route = r;
    return offer_to(e, &r->offers[index], line);
}

static bool offer_route(engine *e, job_route *r)
{
    const char *queue = r->queue->name, *kind = r->kind->name;
    return offer_route_to(e, r, 0, idle_find_line(e, queue, kind)) &&
           offer_route_to(e, r, 1, idle_find_line(e, queue, "")) &&
           offer_route_to(e, r, 2, idle_find_line(e, "", kind)) &&
           offer_route_to(e, r, 3, idle_find_line(e, "", ""));
}

// ---- queues that were opened: by their routes or by the lines that wait, whichever are fewer ----

static bool offer_routes(engine *e, job_queue *q)
{
    bool fine = true;
    for (job_route *r = q->here; fine && r != NULL; r = r->next_here) {
        e->supply.looked++;
        fine = offer_route(e, r);
    }
    return fine;
}

// all: the group of all queues.
static bool offer_to_group(engine *e, job_queue *q, idle_group *group, bool all)
{
    bool fine = true;
    idle_line *line = group != NULL ? group->waited : NULL;
    for (; fine && line != NULL; line = line->next) {
        job_route *r = all_kinds(line) ? NULL : supply_find(e, q, line->kind);
        e->supply.looked++;
        if (all_kinds(line)) {
            q->offers[all].queue = q;
            fine = offer_to(e, &q->offers[all], line);
        } else if (r != NULL && r->listed) {
            fine = offer_route_to(e, r, all ? 2 : 0, line);
        }
    }
    return fine;
}

static bool offer_queue(engine *e, job_queue *q)
{
    idle_group *own = idle_find_group(e, q->name, strlen(q->name)),
               *all = idle_find_group(e, "", 0);
    size_t lines = (own != NULL ? own->waited_count : 0) + (all != NULL ? all->waited_count : 0);
    if (e->idle.picky > 0 || q->listed < lines)
        return offer_routes(e, q);
    return offer_to_group(e, q, own, false) && offer_to_group(e, q, all, true);
}

static bool offer_opened(engine *e, bool nobody)
{
    bool fine = true;
    while (e->supply.opened != NULL) {
        job_queue *q = e->supply.opened;
        e->supply.opened = q->next_opened;
        q->opened = false;
        fine = fine && (nobody || !supply_may_start(q) || offer_queue(e, q));
    }
    return fine;
}

bool idle_offer(engine *e)
{
    bool fine = true, nobody = e->leasing == NULL;
    while (e->supply.offered != NULL) {
        job_route *r = e->supply.offered;
        e->supply.offered = r->next_offered;
        r->offered = false;
        fine = fine && (nobody || !supply_is_open(r) || offer_route(e, r));
    }
    return offer_opened(e, nobody || !fine) && fine;
}

// Only those with very many pairs wait where not all kinds are theirs.
static bool serves(const session *s, const idle_line *line, const job_route *r)
{
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): each post has its session
    return r == NULL || !all_kinds(line) || s->kind_count == 0 || session_runs(s, r->kind->name);
}

static session *first_for(const idle_line *line, const job_route *r)
{
    idle_post *post;
    DL_FOREACH(line->first, post)
    if (serves(post->session, line, r))
        return post->session;
    return NULL;
}

static bool is_open(const offer *o)
{
    return o->route != NULL ? supply_is_open(o->route) : supply_may_start(o->queue);
}

// The first of a line that serves one of its offers; jobs that are gone are offered no more.
static session *first_of(idle_line *line)
{
    for (; line->offers != NULL; line->offers = line->offers->next) {
        session *s = is_open(line->offers) ? first_for(line, line->offers->route) : NULL;
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
