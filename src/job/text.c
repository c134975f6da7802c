// text - the alphabets of names, URLs, header fields and media types.
#include "job/text.h"

#include "job/spec.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HOST_MAX 255
#define PORT_MAX 65535

// The ctype functions depend on the locale; these must not.
static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_token_char(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_control(char c)
{
    return (unsigned char) c < 0x20 || c == 0x7f;
}

bool text_is_name(const char *text)
{
    size_t size = 0;
    for (; text[size]; size++)
        if (size == JOB_NAME_MAX || !(is_alnum(text[size]) || strchr("_.-", text[size])))
            return false;
    return size > 0;
}

// Where the token that starts at text ends.
static const char *skip_token(const char *text)
{
    while (is_token_char(*text))
        text++;
    return text;
}

bool text_is_token(const char *text)
{
    return *text && *skip_token(text) == '\0';
}

bool text_is_header_value(const char *text)
{
    for (; *text; text++)
        if (is_control(*text) && *text != '\t')
            return false;
    return true;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

// Where the quoted string that starts at text ends; NULL if it does not.
static const char *skip_quoted(const char *text)
{
    for (text++; *text && *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (is_control(*text) && *text != '\t')
            return NULL;
    }
    return *text == '"' ? text + 1 : NULL;
}

// Where `; name=value` ends; NULL when it is none.
static const char *skip_parameter(const char *text)
{
    if (*text != ';')
        return NULL;
    const char *name = skip_blanks(text + 1);
    const char *equals = skip_token(name);
    if (equals == name || *equals != '=')
        return NULL;
    const char *value = equals + 1;
    if (*value == '"')
        return skip_quoted(value);
    const char *end = skip_token(value);
    return end == value ? NULL : end;
}

bool text_is_media_type(const char *text)
{
    const char *slash = skip_token(text);
    if (slash == text || *slash != '/')
        return false;
    const char *rest = skip_token(slash + 1);
    if (rest == slash + 1)
        return false;
    rest = skip_blanks(rest);
    while (*rest) {
        rest = skip_parameter(rest);
        if (!rest)
            return false;
        rest = skip_blanks(rest);
    }
    return strlen(text) <= TEXT_MEDIA_TYPE_MAX;
}

// One test of a URL failed.
static bool problem_is(char problem[static TEXT_PROBLEM_SIZE], const char *text)
{
    snprintf(problem, TEXT_PROBLEM_SIZE, "%s", text);
    return false;
}

static bool check_characters(const char *url, char *problem)
{
    size_t size = strlen(url);
    if (size == 0)
        return problem_is(problem, "found nothing, expected an http or https URL");
    if (size > TEXT_URL_MAX) {
        snprintf(problem, TEXT_PROBLEM_SIZE, "found %zu bytes, expected at most %d", size,
                 TEXT_URL_MAX);
        return false;
    }
    for (; *url; url++)
        if (is_control(*url) || *url == ' ' || *url == '\\')
            return problem_is(problem, "found a space, backslash or control character, expected "
                                       "it percent-encoded");
    return true;
}

static bool check_scheme(const char *url, const char **ret_rest, char *problem)
{
    size_t size = strcspn(url, ":/?#");
    if (size == 0 || url[size] != ':')
        return problem_is(problem, "found no scheme, expected an absolute http or https URL");
    bool http = size == 4 && strncasecmp(url, "http", size) == 0;
    bool https = size == 5 && strncasecmp(url, "https", size) == 0;
    if (!http && !https) {
        char scheme[16], quoted[TEXT_QUOTE_SIZE];
        snprintf(scheme, sizeof scheme, "%.*s", (int) (size < 15 ? size : 15), url);
        snprintf(problem, TEXT_PROBLEM_SIZE, "found %s, expected http or https",
                 text_quote(scheme, quoted));
        return false;
    }
    if (strncmp(url + size, "://", 3) != 0)
        return problem_is(problem, "found no // behind the scheme, expected http:// or https://");
    *ret_rest = url + size + 3;
    return true;
}

static bool check_port(const char *text, const char *end, char *problem)
{
    long port = 0;
    for (const char *digit = text; digit < end && port <= PORT_MAX; digit++)
        port = *digit >= '0' && *digit <= '9' ? port * 10 + (*digit - '0') : PORT_MAX + 1;
    if (text == end || port < 1 || port > PORT_MAX)
        return problem_is(problem, "found a bad port, expected 1 to 65535");
    return true;
}

static bool is_ipv6(const char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    if (size >= sizeof address)
        return false;
    memcpy(address, text, size);
    address[size] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

// Where the host ends; NULL when there is none. Non-ASCII names are left to the resolver.
static const char *skip_host(const char *host, const char *end)
{
    if (host < end && *host == '[') {
        const char *bracket = memchr(host, ']', (size_t) (end - host));
        return bracket && is_ipv6(host + 1, (size_t) (bracket - host - 1)) ? bracket + 1 : NULL;
    }
    const char *rest = host;
    while (rest < end && (is_alnum(*rest) || (unsigned char) *rest >= 0x80 || *rest == '-' ||
                          *rest == '.' || *rest == '_'))
        rest++;
    return rest == host || rest - host > HOST_MAX ? NULL : rest;
}

static bool check_authority(const char *authority, char *problem)
{
    const char *end = authority + strcspn(authority, "/?#");
    const char *at = memchr(authority, '@', (size_t) (end - authority));
    const char *host = at ? at + 1 : authority;
    if (host == end)
        return problem_is(problem, "found no host, expected http://HOST/...");
    const char *rest = skip_host(host, end);
    if (!rest || (rest < end && *rest != ':'))
        return problem_is(problem, "found a bad host, expected a name, an IPv4 address or an IPv6 "
                                   "address in brackets");
    return rest == end || check_port(rest + 1, end, problem);
}

bool text_url_check(const char *url, char problem[static TEXT_PROBLEM_SIZE])
{
    const char *authority;
    return check_characters(url, problem) && check_scheme(url, &authority, problem) &&
           check_authority(authority, problem);
}

char *text_quote(const char *text, char quoted[static TEXT_QUOTE_SIZE])
{
    static const char ellipsis[] = "...\"";
    size_t room = TEXT_QUOTE_SIZE - 1 - sizeof ellipsis;
    size_t size = 0;
    quoted[size++] = '"';
    for (; *text && size < room; text++)
        quoted[size++] = is_control(*text) ? '?' : *text;
    if (*text) {  // cut short, and never inside a character
        while (((unsigned char) *text & 0xc0) == 0x80 && size > 1) {
            size--;
            text--;
        }
        memcpy(quoted + size, ellipsis, sizeof ellipsis);
        return quoted;
    }
    memcpy(quoted + size, "\"", 2);
    return quoted;
}
