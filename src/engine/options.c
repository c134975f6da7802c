// options - what an engine is told where nobody says otherwise.
#include "engine/engine.h"

void engine_options_init(engine_options *options)
{
    *options = (engine_options){
        .lease_us = 30 * 1000000LL,
        .grace_us = 5 * 1000000LL,
        .max_sessions = 10000,
        .max_served = 1000000,
        .max_leases = 1000000,
        .max_routes = 100000,
        .max_queues = 100000,
        .max_named_queues = 200,
        .max_feed_changes = 131072,
        .max_reply_bytes = 8u << 20,
    };
}
