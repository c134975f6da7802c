// token - errand token new and hash: bearer tokens, and what the server's configuration has of
// them.
#include "cli.h"

#include "base/token.h"

#include <stdlib.h>

static cli_exit print_token(const cli *c, const char *token, bool show)
{
    char text[TOKEN_HASH_TEXT_SIZE];
    token_hash hash = token_hash_of(token);
    (void) token_hash_format(&hash, text);
    if (!c->json) {
        if (show)
            cli_print("token: %s\n", token);
        cli_print("hash: %s\n", text);
        return CLI_OK;
    }
    if (show)
        cli_print("{\"token\":\"%s\",\"hash\":\"%s\"}\n", token, text);
    else
        cli_print("{\"hash\":\"%s\"}\n", text);
    return CLI_OK;
}

cli_exit cli_token_new(cli *c, const cli_args *args)
{
    (void) args;
    char token[TOKEN_TEXT_SIZE];
    token_new(token);
    return print_token(c, token, true);
}

cli_exit cli_token_hash(cli *c, const cli_args *args)
{
    AUTO_FREE char *token = NULL;
    const char *file = args->words[0];
    status *failure = token_read_file(file, &token);
    return failure != NULL ? cli_bad_usage(failure) : print_token(c, token, false);
}
