// origin_form - what an origin looks like, for the settings that name some.
#include "gateway/origin_form.h"

#include <string.h>

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_host(const char *text)
{
    size_t size = *text == '[' ? strspn(text + 1, DIGITS "abcdefABCDEF:.") + 2
                               : strspn(text, LETTERS DIGITS ".-_");
    bool whole = *text != '[' || text[size - 1] == ']';
    if (size == 0 || !whole) {
        return false;
    }
    const char *rest = text + size;
    return *rest == '\0' ||
           (*rest == ':' && rest[1] != '\0' && rest[1 + strspn(rest + 1, DIGITS)] == '\0');
}

bool origin_is_good(const char *origin)
{
    size_t scheme = strspn(origin, LETTERS DIGITS "+.-");
    if (strcmp(origin, "*") == 0 || strcmp(origin, "null") == 0) {
        return true;
    }
    return scheme > 0 && strncmp(origin + scheme, "://", 3) == 0 && is_host(origin + scheme + 3);
}
