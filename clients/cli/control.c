// control - errand cancel, retry and rm: jobs by their ids, or all that match a filter.
#include "cli.h"

#include <stdio.h>

#define JOBS (&errand__v1__job_service__descriptor)

typedef struct control {
    const char *name;
    const char *one;   // method for one job
    const char *many;  // method for a filter
} control;

static cli_exit control_one(cli *c, const control *what, const char *id)
{
    ProtobufCMessage *reply = NULL;
    cli_exit ending = cli_call(c, JOBS, what->one, "id", id, &reply);
    if (ending != CLI_OK) {
        cli_tell("errand: %s %s: failed\n", what->name, id);
        return ending;
    }
    const Errand__V1__Job *job = (const Errand__V1__Job *) reply;
    if (c->json)
        ending = cli_print_json(reply);
    else
        cli_print("%s %s\n", job->id, cli_state_name(job->state));
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}

static cli_exit control_each(cli *c, const control *what, const cli_args *args)
{
    cli_exit worst = CLI_OK;
    for (size_t i = 0; i < args->word_count && worst != CLI_UNREACHABLE && !ferror(stdout); i++) {
        cli_exit ending = control_one(c, what, args->words[i]);
        if (ending > worst)
            worst = ending;
    }
    return worst;
}

// All three requests are a filter and nothing else.
static cli_exit control_matching(cli *c, const control *what, Errand__V1__JobFilter *filter,
                                 arena *memory)
{
    const ProtobufCMessageDescriptor *type =
        protobuf_c_service_descriptor_get_method_by_name(JOBS, what->many)->input;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(type, "filter");
    ProtobufCMessage *reply = NULL;
    ProtobufCMessage *request = arena_alloc(memory, type->sizeof_message);
    if (request == NULL)
        return cli_bad_usage(status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory"));
    protobuf_c_message_init(type, request);
    *(Errand__V1__JobFilter **) ((uint8_t *) request + field->offset) = filter;
    cli_exit ending = cli_call_long(c, JOBS, what->many, request, &reply);
    return ending == CLI_OK ? cli_print_count(c, reply) : ending;
}

static bool has_filter(const cli_args *args)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (args->given[i].option->field != NULL)
            return true;
    }
    return false;
}

static status *check_choice(const control *what, const cli_args *args)
{
    bool by_filter = has_filter(args);
    if (by_filter && args->word_count > 0)
        return status_new(STATUS_INVALID_ARGUMENT, "%s takes ids or filters, not both", what->name);
    if (!by_filter && args->word_count == 0)
        return status_new(STATUS_INVALID_ARGUMENT,
                          "%s needs ids, or a filter: --queue, --state, --kind or --label",
                          what->name);
    return NULL;
}

static cli_exit run(cli *c, const control *what, const cli_args *args)
{
    AUTO(arena) memory = arena_new(0);
    Errand__V1__JobFilter filter = ERRAND__V1__JOB_FILTER__INIT;
    status *s = memory == NULL ? status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory")
                               : check_choice(what, args);
    if (s == NULL)
        s = cli_fill(args, &filter.base, memory);
    if (s != NULL)
        return cli_bad_usage(s);
    return args->word_count > 0 ? control_each(c, what, args)
                                : control_matching(c, what, &filter, memory);
}

cli_exit cli_cancel(cli *c, const cli_args *args)
{
    return run(c, &(const control){"cancel", "Cancel", "CancelMany"}, args);
}

cli_exit cli_retry(cli *c, const cli_args *args)
{
    return run(c, &(const control){"retry", "Retry", "RetryMany"}, args);
}

cli_exit cli_remove(cli *c, const cli_args *args)
{
    return run(c, &(const control){"rm", "Delete", "DeleteMany"}, args);
}
