// report - answers on stdout, failures on stderr, and the exit status that goes with them.
#include "cli.h"

#include "base/cleanup.h"
#include "json/codec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

cli_exit cli_exit_of(int code)
{
    switch ((status_code) code) {
    case STATUS_OK:
        return CLI_OK;
    case STATUS_NOT_FOUND:
        return CLI_NOT_FOUND;
    case STATUS_UNAVAILABLE:
    case STATUS_DEADLINE_EXCEEDED:
    case STATUS_CANCELLED:
        return CLI_UNREACHABLE;
    case STATUS_UNKNOWN:
    case STATUS_INVALID_ARGUMENT:
    case STATUS_ALREADY_EXISTS:
    case STATUS_PERMISSION_DENIED:
    case STATUS_RESOURCE_EXHAUSTED:
    case STATUS_FAILED_PRECONDITION:
    case STATUS_ABORTED:
    case STATUS_OUT_OF_RANGE:
    case STATUS_UNIMPLEMENTED:
    case STATUS_INTERNAL:
    case STATUS_DATA_LOSS:
    case STATUS_UNAUTHENTICATED:
        return CLI_REFUSED;
    }
    return CLI_REFUSED;
}

// How many bytes of a control character stand there: 0 for any other.
static size_t control_size(const char *text)
{
    const unsigned char *c = (const unsigned char *) text;
    if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0)
        return 2;
    return (*c < ' ' && *c != '\n' && *c != '\t') || *c == 0x7f ? 1 : 0;
}

// Much of what is told was written by others: what their control characters would do to a terminal
// is not theirs to choose.
static void write_plain(FILE *to, const char *format, va_list args)
{
    AUTO_FREE char *text = NULL;
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
        return;
    }
    for (char *c = text; *c != '\0'; c++)
        memset(c, ' ', control_size(c));
    (void) fputs(text, to);  // stdout remembers a failure
}

void cli_print(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_plain(stdout, format, args);
    va_end(args);
}

void cli_tell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_plain(stderr, format, args);
    va_end(args);
}

void cli_erase_line(void)
{
    (void) fputs("\r\033[K", stderr);
}

cli_exit cli_bad_usage(status *failure)
{
    cli_exit ending = failure->code == STATUS_RESOURCE_EXHAUSTED ? CLI_NO_SUCCESS : CLI_USAGE;
    cli_tell("errand: %s\n", failure->message);
    status_free(failure);
    return ending;
}

cli_exit cli_bad_call(errand_error *error)
{
    cli_exit ending = cli_exit_of(error->code);
    cli_tell("errand: %s: %s\n", status_code_name((status_code) error->code), error->message);
    // A single violation is what the message says already.
    for (size_t i = 0; error->violation_count > 1 && i < error->violation_count; i++)
        cli_tell("  %s: %s\n", error->fields[i], error->descriptions[i]);
    errand_error_free(error);
    return ending;
}

cli_exit cli_print_bytes(const void *bytes, size_t size)
{
    if (size > 0)
        (void) fwrite(bytes, 1, size, stdout);
    return CLI_OK;  // a failed write is remembered by stdout, and told by cli_finish_output
}

cli_exit cli_print_json(const ProtobufCMessage *message)
{
    AUTO_BUF text = {0};
    AUTO(status) failure = json_encode(message, &text);
    if (failure != NULL) {
        cli_tell("errand: can not show the answer: %s\n", failure->message);
        return CLI_REFUSED;
    }
    buf_append_char(&text, '\n');
    return cli_print_bytes(text.bytes, text.size);
}

cli_exit cli_finish_output(cli_exit ending)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ending;
    // An earlier write failed when there is nothing left to fail now.
    AUTO(status) failure =
        status_errno(errno != 0 ? errno : EIO, "can not write to standard output");
    cli_tell("errand: %s\n", failure->message);
    return ending == CLI_OK ? CLI_NO_SUCCESS : ending;
}

const char *cli_state_name(Errand__V1__Job__State state)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&errand__v1__job__state__descriptor, (int) state);
    return value == NULL ? "?" : value->name;
}

cli_exit cli_state_exit(Errand__V1__Job__State state)
{
    switch (state) {
    case ERRAND__V1__JOB__STATE__SUCCEEDED:
        return CLI_OK;
    case ERRAND__V1__JOB__STATE__FAILED:
    case ERRAND__V1__JOB__STATE__CANCELLED:
    case ERRAND__V1__JOB__STATE__EXPIRED:
        return CLI_NO_SUCCESS;
    case ERRAND__V1__JOB__STATE__STATE_UNSPECIFIED:
    case ERRAND__V1__JOB__STATE__BLOCKED:
    case ERRAND__V1__JOB__STATE__SCHEDULED:
    case ERRAND__V1__JOB__STATE__READY:
    case ERRAND__V1__JOB__STATE__RUNNING:
    case _ERRAND__V1__JOB__STATE_IS_INT_SIZE:
        return CLI_UNREACHABLE;
    }
    return CLI_UNREACHABLE;
}
