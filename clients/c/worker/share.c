// share - how the slots of a worker are shared out between its servers. Pure.
#include "worker/share.h"

static int64_t missing(const share_claim *claim, int64_t level)
{
    return claim->hungry && claim->running < level ? level - claim->running : 0;
}

static int64_t missing_in_all(const share_claim *claims, size_t count, int64_t level)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += missing(&claims[i], level);
    }
    return sum;
}

// The level up to which the slots fill all hungry servers.
static int64_t level_of(const share_claim *claims, size_t count, int32_t free_slots)
{
    int64_t low = 0, high = (int64_t) INT32_MAX + 1;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (missing_in_all(claims, count, middle) <= free_slots) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// How many hungry servers that stand at the level have waited longer than `own`.
static int64_t count_before(const share_claim *claims, size_t count, size_t own, int64_t level)
{
    int64_t before = 0;
    for (size_t i = 0; i < count; i++) {
        const share_claim *other = &claims[i];
        bool longer =
            other->served < claims[own].served || (other->served == claims[own].served && i < own);
        before += i != own && other->hungry && other->running <= level && longer;
    }
    return before;
}

static bool any_hungry(const share_claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (claims[i].hungry) {
            return true;
        }
    }
    return false;
}

int32_t share_of(const share_claim *claims, size_t count, size_t own, int32_t free_slots)
{
    if (count == 1 || free_slots <= 0) {
        return free_slots > 0 ? free_slots : 0;
    }
    if (!any_hungry(claims, count)) {
        return (int32_t) (((int64_t) free_slots + (int64_t) count - 1) / (int64_t) count);
    }
    if (!claims[own].hungry) {
        return 0;
    }
    int64_t level = level_of(claims, count, free_slots);
    int64_t rest = free_slots - missing_in_all(claims, count, level);
    bool one_more = claims[own].running <= level && count_before(claims, count, own, level) < rest;
    return (int32_t) missing(&claims[own], level) + one_more;
}
