// calls - typed forms of the calls used most.
#include "errand.h"

#include "base/clock.h"

#include <time.h>

#define MAX_WAIT_MS     60000  // what the server allows in one call
#define CALL_TIMEOUT_MS 30000  // on top of a wait, when the caller names none
#define MAX_PAUSE_MS    1000

static Google__Protobuf__Duration duration_from_ms(int64_t ms)
{
    Google__Protobuf__Duration duration = GOOGLE__PROTOBUF__DURATION__INIT;
    duration.seconds = ms / 1000;
    duration.nanos = (int32_t) (ms % 1000) * 1000000;
    return duration;
}

static int64_t clamp_wait(int64_t wait_ms)
{
    if (wait_ms < 0) {
        return 0;
    }
    return wait_ms < MAX_WAIT_MS ? wait_ms : MAX_WAIT_MS;
}

// A call that waits needs a deadline beyond its wait; without a wait the client's own is right.
static void add_wait(errand_call_options *options, int64_t wait_ms)
{
    options->prompt = wait_ms <= 0;
    if (wait_ms > 0) {
        options->timeout_ms =
            wait_ms + (options->timeout_ms > 0 ? options->timeout_ms : CALL_TIMEOUT_MS);
    }
}

errand_error *errand_submit(errand_client *client, const Errand__V1__Job *job, int64_t wait_ms,
                            const errand_call_options *options, Errand__V1__Job **ret)
{
    int64_t wait = clamp_wait(wait_ms);
    errand_call_options call_options = options == NULL ? (errand_call_options){0} : *options;
    add_wait(&call_options, wait);
    Google__Protobuf__Duration duration = duration_from_ms(wait);
    Errand__V1__SubmitRequest request = ERRAND__V1__SUBMIT_REQUEST__INIT;
    Errand__V1__Job shallow = *job;  // the generated struct wants a pointer to a job it may change
    request.job = &shallow;
    request.wait = wait > 0 ? &duration : NULL;
    return errand_call(client, &errand__v1__job_service__descriptor, "Submit", &request.base,
                       &call_options, (ProtobufCMessage **) ret);
}

errand_error *errand_get(errand_client *client, const char *id, Errand__V1__JobView view,
                         Errand__V1__Job **ret)
{
    Errand__V1__GetJobRequest request = ERRAND__V1__GET_JOB_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    request.view = view;
    const errand_call_options options = {.prompt = true};
    return errand_call(client, &errand__v1__job_service__descriptor, "Get", &request.base, &options,
                       (ProtobufCMessage **) ret);
}

static errand_error *get_result(errand_client *client, const char *id, int64_t wait_ms,
                                Errand__V1__GetResultResponse **ret)
{
    errand_call_options options = {0};
    add_wait(&options, wait_ms);
    Google__Protobuf__Duration duration = duration_from_ms(wait_ms);
    Errand__V1__GetResultRequest request = ERRAND__V1__GET_RESULT_REQUEST__INIT;
    request.id = (char *) (uintptr_t) id;
    request.wait = wait_ms > 0 ? &duration : NULL;
    return errand_call(client, &errand__v1__job_service__descriptor, "GetResult", &request.base,
                       &options, (ProtobufCMessage **) ret);
}

// A server with too many waiting calls answers at once; asking again at once would not help it.
static void pause_ms(int64_t ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void) nanosleep(&time, NULL);
}

errand_error *errand_result(errand_client *client, const char *id, int64_t wait_ms,
                            Errand__V1__GetResultResponse **ret)
{
    const clock_source *clock = clock_system();
    wait_ms = wait_ms < INT64_MAX / 2 ? wait_ms : INT64_MAX / 2;
    int64_t end_ms = clock_mono_us(clock) / 1000 + wait_ms;
    int64_t left_ms = wait_ms;
    int64_t next_pause_ms = 50;
    for (;;) {
        Errand__V1__GetResultResponse *response = NULL;
        int64_t asked_ms = clamp_wait(left_ms);
        errand_error *error = get_result(client, id, asked_ms, &response);
        if (error != NULL) {
            return error;
        }
        int64_t waited_ms = left_ms - (end_ms - clock_mono_us(clock) / 1000);
        left_ms -= waited_ms;
        if (errand_state_is_final(response->state) || left_ms <= 0) {
            *ret = response;
            return NULL;
        }
        errand__v1__get_result_response__free_unpacked(response, NULL);
        if (waited_ms < asked_ms / 2) {
            pause_ms(next_pause_ms < left_ms ? next_pause_ms : left_ms);
            next_pause_ms = next_pause_ms * 2 < MAX_PAUSE_MS ? next_pause_ms * 2 : MAX_PAUSE_MS;
        }
    }
}
