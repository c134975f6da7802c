// learn - asks a server where its results go, for a worker that was not told.
//
// It is asked again whenever the pipeline breaks: a server may come back at another address.
#include "worker/internal.h"

#include "base/log.h"
#include "worker/address.h"
#include "worker/answer.h"

#include <stddef.h>
#include <stdlib.h>

#define CALL_TIMEOUT_MS 5000
#define RETRY_US        500000

static worker_link *of_info(worker_call *call)
{
    return (worker_link *) (void *) ((char *) call - offsetof(worker_link, info));
}

static void take_address(worker_link *l, char *address)
{
    free(l->results_url);
    l->results_url = address;
    AUTO(status) failure = push_dial(l);
    if (failure != NULL) {
        log_warn("results_not_reachable", LOG_STR("url", address), LOG_STATUS(failure));
        l->renew_us = worker_now(l->w) + RETRY_US;
        return;
    }
    l->renew_us = 0;
}

static void on_answer(handover_item *item)
{
    worker_call *call = (worker_call *) (void *) item;  // its first member
    worker_link *l = of_info(call);
    AUTO(answer) said = TAKE(call->answer);
    call->under_way = false;
    if (l->pipeline == NULL) {
        return;  // the worker is being taken down
    }
    if (said != NULL && said->results_url != NULL) {
        take_address(l, TAKE(said->results_url));
        return;
    }
    if (said != NULL) {
        log_warn("results_not_announced", LOG_STR("url", l->rpc_url));
    }
    l->renew_us = worker_now(l->w) + RETRY_US;
}

static void on_done(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    worker_call *call = (worker_call *) data;
    call->answer = reply == NULL ? NULL
                                 : answer_from_info((const Errand__V1__ServerInfo *) reply,
                                                    call->link->rpc_url);
    call->code = error != NULL ? error->code : STATUS_RESOURCE_EXHAUSTED;
    handover_post(&call->link->w->inbox, &call->item);
}

void learn_turn(worker_link *l, int64_t now_us)
{
    if (!l->learns || l->renew_us == 0 || l->info.under_way) {
        return;
    }
    if (now_us < l->renew_us) {
        worker_wake_at(l->w, l->renew_us);
        return;
    }
    worker_call *call = &l->info;
    call->link = l;
    call->item.run = on_answer;
    call->under_way = true;
    Errand__V1__GetInfoRequest request = ERRAND__V1__GET_INFO_REQUEST__INIT;
    errand_call_options options = {.timeout_ms = CALL_TIMEOUT_MS, .once = true};
    errand_start(l->client, &errand__v1__server_service__descriptor, "GetInfo", &request.base,
                 &options, on_done, call);
}
