// submit_and_wait - submits a job, follows it, and prints its result as JSON.
//
//   submit_and_wait KIND [ARGS_AS_JSON]
//
// ERRAND_SERVER is the address of the server, if it is not the usual one; ERRAND_TOKEN a token, and
// ERRAND_TLS_CA who signs the certificate of a server at tls+tcp://. Exit status: 0 the job has
// succeeded, 1 it has not, 2 wrong arguments, 3 the server could not be asked.
#include <errand.h>

#include <stdio.h>
#include <stdlib.h>

static int complain(errand_error *error)
{
    fprintf(stderr, "submit_and_wait: %s\n", error->message);
    for (size_t i = 0; i < error->violation_count; i++) {
        fprintf(stderr, "  %s: %s\n", error->fields[i], error->descriptions[i]);
    }
    int status = error->code == 3 ? 2 : 3;  // INVALID_ARGUMENT
    errand_error_free(error);
    return status;
}

static void show_change(const Errand__V1__Job *job)
{
    const ProtobufCEnumValue *state =
        protobuf_c_enum_descriptor_get_value(&errand__v1__job__state__descriptor, (int) job->state);
    fprintf(stderr, "%s", state == NULL ? "?" : state->name);
    if (job->progress != NULL) {
        fprintf(stderr, " %lld/%lld %s", (long long) job->progress->done,
                (long long) job->progress->total, job->progress->message);
    }
    fputc('\n', stderr);
}

// Tells each change on standard error, up to the last one.
static errand_error *follow(errand_client *client, const char *id)
{
    errand_watch *watch = NULL;
    Errand__V1__Job *job = NULL;
    errand_error *error = errand_watch_open(client, id, &watch);
    while (error == NULL && (error = errand_watch_next(watch, -1, &job)) == NULL && job != NULL) {
        show_change(job);
        errand__v1__job__free_unpacked(job, NULL);
    }
    errand_watch_close(watch);
    return error;
}

static errand_error *show_result(errand_client *client, const char *id, int *ret_status)
{
    Errand__V1__Job *job = NULL;
    errand_error *error = errand_wait(client, id, 0, &job);
    if (error != NULL) {
        return error;
    }
    char *text = NULL;
    *ret_status = job->state == ERRAND__V1__JOB__STATE__SUCCEEDED ? 0 : 1;
    if (*ret_status == 0) {
        error = errand_to_json(&job->result->base, &text);
    } else {
        fprintf(stderr, "%s\n", job->error == NULL ? "it did not run" : job->error->message);
    }
    if (text != NULL) {
        puts(text);
    }
    free(text);
    errand__v1__job__free_unpacked(job, NULL);
    return error;
}

// The id of the new job goes into ret_id.
static errand_error *submit(errand_client *client, const char *kind, const char *args,
                            char ret_id[64])
{
    Errand__V1__Job job = ERRAND__V1__JOB__INIT, *stored = NULL;
    errand_error *error = NULL;
    job.kind = (char *) kind;
    if (args != NULL) {
        job.input_case = ERRAND__V1__JOB__INPUT_ARGS;
        error = errand_value_from_json(args, &job.args);
    }
    if (error == NULL) {
        error = errand_submit(client, &job, 0, NULL, &stored);
    }
    if (error == NULL) {
        snprintf(ret_id, 64, "%s", stored->id);
        errand__v1__job__free_unpacked(stored, NULL);
    }
    if (args != NULL && job.args != NULL) {
        google__protobuf__value__free_unpacked(job.args, NULL);
    }
    return error;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: submit_and_wait KIND [ARGS_AS_JSON]\n");
        return 2;
    }
    errand_client *client = NULL;
    const errand_client_options options = {.url = getenv("ERRAND_SERVER"),
                                           .token = getenv("ERRAND_TOKEN"),
                                           .tls_ca = getenv("ERRAND_TLS_CA")};
    char id[64];
    int status = 0;
    errand_error *error = errand_client_open(&options, &client);
    if (error == NULL) {
        error = submit(client, argv[1], argc == 3 ? argv[2] : NULL, id);
    }
    if (error == NULL) {
        error = follow(client, id);
    }
    if (error == NULL) {
        error = show_result(client, id, &status);
    }
    if (error != NULL) {
        status = complain(error);
    }
    errand_client_close(client);
    return status;
}
