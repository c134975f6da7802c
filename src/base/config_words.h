// config_words - the text of a value that has parts: `key=value` words parted by spaces, where a
// value may be a list parted by commas, such as `size=3 names=a,b`.
//
// A backslash takes the meaning from the space, comma or backslash behind it. In YAML the same may
// be written as a mapping: {size: 3, names: [a, b]}.
#ifndef ERRAND_BASE_CONFIG_WORDS_H
#define ERRAND_BASE_CONFIG_WORDS_H

#include "base/buf.h"
#include "base/config.h"

// config_words_read makes a pair of each value, those of a list one after the other under the same
// key; an empty list is one empty value. False when the text is not of that form or memory is
// short. Free with config_words_fini.
bool config_words_read(const char *text, config_map *ret);
void config_words_fini(config_map *words);

// config_words_append writes a value so that it is read as one.
void config_words_append(buf *text, const char *value);

#endif
