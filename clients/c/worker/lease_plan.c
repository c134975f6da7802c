// lease_plan - when the next Lease is sent, with which number and for how many jobs. Pure.
#include "worker/lease_plan.h"

#define COALESCE_US      2000     // few free slots wait that long for more
#define MANY_SLOTS       64       // do not, however many there are in all
#define FULL_US          100000   // all slots taken for that long: wait for cancellations
#define HASTY_US         1000000  // an empty answer sooner than that was not a wait
#define FIRST_PAUSE_US   20000
#define LONGEST_PAUSE_US 5000000

static int64_t pause_us(int32_t setbacks)
{
    int64_t pause = FIRST_PAUSE_US;
    for (int32_t i = 1; i < setbacks && pause < LONGEST_PAUSE_US; i++) {
        pause *= 2;
    }
    return pause < LONGEST_PAUSE_US ? pause : LONGEST_PAUSE_US;
}

// How long the wish has to stay the same before it is acted upon.
static int64_t patience_us(const lease_wish *wish, int32_t wanted)
{
    if (wanted == 0) {
        return wish->leaving ? 0 : FULL_US;
    }
    int32_t many_at = wish->concurrency / 8;
    bool many = wanted >= (many_at < MANY_SLOTS ? many_at : MANY_SLOTS);
    return many ? 0 : COALESCE_US;
}

// The Lease under way may be replaced only by one that differs in wanting jobs at all.
static bool is_satisfied(const lease_plan *plan, int32_t wanted)
{
    return plan->under_way && (plan->max_jobs > 0) == (wanted > 0);
}

static bool is_ripe(lease_plan *plan, const lease_wish *wish, int32_t wanted, int64_t now_us,
                    int64_t *ret_wake_us)
{
    if (plan->wanting_us == 0 || plan->wanted_jobs != (wanted > 0)) {
        plan->wanting_us = now_us;
        plan->wanted_jobs = wanted > 0;
    }
    int64_t ripe_us = plan->wanting_us + patience_us(wish, wanted);
    if (!plan->under_way && ripe_us < plan->not_before_us) {
        ripe_us = plan->not_before_us;
    }
    *ret_wake_us = ripe_us;
    return now_us >= ripe_us;
}

bool lease_plan_next(lease_plan *plan, const lease_wish *wish, int64_t now_us,
                     int64_t *ret_sequence, int32_t *ret_max_jobs, int64_t *ret_wake_us)
{
    int32_t wanted = wish->accepting ? wish->free : 0;
    if (plan->under_way && plan->max_jobs > 0 && wish->accepting) {
        wanted = plan->max_jobs;  // parked for jobs, though all slots are taken meanwhile
    }
    *ret_wake_us = INT64_MAX;
    if (is_satisfied(plan, wanted)) {
        plan->wanting_us = 0;
        return false;
    }
    if (!is_ripe(plan, wish, wanted, now_us, ret_wake_us)) {
        return false;
    }
    plan->sequence += plan->again ? 0 : 1;
    plan->again = false;
    plan->under_way = true;
    plan->max_jobs = wanted;
    plan->sent_us = now_us;
    plan->wanting_us = 0;
    *ret_sequence = plan->sequence;
    *ret_max_jobs = wanted;
    return true;
}

void lease_plan_answered(lease_plan *plan, int64_t sequence, bool news, int64_t now_us)
{
    if (sequence > plan->answered) {
        plan->answered = sequence;
    }
    if (sequence != plan->sequence) {
        return;  // it gave way; the one that matters is under way
    }
    plan->under_way = false;
    // A server that drains, or has no room for waiting calls, answers at once: do not storm it.
    if (!news && now_us - plan->sent_us < HASTY_US) {
        plan->setbacks++;
        plan->not_before_us = now_us + pause_us(plan->setbacks);
        return;
    }
    plan->setbacks = 0;
    plan->not_before_us = 0;
}

void lease_plan_failed(lease_plan *plan, int64_t sequence, double random, int64_t now_us)
{
    if (sequence != plan->sequence) {
        return;
    }
    plan->under_way = false;
    plan->again = true;
    plan->setbacks++;
    int64_t pause = pause_us(plan->setbacks);
    plan->not_before_us = now_us + pause / 2 + (int64_t) ((double) pause / 2 * random);
}
