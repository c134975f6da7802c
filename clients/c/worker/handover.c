// handover - passes work from any thread to the thread of a libuv loop.
//
// A list that grows at its head and is always taken as a whole needs no lock.
#include "worker/handover.h"

#include <stddef.h>

static void on_wake(uv_async_t *wake)
{
    handover_run((handover *) wake->data);
}

int handover_init(handover *h, uv_loop_t *loop)
{
    *h = (handover){.wake.data = h};
    int failed = uv_async_init(loop, &h->wake, on_wake);
    h->wake.data = h;
    return failed;
}

void handover_post(handover *h, handover_item *item)
{
    if (atomic_exchange(&item->waiting, true)) {
        return;
    }
    handover_item *before = atomic_load(&h->latest);
    do {
        item->next = before;
    } while (!atomic_compare_exchange_weak(&h->latest, &before, item));
    if (before == NULL) {  // otherwise who posted the first one wakes the loop
        (void) uv_async_send(&h->wake);
    }
}

static handover_item *take_all(handover *h)
{
    handover_item *oldest = NULL, *item = atomic_exchange(&h->latest, NULL);
    while (item != NULL) {
        handover_item *next = item->next;
        item->next = oldest;
        oldest = item;
        item = next;
    }
    return oldest;
}

// From the moment when it does not wait any more an item may be posted anew, and its run may free
// it.
void handover_run(handover *h)
{
    handover_item *item = take_all(h);
    while (item != NULL) {
        handover_item *next = item->next;
        (void) atomic_exchange(&item->waiting, false);  // sees what was written before a post
        item->run(item);
        item = next;
    }
}
