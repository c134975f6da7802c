// config_words - the text of a value that has parts.
#include "base/config_words.h"

#include <string.h>

static bool is_special(char c)
{
    return c == ' ' || c == ',' || c == '\\';
}

void config_words_append(buf *text, const char *value)
{
    for (; *value; value++) {
        if (is_special(*value)) {
            buf_append_char(text, '\\');
        }
        buf_append_char(text, *value);
    }
}

static bool add_pair(config_map *words, const char *key, size_t key_size, buf *value)
{
    const char *text = buf_text(value);
    config_pair pair = {strndup(key, key_size), text ? strdup(text) : NULL};
    config_pair *grown =
        pair.key && pair.value ? realloc(words->pairs, (words->count + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(pair.key);
        free(pair.value);
        return false;
    }
    words->pairs = grown;
    words->pairs[words->count++] = pair;
    return true;
}

// read_item reads up to the comma, the space or the end behind it; false at a lone backslash.
static bool read_item(const char **text, buf *ret)
{
    const char *at = *text;
    for (; *at && *at != ',' && *at != ' '; at++) {
        if (*at == '\\' && !is_special(*++at)) {
            return false;
        }
        buf_append_char(ret, *at);
    }
    *text = at;
    return true;
}

static bool read_word(const char **text, config_map *words)
{
    const char *key = *text;
    size_t key_size = strcspn(key, "= ,\\");
    if (key_size == 0 || key[key_size] != '=') {
        return false;
    }
    for (*text += key_size; **text == '=' || **text == ',';) {
        AUTO_BUF value = {0};
        ++*text;
        if (!read_item(text, &value) || !add_pair(words, key, key_size, &value)) {
            return false;
        }
        if (**text != ',') {
            break;
        }
    }
    return true;
}

bool config_words_read(const char *text, config_map *ret)
{
    config_map words = {0};
    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        if (!read_word(&text, &words)) {
            config_words_fini(&words);
            return false;
        }
    }
    *ret = words;
    return true;
}

void config_words_fini(config_map *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->pairs[i].key);
        free(words->pairs[i].value);
    }
    free(words->pairs);
    *words = (config_map){0};
}
