// text - the alphabets of names, URLs, header fields and media types. Strict, and pure.
#ifndef ERRAND_JOB_TEXT_H
#define ERRAND_JOB_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_URL_MAX          8192
#define TEXT_HEADER_NAME_MAX  256
#define TEXT_HEADER_VALUE_MAX 8192
#define TEXT_MEDIA_TYPE_MAX   255
#define TEXT_PROBLEM_SIZE     160  // holds every description written here
#define TEXT_QUOTE_SIZE       72

// `[a-zA-Z0-9_.-]{1,64}`.
bool text_is_name(const char *text);
// One or more token characters of RFC 9110.
bool text_is_token(const char *text);
// Visible characters, spaces, tabs and bytes above ASCII.
bool text_is_header_value(const char *text);
// type/subtype and parameters as in RFC 9110, section 8.3.1.
bool text_is_media_type(const char *text);

// text_url_check: an absolute http or https URL with a host. False: problem says what was found and
// what was expected, without showing any part of the URL that may be secret.
bool text_url_check(const char *url, char problem[static TEXT_PROBLEM_SIZE]);

// text_quote writes text in double quotes, cut short and without control characters, and returns
// it.
char *text_quote(const char *text, char quoted[static TEXT_QUOTE_SIZE]);

#endif
