// heartbeat_plan - when the next heartbeat of a link is due. Pure.
#include "worker/heartbeat_plan.h"

#define RETRY_US 1000000  // after a failure, at most

void heartbeat_plan_init(heartbeat_plan *plan, int64_t lease_us)
{
    *plan = (heartbeat_plan){.lease_us = lease_us};
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t heartbeat_plan_due(heartbeat_plan *plan, bool idle, int64_t now_us)
{
    if (plan->idle && !idle) {
        plan->busy_us = now_us;
    }
    plan->idle = idle;
    if (plan->failed) {
        return plan->wanted_us;
    }
    int64_t since_us = plan->sent_us > plan->busy_us ? plan->sent_us : plan->busy_us;
    int64_t regular_us = idle ? plan->sent_us + plan->lease_us : since_us + plan->lease_us / 3;
    return earlier(plan->wanted_us, regular_us);
}

void heartbeat_plan_sent(heartbeat_plan *plan, int64_t now_us)
{
    plan->sent_us = now_us;
    plan->wanted_us = INT64_MAX;
}

void heartbeat_plan_answered(heartbeat_plan *plan)
{
    plan->failed = false;
}

void heartbeat_plan_failed(heartbeat_plan *plan, int64_t now_us)
{
    plan->failed = true;
    plan->wanted_us = now_us + earlier(plan->lease_us / 6, RETRY_US);
}

void heartbeat_plan_want(heartbeat_plan *plan, int64_t at_us)
{
    plan->wanted_us = earlier(plan->wanted_us, at_us);
}
