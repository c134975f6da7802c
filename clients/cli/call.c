// call - calls whose requests are small.
#include "cli.h"

#include "json/codec.h"

#include <inttypes.h>

#define LONG_TIMEOUT_MS 600000

static status *make_request(const ProtobufCMessageDescriptor *type, const char *field,
                            const char *value, arena *memory, ProtobufCMessage **ret)
{
    ProtobufCMessage *request = memory != NULL ? arena_alloc(memory, type->sizeof_message) : NULL;
    if (request == NULL)
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    protobuf_c_message_init(type, request);
    status *s = field != NULL ? json_decode_field(request, field, value, memory) : NULL;
    if (s == NULL)
        *ret = request;
    return s;
}

static cli_exit finish_call(errand_error *error)
{
    return error != NULL ? cli_bad_call(error) : CLI_OK;
}

cli_exit cli_call(cli *c, const ProtobufCServiceDescriptor *service, const char *method,
                  const char *field, const char *value, ProtobufCMessage **ret)
{
    AUTO(arena) memory = arena_new(0);
    ProtobufCMessage *request = NULL;
    const ProtobufCMessageDescriptor *type =
        protobuf_c_service_descriptor_get_method_by_name(service, method)->input;
    status *s = make_request(type, field, value, memory, &request);
    if (s != NULL)
        return cli_bad_usage(s);
    return finish_call(errand_call(c->client, service, method, request, NULL, ret));
}

// A server that is not there is found out in the usual time.
static cli_exit reach(cli *c)
{
    ProtobufCMessage *info = NULL;
    cli_exit ending =
        cli_call(c, &errand__v1__server_service__descriptor, "GetInfo", NULL, NULL, &info);
    if (ending == CLI_OK)
        protobuf_c_message_free_unpacked(info, NULL);
    return ending;
}

cli_exit cli_call_long(cli *c, const ProtobufCServiceDescriptor *service, const char *method,
                       const ProtobufCMessage *request, ProtobufCMessage **ret)
{
    // Done again, they would tell of what was left to do only, or of the file that is there
    // already.
    const errand_call_options options = {
        .timeout_ms = c->has_timeout ? c->timeout_ms : LONG_TIMEOUT_MS, .once = true};
    cli_exit ending = reach(c);
    return ending != CLI_OK
               ? ending
               : finish_call(errand_call(c->client, service, method, request, &options, ret));
}

cli_exit cli_print_count(const cli *c, ProtobufCMessage *reply)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(reply->descriptor, "count");
    cli_exit ending = CLI_OK;
    if (c->json)
        ending = cli_print_json(reply);
    else
        cli_print("%" PRId64 "\n", *(const int64_t *) ((const uint8_t *) reply + field->offset));
    protobuf_c_message_free_unpacked(reply, NULL);
    return ending;
}
