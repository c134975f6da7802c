// negotiate - what the client would rather have, or has: Accept, Accept-Encoding,
// If-None-Match (RFC 9110).
#include "gateway/negotiate.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define FULL_QUALITY 1000  // q=1, in thousandths
#define UNSAID       (-1)

// One member of a list: its name without parameters, and how welcome it is.
typedef struct choice {
    const char *name;
    size_t size;
    int quality;
} choice;

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " \t");
}

// 0.5, 1, 0.123; what is no such number counts as 1.
static int parse_quality(const char *text)
{
    if (*text != '0') {
        return FULL_QUALITY;
    }
    int quality = 0;
    int scale = 100;
    if (text[1] == '.') {
        for (text += 2; *text >= '0' && *text <= '9' && scale > 0; text++) {
            quality += (*text - '0') * scale;
            scale /= 10;
        }
    }
    return quality;
}

// Reads the parameters behind a name up to the next member, minding quoted commas.
static const char *read_parameters(const char *at, int *ret_quality)
{
    bool quoted = false;
    for (; *at != '\0' && (quoted || *at != ','); at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (*at == '\\' && quoted && at[1] != '\0') {
            at++;
        } else if (*at == ';' && !quoted) {
            const char *name = skip_spaces(at + 1);
            if ((*name == 'q' || *name == 'Q') && name[1] == '=') {
                *ret_quality = parse_quality(name + 2);
            }
        }
    }
    return at;
}

// Reads the next member, moving *at behind it; false at the end of the list.
static bool next_choice(const char **at, choice *ret)
{
    const char *start = *at + strspn(*at, " \t,");
    if (*start == '\0') {
        return false;
    }
    *ret = (choice){.name = start, .size = strcspn(start, " \t,;"), .quality = FULL_QUALITY};
    *at = read_parameters(start + ret->size, &ret->quality);
    return true;
}

static bool is_named(const choice *c, const char *name)
{
    return c->size == strlen(name) && strncasecmp(c->name, name, c->size) == 0;
}

static const char *opaque_part(const char *tag)
{
    return strncmp(tag, "W/", 2) == 0 ? tag + 2 : tag;
}

bool negotiate_has_tag(const char *if_none_match, const char *tag)
{
    const char *wanted = opaque_part(tag);
    size_t size = strlen(wanted);
    while (if_none_match != NULL && *if_none_match != '\0') {
        const char *given = opaque_part(if_none_match + strspn(if_none_match, " \t,"));
        if (*given == '*') {
            return true;
        }
        if (strncmp(given, wanted, size) == 0 &&
            (given[size] == '\0' || strchr(" \t,", given[size]) != NULL)) {
            return true;
        }
        const char *end = *given == '"' ? strchr(given + 1, '"') : NULL;
        if_none_match = end != NULL ? end + 1 : strchr(given, ',');
    }
    return false;
}

bool negotiate_gzip(const char *accept_encoding)
{
    int gzip = UNSAID;
    int plain = UNSAID;
    int other = UNSAID;
    choice c;
    while (accept_encoding != NULL && next_choice(&accept_encoding, &c)) {
        if (is_named(&c, "gzip") || is_named(&c, "x-gzip")) {
            gzip = c.quality;
        } else if (is_named(&c, "identity")) {
            plain = c.quality;
        } else if (is_named(&c, "*")) {
            other = c.quality;
        }
    }
    gzip = gzip != UNSAID ? gzip : other;
    return gzip > 0 && gzip >= plain;
}

// How well a range fits a type: 3 the type itself, 2 its kind, 1 anything, 0 not.
static int fit_of(const choice *c, const char *type)
{
    size_t kind = strcspn(type, "/") + 1;
    if (is_named(c, type)) {
        return 3;
    }
    if (c->size == kind + 1 && c->name[kind] == '*' && strncasecmp(c->name, type, kind) == 0) {
        return 2;
    }
    return is_named(c, "*/*") || is_named(c, "*") ? 1 : 0;
}

bool negotiate_type(const char *accept, const char *type)
{
    int best = 0;
    int quality = 0;
    bool empty = true;
    choice c;
    while (accept != NULL && next_choice(&accept, &c)) {
        int fit = fit_of(&c, type);
        if (fit > best || (fit == best && fit > 0 && c.quality > quality)) {
            best = fit;
            quality = c.quality;
        }
        empty = false;
    }
    return empty || quality > 0;
}
