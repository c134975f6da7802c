// patience - asks anew as soon as the server would like to be asked.
#include "patience.h"

#include "base/clock.h"
#include "job/time.h"

#include <time.h>

#define WAIT_MS      INT64_C(60000)
#define MIN_PAUSE_MS 50
#define MAX_PAUSE_MS 1000

void patience_init(patience *p)
{
    *p = (patience){.wait = GOOGLE__PROTOBUF__DURATION__INIT};
    time_to_duration(WAIT_MS * 1000, &p->wait);
}

errand_error *patience_watch(patience *p, const cli *c, const ProtobufCServiceDescriptor *service,
                             const ProtobufCMessage *request, ProtobufCMessage **ret)
{
    const errand_call_options options = {.timeout_ms = WAIT_MS + c->timeout_ms};
    p->asked_us = clock_mono_us(clock_system());
    return errand_call(c->client, service, "Watch", request, &options, ret);
}

// A server with too many waiting calls answers at once; asking again at once would not help it.
void patience_pause(patience *p)
{
    int64_t waited_ms = (clock_mono_us(clock_system()) - p->asked_us) / 1000;
    if (waited_ms >= WAIT_MS / 2) {
        p->pause_ms = 0;
        return;
    }
    p->pause_ms = p->pause_ms == 0 ? MIN_PAUSE_MS : p->pause_ms * 2;
    if (p->pause_ms > MAX_PAUSE_MS)
        p->pause_ms = MAX_PAUSE_MS;
    const struct timespec time = {p->pause_ms / 1000, p->pause_ms % 1000 * 1000000};
    (void) nanosleep(&time, NULL);
}
