// explain - errand explain ID: why a job is not running.
#include "cli.h"

#include <inttypes.h>

static const char *type_name(Errand__V1__Reason__Type type)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&errand__v1__reason__type__descriptor, (int) type);
    return value == NULL ? "?" : value->name;
}

static void print_reason(const Errand__V1__Reason *reason)
{
    char until[CLI_TEXT_MAX];
    cli_print("%-10s %s: %s", "reason", type_name(reason->type), reason->message);
    if (reason->until != NULL)
        cli_print(" (until %s)", cli_time_text(reason->until, until));
    cli_print("\n");
    for (size_t i = 0; i < reason->n_jobs; i++)
        cli_print_line("", reason->jobs[i]);
}

static void print_explanation(const Errand__V1__Explanation *why)
{
    cli_print_line("id", why->id);
    cli_print_line("state", cli_state_name(why->state));
    for (size_t i = 0; i < why->n_reasons; i++)
        print_reason(why->reasons[i]);
    if (why->state == ERRAND__V1__JOB__STATE__READY)
        cli_print("%-10s %s%" PRId64 " jobs before it\n", "position",
                  why->position_exact ? "" : "at least ", why->position);
    cli_print_time("estimate", why->estimated_start_time);
}

cli_exit cli_explain(cli *c, const cli_args *args)
{
    ProtobufCMessage *reply = NULL;
    cli_exit ending =
        cli_call(c, &errand__v1__job_service__descriptor, "Explain", "id", args->words[0], &reply);
    if (ending != CLI_OK)
        return ending;
    if (c->json)
        ending = cli_print_json(reply);
    else
        print_explanation((const Errand__V1__Explanation *) reply);
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}
