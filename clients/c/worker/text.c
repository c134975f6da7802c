// text - bytes from strangers as text that may go into a message: valid UTF-8, no control
// characters.
#include "worker/text.h"

#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static bool is_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

void text_clean(char *ret, size_t ret_size, const void *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *) bytes;
    size_t used = 0;
    while (size > 0) {
        size_t step = utf8_char_size(at, size);
        if (used + (step == 0 ? 1 : step) >= ret_size) {
            break;
        }
        if (step == 0 || is_control(*at)) {
            ret[used++] = step == 0 ? '?' : ' ';
            step = 1;
        } else {
            memcpy(ret + used, at, step);
            used += step;
        }
        at += step;
        size -= step;
    }
    ret[used] = '\0';
}

char *text_from_header(const char *value, arena *memory)
{
    size_t size = strlen(value);
    if (utf8_valid(value, size)) {
        return arena_copy(memory, value, size + 1);
    }
    char *text = arena_alloc(memory, 2 * size + 1);
    if (text == NULL) {
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t) value[i];
        if (byte < 0x80) {
            text[used++] = (char) byte;
        } else {
            text[used++] = (char) (0xc0 | byte >> 6);
            text[used++] = (char) (0x80 | (byte & 0x3f));
        }
    }
    text[used] = '\0';
    return text;
}
