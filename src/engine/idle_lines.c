// idle_lines - the lines of parked Lease calls, and the places of workers in them.
#include "engine/internal.h"
#include "job/served.h"

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

idle_line *idle_find_line(engine *e, const char *queue, const char *kind)
{
    char name[NAME_SIZE];
    idle_line *line = NULL;
    if (join(queue, strlen(queue), kind, name))
        HASH_FIND_STR(e->idle.lines, name, line);
    return line;
}

idle_group *idle_find_group(engine *e, const char *queue, size_t size)
{
    idle_group *group = NULL;
    HASH_FIND(hh, e->idle.groups, queue, size, group);
    return group;
}

static idle_group *make_group(engine *e, const char *queue, size_t size)
{
    idle_group *group = idle_find_group(e, queue, size);
    if (group != NULL)
        return group;
    group = calloc(1, sizeof *group);
    if (group == NULL)
        return NULL;
    group->queue = strndup(queue, size);
    if (group->queue != NULL)
        HASH_ADD_KEYPTR(hh, e->idle.groups, group->queue, size, group);
    if (group->hh.tbl == NULL) {
        free(group->queue);
        free(group);
        return NULL;
    }
    return group;
}

static void release_group(engine *e, idle_group *group)
{
    if (group->users > 0)
        return;
    HASH_DEL(e->idle.groups, group);
    free(group->queue);
    free(group);
}

static idle_line *make_line(engine *e, const char *name)
{
    idle_line *line = NULL;
    HASH_FIND_STR(e->idle.lines, name, line);
    if (line != NULL)
        return line;
    size_t queue_size = strcspn(name, "/");
    idle_group *group = make_group(e, name, queue_size);
    line = group != NULL ? calloc(1, sizeof *line) : NULL;
    if (line == NULL)
        return NULL;
    line->name = strdup(name);
    if (line->name != NULL)
        HASH_ADD_KEYPTR(hh, e->idle.lines, line->name, strlen(line->name), line);
    if (line->hh.tbl == NULL) {
        free(line->name);
        free(line);
        release_group(e, group);
        return NULL;
    }
    line->kind = line->name + queue_size + 1;
    line->group = group;
    group->users++;
    return line;
}

// ---- the posts of a worker ----

static bool add_post(engine *e, session *s, const char *queue, const char *kind)
{
    char name[NAME_SIZE];
    idle_line *line = join(queue, served_name_size(queue), kind, name) ? make_line(e, name) : NULL;
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
    line->group->users--;
    release_group(e, line->group);
    free(line->name);
    free(line);
}

void idle_forget(engine *e, session *s)
{
    idle_leave(e, s);
    for (size_t i = 0; i < s->post_count; i++)
        release_line(e, s->posts[i].line);
    free(s->posts);
    s->posts = NULL;
    s->post_count = 0;
}

static bool is_picky(const session *s)
{
    return !by_pairs(s->queue_count, s->kind_count);
}

static void enter_line(idle_post *post)
{
    idle_line *line = post->line;
    if (line->first == NULL) {
        DL_APPEND(line->group->waited, line);
        line->group->waited_count++;
    }
    DL_APPEND(line->first, post);
}

static void leave_line(idle_post *post)
{
    idle_line *line = post->line;
    DL_DELETE(line->first, post);
    if (line->first == NULL) {
        DL_DELETE(line->group->waited, line);
        line->group->waited_count--;
    }
}

void idle_enter(engine *e, session *s)
{
    s->waits = true;
    s->since = ++e->idle.arrivals;
    e->idle.picky += is_picky(s);
    for (size_t i = 0; i < s->post_count; i++)
        enter_line(&s->posts[i]);
}

void idle_leave(engine *e, session *s)
{
    if (!s->waits)
        return;
    s->waits = false;
    e->idle.picky -= is_picky(s);
    for (size_t i = 0; i < s->post_count; i++)
        leave_line(&s->posts[i]);
}
