// info - GetInfo.
#include "service/internal.h"

#include "job/time.h"

void info_call(service *s, const Errand__V1__GetInfoRequest *request, rpc_call *call)
{
    (void) request;
    const addresses *where = atomic_load(&s->addresses);
    Errand__V1__ServerInfo reply = ERRAND__V1__SERVER_INFO__INIT;
    Google__Protobuf__Timestamp start = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    char version[] = ERRAND_VERSION, serving[] = "serving", draining[] = "draining";
    time_to_timestamp(s->start_us, &start);
    time_to_duration(s->options.lease_us, &lease);
    reply.version = version;
    reply.start_time = &start;
    if (where != NULL) {
        reply.n_rpc_urls = where->rpc_count;
        reply.rpc_urls = where->rpc_urls;
        reply.n_results_urls = where->results_count;
        reply.results_urls = where->results_urls;
    }
    reply.max_message_bytes = (int64_t) s->options.max_message_bytes;
    reply.max_input_bytes = (int64_t) s->options.limits.max_input_bytes;
    reply.max_result_bytes = (int64_t) s->options.limits.max_result_bytes;
    reply.lease_duration = &lease;
    reply.health = atomic_load(&s->draining) ? draining : serving;
    rpc_call_answer(call, &reply.base);
}
