// worker - a worker with functions for two kinds of jobs, until SIGTERM or SIGINT.
//
//   worker [CONCURRENCY]
//
// wordcount  counts lines, words and bytes: of the text in its args, or of its data. Tells its
//            progress, and stops in the middle when it is cancelled.
// sleep      sleeps for so many seconds as its args say.
//
// ERRAND_SERVER is the address of the server, if it is not the usual one; ERRAND_TOKEN a token, and
// ERRAND_TLS_CA who signs the certificate of a server at tls+tcp://. The program prints a line when
// it is connected.
#include <errand.h>

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES 65536

static void refuse(errand_context *context, const char *why)
{
    const errand_failure failure = {.code = 3, .message = why, .permanent = true};
    errand_context_fail(context, &failure);
}

// ---- wordcount ----

static const char *text_of(const Errand__V1__Job *job, size_t *ret_size)
{
    if (job->input_case == ERRAND__V1__JOB__INPUT_DATA) {
        *ret_size = job->data->body.len;
        return (const char *) job->data->body.data;
    }
    if (job->input_case == ERRAND__V1__JOB__INPUT_ARGS &&
        job->args->kind_case == GOOGLE__PROTOBUF__VALUE__KIND_STRING_VALUE) {
        *ret_size = strlen(job->args->string_value);
        return job->args->string_value;
    }
    return NULL;
}

static void wordcount(errand_context *context, void *data)
{
    (void) data;
    size_t size = 0, lines = 0, words = 0;
    const char *text = text_of(errand_context_job(context), &size);
    if (text == NULL) {
        refuse(context, "wordcount needs a text as its args, or data");
        return;
    }
    int within = 0;
    for (size_t i = 0; i < size; i++) {
        if (i % PIECE_BYTES == 0) {
            if (errand_context_cancelled(context)) {
                return;  // nobody wants to know any more
            }
            errand_context_progress(context, (int64_t) i, (int64_t) size, "bytes");
        }
        int is_word = !isspace((unsigned char) text[i]);
        words += is_word && !within;
        within = is_word;
        lines += text[i] == '\n';
    }
    char json[128];
    snprintf(json, sizeof json, "{\"lines\": %zu, \"words\": %zu, \"bytes\": %zu}", lines, words,
             size);
    errand_error_free(errand_context_succeed_json(context, json));
}

// ---- sleep ----

static void sleep_well(errand_context *context, void *data)
{
    (void) data;
    const Errand__V1__Job *job = errand_context_job(context);
    if (job->input_case != ERRAND__V1__JOB__INPUT_ARGS ||
        job->args->kind_case != GOOGLE__PROTOBUF__VALUE__KIND_NUMBER_VALUE) {
        refuse(context, "sleep needs a number of seconds as its args");
        return;
    }
    int64_t time_ms = (int64_t) (job->args->number_value * 1000);
    if (time_ms > errand_context_time_left_ms(context)) {
        refuse(context, "that is longer than attempt_timeout allows");
        return;
    }
    // A sleep that ends when the job is cancelled.
    if (!errand_context_wait(context, time_ms < 0 ? 0 : time_ms)) {
        errand_error_free(errand_context_succeed_json(context, "\"well rested\""));
    }
}

// ---- the program ----

static errand_worker *worker;

static void on_signal(int number)
{
    (void) number;
    errand_worker_quit(worker);
}

static void on_connected(void *data, const char *url)
{
    (void) data;
    printf("connected %s\n", url);
    fflush(stdout);
}

static errand_error *serve(const errand_worker_options *options)
{
    errand_error *error = errand_worker_new(options, &worker);
    if (error == NULL) {
        error = errand_worker_handle(worker, "wordcount", wordcount, NULL);
    }
    if (error == NULL) {
        error = errand_worker_handle(worker, "sleep", sleep_well, NULL);
    }
    if (error == NULL) {
        signal(SIGTERM, on_signal);
        signal(SIGINT, on_signal);
        error = errand_worker_run(worker);
    }
    errand_worker_free(worker);
    return error;
}

int main(int argc, char **argv)
{
    const errand_server server = {.url = getenv("ERRAND_SERVER")};
    const errand_worker_options options = {
        .servers = &server,
        .server_count = 1,
        .token = getenv("ERRAND_TOKEN"),
        .tls_ca = getenv("ERRAND_TLS_CA"),
        .concurrency = argc > 1 ? atoi(argv[1]) : 0,
        .connected = on_connected,
    };
    errand_error *error = serve(&options);
    if (error != NULL) {
        fprintf(stderr, "worker: %s\n", error->message);
        errand_error_free(error);
        return 1;
    }
    return 0;
}
