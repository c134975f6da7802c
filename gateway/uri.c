// uri - paths and queries of requests, taken apart strictly.
#include "gateway/uri.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

int uri_match(const char *pattern, const char *path, uri_span ret_values[static URI_MAX_VARIABLES])
{
    int count = 0;
    while (*pattern != '\0') {
        if (*pattern != '{') {
            if (*pattern++ != *path++) {
                return -1;
            }
            continue;
        }
        pattern = strchr(pattern, '}') + 1;
        size_t size = strcspn(path, "/:");
        if (size == 0 || count == URI_MAX_VARIABLES) {
            return -1;
        }
        ret_values[count++] = (uri_span){path, size};
        path += size;
    }
    return *path == '\0' ? count : -1;
}

bool uri_variable_name(const char *pattern, int n, char *ret, size_t size)
{
    const char *start = strchr(pattern, '{');
    while (start != NULL && n-- > 0) {
        start = strchr(start + 1, '{');
    }
    if (start == NULL) {
        return false;
    }
    size_t length = strcspn(++start, "}");
    if (length >= size) {
        return false;
    }
    memcpy(ret, start, length);
    ret[length] = '\0';
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Reads one character, moving *at on; -1 for bad encoding.
static int decode_char(const char **at, const char *end, bool plus_is_space)
{
    char c = *(*at)++;
    if (c == '+' && plus_is_space) {
        return ' ';
    }
    if (c != '%') {
        return (unsigned char) c;
    }
    if (end - *at < 2) {
        return -1;
    }
    int high = hex_value((*at)[0]);
    int low = hex_value((*at)[1]);
    *at += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool uri_decode_bytes(const char *text, size_t size, uint8_t *ret_bytes, size_t *ret_size)
{
    size_t used = 0;
    const char *end = text + size;
    for (const char *at = text; at < end;) {
        int c = decode_char(&at, end, true);
        if (c < 0) {
            return false;
        }
        ret_bytes[used++] = (uint8_t) c;
    }
    *ret_size = used;
    return true;
}

const char *uri_decode(const char *text, size_t size, bool plus_is_space, arena *memory)
{
    char *decoded = arena_alloc(memory, size + 1);
    if (decoded == NULL) {
        return NULL;
    }
    size_t used = 0;
    const char *end = text + size;
    for (const char *at = text; at < end;) {
        int c = decode_char(&at, end, plus_is_space);
        if (c <= 0) {
            return NULL;
        }
        decoded[used++] = (char) c;
    }
    decoded[used] = '\0';
    return utf8_valid(decoded, used) ? decoded : NULL;
}

static const char *parse_pair(const char *text, size_t size, arena *memory, uri_pair *ret)
{
    const char *equals = memchr(text, '=', size);
    size_t name_size = equals != NULL ? (size_t) (equals - text) : size;
    size_t value_size = equals != NULL ? size - name_size - 1 : 0;
    ret->name = uri_decode(text, name_size, true, memory);
    ret->value = uri_decode(text + size - value_size, value_size, true, memory);
    if (ret->name == NULL || ret->value == NULL) {
        return "the query is not percent-encoded UTF-8";
    }
    return *ret->name == '\0' ? "a query parameter has no name" : NULL;
}

const char *uri_parse_query(const char *query, arena *memory,
                            uri_pair ret_pairs[static URI_MAX_PARAMETERS], size_t *ret_count)
{
    size_t count = 0;
    while (query != NULL && *query != '\0') {
        size_t size = strcspn(query, "&");
        if (count == URI_MAX_PARAMETERS) {
            return "the query has too many parameters";
        }
        const char *wrong = parse_pair(query, size, memory, &ret_pairs[count]);
        if (wrong != NULL) {
            return wrong;
        }
        count++;
        query += size + (query[size] == '&');
    }
    *ret_count = count;
    return NULL;
}
