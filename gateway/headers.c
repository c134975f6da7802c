// headers - values of request header fields that mean something to the API.
#include "gateway/headers.h"

#include "base/trace.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define MAX_KEY         255
#define MAX_MEDIA_TYPE  255
#define MAX_WAIT_DIGITS 6

static const char *skip_spaces(const char *text)
{
    return text + strspn(text, " \t");
}

// The value of a charset, in quotes or bare.
static bool is_utf8(const char *value)
{
    size_t quote = *value == '"' ? 1 : 0;
    if (strncasecmp(value + quote, "utf-8", 5) != 0) {
        return false;
    }
    const char *end = value + quote + 5;
    if (quote > 0 && *end++ != '"') {
        return false;
    }
    end = skip_spaces(end);
    return *end == '\0' || *end == ';';
}

bool headers_is_json(const char *content_type)
{
    static const char json[] = "application/json";
    if (strncasecmp(content_type, json, sizeof json - 1) != 0) {
        return false;
    }
    const char *rest = skip_spaces(content_type + sizeof json - 1);
    if (*rest == '\0') {
        return true;
    }
    if (*rest != ';' || strchr(rest, ',') != NULL) {
        return false;
    }
    const char *charset = strcasestr(rest, "charset=");
    return charset == NULL || is_utf8(charset + strlen("charset="));
}

const char *headers_bearer(const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0) {
        return "";
    }
    return skip_spaces(authorization + 7);
}

const char *headers_traceparent(const char *value)
{
    return trace_parent_is_valid(value) ? value : NULL;
}

static bool is_visible(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

// Takes the quotes and backslashes off; NULL when it is no quoted string.
static char *unquote(const char *value, arena *memory)
{
    char *text = arena_alloc(memory, strlen(value) + 1);
    char *end = text;
    if (text == NULL) {
        return NULL;
    }
    for (value++; *value != '"'; value++) {
        if (*value == '\\' && (value[1] == '"' || value[1] == '\\')) {
            value++;
        } else if (*value == '\\' || *value == '\0') {
            return NULL;
        }
        *end++ = *value;
    }
    *end = '\0';
    return value[1] == '\0' ? text : NULL;
}

const char *headers_idempotency_key(const char *value, arena *memory)
{
    const char *key = *value == '"' ? unquote(value, memory) : value;
    if (key == NULL || *key == '\0' || strlen(key) > MAX_KEY || !is_visible(key)) {
        return NULL;
    }
    return key;
}

static int64_t parse_wait(const char *text)
{
    text = skip_spaces(text);
    if (*text != '=') {
        return -1;
    }
    text = skip_spaces(text + 1);
    size_t digits = strspn(text, "0123456789");
    const char *rest = skip_spaces(text + digits);
    if (digits == 0 || digits > MAX_WAIT_DIGITS ||
        (*rest != '\0' && *rest != ',' && *rest != ';')) {
        return -1;
    }
    int64_t seconds = 0;
    for (; digits > 0; digits--) {
        seconds = seconds * 10 + (*text++ - '0');
    }
    return seconds;
}

int64_t headers_prefer_wait(const char *value)
{
    while (value != NULL) {
        value = skip_spaces(value);
        if (strncasecmp(value, "wait", 4) == 0) {
            int64_t seconds = parse_wait(value + 4);
            if (seconds >= 0) {
                return seconds;
            }
        }
        value = strchr(value, ',');
        value = value != NULL ? value + 1 : NULL;
    }
    return -1;
}

bool headers_is_media_type(const char *value)
{
    size_t size = strlen(value);
    const char *slash = strchr(value, '/');
    if (slash == NULL || slash == value || size > MAX_MEDIA_TYPE) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (value[i] < ' ' || value[i] > '~') {
            return false;
        }
    }
    return isalnum((unsigned char) slash[1]) != 0;
}
