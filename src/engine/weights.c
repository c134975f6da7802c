// weights - a worker that serves several queues by weight: `mail=3` gets three jobs for each one of
// `bulk=1`, as long as both have jobs.
//
// Smooth weighted round robin, as in nginx: in each turn every queue earns its weight, and the one
// with the most credit pays the sum of all for its turn. The credit is kept from call to call.
#include "engine/take.h"
#include "job/served.h"

bool weights_any(char *const *served, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (served_has_weight(served[i]))
            return true;
    return false;
}

// A queue that may have jobs.
typedef struct share {
    job_queue *queue;
    int64_t weight;
    int64_t *credit;
} share;

static size_t find_shares(taking *t, share *ret)
{
    session *s = t->session;
    size_t shares = 0;
    for (size_t i = 0; i < s->queue_count; i++) {
        job_queue *q = session_queue(t->engine, s, i);
        if (q != NULL && supply_may_start(q))
            ret[shares++] = (share){q, served_weight(s->queues[i]), &s->credits[i]};
    }
    return shares;
}

static size_t next_turn(share *shares, size_t count, int64_t total)
{
    size_t best = 0;
    for (size_t i = 0; i < count; i++) {
        *shares[i].credit += shares[i].weight;
        if (*shares[i].credit > *shares[best].credit)
            best = i;
    }
    *shares[best].credit -= total;
    return best;
}

static int64_t total_of(const share *shares, size_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += shares[i].weight;
    return total;
}

bool take_by_weight(taking *t)
{
    AUTO_FREE share *shares = calloc(t->session->queue_count + 1, sizeof *shares);
    if (shares == NULL)
        return engine_check(t->engine, no_memory());
    size_t left = find_shares(t, shares);
    int64_t total = total_of(shares, left);
    // Large calls go in larger turns: many turns, few reads.
    size_t turn = total > 0 ? t->room / (size_t) (4 * total) + 1 : 1;
    while (left > 0 && !take_is_full(t)) {
        size_t best = next_turn(shares, left, total), room = t->room;
        if (!take_queue(t, shares[best].queue, turn))
            return false;
        if (room - t->room == turn)
            continue;
        *shares[best].credit = 0;  // it has no more jobs: it saves nothing up
        shares[best] = shares[--left];
        total = total_of(shares, left);
    }
    return true;
}
