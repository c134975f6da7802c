// config_text - how values and expectations read in messages and documentation.
#include "base/config_value.h"

#include "base/units.h"
#include "base/utf8.h"

#include <string.h>

enum { SHOWN_BYTES = 80 };

void config_append_quoted(buf *b, const char *text)
{
    size_t size = strnlen(text, SHOWN_BYTES + 1);
    bool cut = size > SHOWN_BYTES;
    const char *end = text + (cut ? SHOWN_BYTES : size);
    buf_append_char(b, '"');
    while (text < end) {
        size_t step = utf8_char_size(text, strlen(text));
        if (step == 0 || (step == 1 && ((uint8_t) *text < ' ' || *text == 0x7f))) {
            buf_append_format(b, "\\x%02x", (uint8_t) *text);
            step = 1;
        } else {
            buf_append(b, text, step);
        }
        text += step;
    }
    buf_append_text(b, cut ? "...\"" : "\"");
}

// append_names writes a, b or c.
static void append_names(buf *b, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        const char *before = i == 0 ? "" : names[i + 1] ? ", " : " or ";
        buf_append_format(b, "%s%s", before, names[i]);
    }
}

static void append_number(buf *b, const config_row *row, int64_t value)
{
    if (row->type == CONFIG_DURATION) {
        units_append_duration(b, value);
    } else if (row->type == CONFIG_SIZE) {
        units_append_size(b, value);
    } else {
        buf_append_format(b, "%lld", (long long) value);
    }
}

static void append_range(buf *b, const config_row *row)
{
    buf_append_text(b, " from ");
    append_number(b, row, row->min);
    if (row->min == 0 && row->max == 0) {
        buf_append_text(b, " on");
    } else {
        buf_append_text(b, " to ");
        append_number(b, row, row->max);
    }
}

static void append_text_rule(buf *b, const config_row *row)
{
    if (row->names) {
        buf_append_text(b, " starting with ");
        append_names(b, row->names);
    } else {
        buf_append_text(b, ", not empty");
    }
}

static void append_item_rule(buf *b, const config_row *row)
{
    if (row->names || !row->accepted) {
        append_text_rule(b, row);
    }
    if (row->accepted) {
        buf_append_format(b, "%s %s", row->names ? "," : "", row->accepted);
    }
}

void config_append_expected(buf *b, const config_row *row)
{
    switch (row->type) {
    case CONFIG_STRING:
        buf_append_text(b, "text");
        append_text_rule(b, row);
        break;
    case CONFIG_LIST:
        buf_append_format(b, "a list of at most %lld texts, each", config_items_cap(row));
        append_item_rule(b, row);
        break;
    case CONFIG_INT:
        buf_append_text(b, "a whole number");
        append_range(b, row);
        break;
    case CONFIG_BOOL:
        buf_append_text(b, "true or false");
        break;
    case CONFIG_DURATION:
        buf_append_text(b, "a duration such as 30s, 1.5s or 10m");
        append_range(b, row);
        break;
    case CONFIG_SIZE:
        buf_append_text(b, "a size such as 512KiB or 16MiB");
        append_range(b, row);
        break;
    case CONFIG_CHOICE:
        append_names(b, row->names);
        break;
    case CONFIG_LISTEN:
        buf_append_text(b, "HOST:PORT or off");
        break;
    case CONFIG_MAP:
        buf_append_format(b, "at most %lld pairs of a name and %s", config_items_cap(row),
                          row->accepted ? row->accepted : "a text");
        break;
    }
}
