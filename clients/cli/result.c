// result - errand result and errand wait: how jobs ended and what they produced.
#include "cli.h"

#include "json/codec.h"

#include <inttypes.h>
#include <stdio.h>

static cli_exit print_value(const Google__Protobuf__Value *value)
{
    return cli_print_json(&value->base);
}

static void tell_omitted(const char *stream, int64_t bytes)
{
    if (bytes > 0)
        cli_tell("errand: %" PRId64 " bytes of standard %s were left out by the worker\n", bytes,
                 stream);
}

// What the command wrote goes where it would have gone here.
static cli_exit print_exec(const Errand__V1__ExecResult *exec)
{
    cli_exit printed = cli_print_bytes(exec->stdout.data, exec->stdout.len);
    if (exec->stderr.len > 0)
        (void) fwrite(exec->stderr.data, 1, exec->stderr.len, stderr);
    tell_omitted("output", exec->stdout_omitted_bytes);
    tell_omitted("error", exec->stderr_omitted_bytes);
    return printed;
}

static cli_exit print_output(const Errand__V1__Result *result)
{
    switch (result->output_case) {
    case ERRAND__V1__RESULT__OUTPUT_HTTP:
        return cli_print_bytes(result->http->body.data, result->http->body.len);
    case ERRAND__V1__RESULT__OUTPUT_EXEC:
        return print_exec(result->exec);
    case ERRAND__V1__RESULT__OUTPUT_VALUE:
        return print_value(result->value);
    case ERRAND__V1__RESULT__OUTPUT_DATA:
        return cli_print_bytes(result->data->body.data, result->data->body.len);
    case ERRAND__V1__RESULT__OUTPUT__NOT_SET:
    case _ERRAND__V1__RESULT__OUTPUT__CASE_IS_INT_SIZE:
        return CLI_OK;
    }
    return CLI_OK;
}

// explain says on stderr why there is no output.
static cli_exit explain(const Errand__V1__GetResultResponse *answer)
{
    const char *state = cli_state_name(answer->state);
    if (cli_state_exit(answer->state) == CLI_UNREACHABLE) {
        cli_tell("errand: job %s has not ended: it is %s\n", answer->id, state);
        return CLI_UNREACHABLE;
    }
    if (answer->error != NULL)
        cli_tell("errand: job %s ended %s: %s: %s\n", answer->id, state,
                 status_code_name((status_code) answer->error->code), answer->error->message);
    else
        cli_tell("errand: job %s ended %s\n", answer->id, state);
    return CLI_NO_SUCCESS;
}

cli_exit cli_show_result(const cli *c, const Errand__V1__GetResultResponse *answer)
{
    bool success = answer->state == ERRAND__V1__JOB__STATE__SUCCEEDED;
    cli_exit ending = success ? CLI_OK : explain(answer);
    if (c->json) {
        cli_exit printed = cli_print_json(&answer->base);
        return ending != CLI_OK ? ending : printed;
    }
    return success && answer->result != NULL ? print_output(answer->result) : ending;
}

cli_exit cli_await(cli *c, const char *id, int64_t wait_ms)
{
    Errand__V1__GetResultResponse *answer = NULL;
    errand_error *error = errand_result(c->client, id, wait_ms, &answer);
    if (error != NULL)
        return cli_bad_call(error);
    cli_exit ending = cli_show_result(c, answer);
    errand__v1__get_result_response__free_unpacked(answer, NULL);
    return ending;
}

cli_exit cli_result(cli *c, const cli_args *args)
{
    int64_t wait_ms;
    status *s = cli_duration_ms(args, "wait", 0, &wait_ms);
    return s != NULL ? cli_bad_usage(s) : cli_await(c, args->words[0], wait_ms);
}
