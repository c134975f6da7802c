// batch - lines of jobs gathered into one BatchSubmit, and its answer as text.
#include "batch.h"

#include "json/codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

batch *batch_new(bool json)
{
    batch *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->json = json;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    b->memory = arena_new(0);
    if (b->memory == NULL) {
        batch_free(b);
        return NULL;
    }
    return b;
}

void batch_free(batch *b)
{
    if (b == NULL)
        return;
    arena_free(b->memory);
    buf_fini(&b->out);
    buf_fini(&b->refusals);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

status *batch_add_line(batch *b, const char *line, size_t size, uint64_t number)
{
    ProtobufCMessage *message = NULL;
    status *s = json_decode(&errand__v1__job__descriptor, line, size, b->memory, &message);
    if (s != NULL)
        return s;
    b->jobs[b->count] = (Errand__V1__Job *) message;
    b->lines[b->count] = number;
    b->count++;
    b->bytes += protobuf_c_message_get_packed_size(message);
    return NULL;
}

bool batch_is_full(const batch *b)
{
    return b->count == BATCH_MAX_JOBS || b->bytes >= BATCH_MAX_BYTES;
}

static void write_json(batch *b, const Errand__V1__BatchSubmitResponse__Result *result)
{
    status *s = json_encode(&result->base, &b->out);
    if (s != NULL)
        buf_append_text(&b->out, "{}");
    status_free(s);
    buf_append_char(&b->out, '\n');
}

static void write_refusal(batch *b, size_t index, const Errand__Rpc__V1__Status *error)
{
    buf_append_format(&b->refusals, "errand: line %" PRIu64 ": %s: %s\n", b->lines[index],
                      status_code_name((status_code) error->code), error->message);
    b->status = CLI_REFUSED;
}

static void write_result(batch *b, size_t index,
                         const Errand__V1__BatchSubmitResponse__Result *result)
{
    bool stored = result->outcome_case == ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_JOB;
    if (b->json)
        write_json(b, result);
    else if (stored)
        buf_append_format(&b->out, "%s\n", result->job->id);
    if (stored)
        b->accepted++;
    else if (result->outcome_case == ERRAND__V1__BATCH_SUBMIT_RESPONSE__RESULT__OUTCOME_ERROR)
        write_refusal(b, index, result->error);
}

static void write_results(batch *b, const Errand__V1__BatchSubmitResponse *reply)
{
    for (size_t i = 0; i < reply->n_results && i < b->count; i++)
        write_result(b, i, reply->results[i]);
    if (reply->n_results == b->count)
        return;
    b->status = CLI_REFUSED;
    buf_append_format(&b->refusals, "errand: the server answered for %zu jobs of %zu\n",
                      reply->n_results, b->count);
}

static void write_failure(batch *b, const errand_error *error)
{
    b->status = cli_exit_of(error->code);
    buf_append_format(&b->refusals,
                      "errand: lines %" PRIu64 " to %" PRIu64 " may not be stored: %s: %s\n",
                      b->lines[0], b->lines[b->count - 1],
                      status_code_name((status_code) error->code), error->message);
}

static void on_answer(void *data, const ProtobufCMessage *reply, const errand_error *error)
{
    batch *b = data;
    pthread_mutex_lock(&b->lock);
    if (error != NULL)
        write_failure(b, error);
    else
        write_results(b, (const Errand__V1__BatchSubmitResponse *) reply);
    b->answered = true;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

void batch_send(batch *b, errand_client *client, const char *request_id, uint64_t number)
{
    Errand__V1__BatchSubmitRequest request = ERRAND__V1__BATCH_SUBMIT_REQUEST__INIT;
    char id[300];
    errand_call_options options = {0};
    if (request_id != NULL) {
        (void) snprintf(id, sizeof id, "%s-%" PRIu64, request_id, number);
        options.request_id = id;
    }
    request.jobs = b->jobs;
    request.n_jobs = b->count;
    errand_start(client, &errand__v1__job_service__descriptor, "BatchSubmit", &request.base,
                 &options, on_answer, b);
    arena_reset(b->memory);
}

void batch_collect(batch *b)
{
    pthread_mutex_lock(&b->lock);
    while (!b->answered)
        pthread_cond_wait(&b->changed, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

void batch_clear(batch *b)
{
    b->count = 0;
    b->bytes = 0;
    b->accepted = 0;
    b->answered = false;
    b->status = CLI_OK;
    buf_clear(&b->out);
    buf_clear(&b->refusals);
    arena_reset(b->memory);
}
