// handover - passes work from any thread to the thread of a libuv loop.
#include "worker/handover.h"

#include <stddef.h>

static void on_wake(uv_async_t *wake)
{
    handover_run((handover *) wake->data);
}

int handover_init(handover *h, uv_loop_t *loop)
{
    *h = (handover){.wake.data = h};
    int failed = pthread_mutex_init(&h->lock, NULL);
    if (failed != 0) {
        return uv_translate_sys_error(failed);
    }
    failed = uv_async_init(loop, &h->wake, on_wake);
    h->wake.data = h;
    return failed;
}

void handover_fini(handover *h)
{
    (void) pthread_mutex_destroy(&h->lock);
}

void handover_post(handover *h, handover_item *item)
{
    pthread_mutex_lock(&h->lock);
    if (!item->waiting) {
        item->waiting = true;
        item->next = NULL;
        if (h->first == NULL) {
            h->first = item;
        } else {
            h->last->next = item;
        }
        h->last = item;
    }
    pthread_mutex_unlock(&h->lock);
    (void) uv_async_send(&h->wake);
}

static handover_item *take(handover *h)
{
    pthread_mutex_lock(&h->lock);
    handover_item *item = h->first;
    if (item != NULL) {
        h->first = item->next;
        item->waiting = false;
    }
    pthread_mutex_unlock(&h->lock);
    return item;
}

void handover_run(handover *h)
{
    for (handover_item *item = take(h); item != NULL; item = take(h)) {
        item->run(item);  // may free the item
    }
}
