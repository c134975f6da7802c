// pairs - options that are given once for each entry of a map: --label, --env, --header.
#ifndef ERRAND_CLI_PAIRS_H
#define ERRAND_CLI_PAIRS_H

#include "base/arena.h"
#include "options.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct pairs_form {
    const char *option;      // its name
    const char *separators;  // one of them stands between key and value
    const char *expected;    // how it looks, such as KEY=VALUE
    bool any_case;           // keys that differ only in case are the same; blanks may lead a value
    const ProtobufCMessageDescriptor *entry;  // of a map from text to text
} pairs_form;

// pairs_read makes an array of pointers to entries, in the arena. INVALID_ARGUMENT for what does
// not look as expected, and for a key that comes twice.
status *pairs_read(const cli_args *args, const pairs_form *form, arena *memory, void **ret,
                   size_t *ret_count);

#endif
