// utf8 - is it UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF)?
#ifndef ERRAND_BASE_UTF8_H
#define ERRAND_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

// utf8_char_size is the length of the character at the front of size bytes; 0 when there is none,
// or it is malformed or cut off.
size_t utf8_char_size(const void *bytes, size_t size);

// utf8_valid_size is the length of the longest prefix of whole, well-formed characters.
size_t utf8_valid_size(const void *bytes, size_t size);

bool utf8_valid(const void *bytes, size_t size);

// utf8_is_plain: nothing but ASCII, and no NUL. A quick look for what most text is.
bool utf8_is_plain(const void *bytes, size_t size);

#endif
