// served - a queue as a worker names it.
#include "job/served.h"

#include "job/spec.h"
#include "job/text.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DIGITS 4

size_t served_name_size(const char *served)
{
    return strcspn(served, "=");
}

bool served_has_weight(const char *served)
{
    return served[served_name_size(served)] == '=';
}

int served_weight(const char *served)
{
    if (!served_has_weight(served)) {
        return 1;
    }
    const char *text = served + served_name_size(served) + 1;
    size_t digits = strspn(text, "0123456789");
    if (digits > MOST_DIGITS || text[digits] != '\0') {
        return 0;
    }
    long weight = strtol(text, NULL, 10);
    return weight <= SERVED_MAX_WEIGHT ? (int) weight : 0;
}

bool served_is_good(const char *served)
{
    char name[JOB_NAME_MAX + 1] = "";
    size_t size = served_name_size(served);
    if (size >= sizeof name) {
        return false;
    }
    memcpy(name, served, size);
    return text_is_name(name) && served_weight(served) > 0;
}
