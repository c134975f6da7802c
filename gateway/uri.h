// uri - paths and queries of requests, taken apart strictly. Pure.
#ifndef ERRAND_GATEWAY_URI_H
#define ERRAND_GATEWAY_URI_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URI_MAX_VARIABLES  2
#define URI_MAX_PARAMETERS 32

typedef struct uri_pair {
    const char *name;
    const char *value;
} uri_pair;

// uri_match compares a raw path with a pattern such as /v1/jobs/{id}:cancel. A variable takes one
// or more characters other than '/' and ':', which stands before a verb. Values are left encoded:
// ret_values point into the path. Returns the number of variables, or -1 when the path is another
// one.
typedef struct uri_span {
    const char *start;
    size_t size;
} uri_span;
int uri_match(const char *pattern, const char *path, uri_span ret_values[static URI_MAX_VARIABLES]);

// uri_variable_name copies the name of the n-th variable of a pattern.
bool uri_variable_name(const char *pattern, int n, char *ret, size_t size);

// uri_decode decodes percent-encoding, and '+' as a space if asked to; NULL for bad encoding, NUL
// or invalid UTF-8. The text lives in the arena.
const char *uri_decode(const char *text, size_t size, bool plus_is_space, arena *memory);

// uri_decode_bytes decodes a query's value that may be any bytes. ret_bytes holds `size` of them.
bool uri_decode_bytes(const char *text, size_t size, uint8_t *ret_bytes, size_t *ret_size);

// uri_parse_query fills at most URI_MAX_PARAMETERS pairs, decoded, in the arena. Returns NULL, or
// what is wrong with the query in words: bad encoding, no name, too many.
const char *uri_parse_query(const char *query, arena *memory,
                            uri_pair ret_pairs[static URI_MAX_PARAMETERS], size_t *ret_count);

#endif
