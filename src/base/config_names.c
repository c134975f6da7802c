// config_names - what a row is called on the command line and in the environment.
#include "base/config_sources.h"

void config_append_flag(buf *b, const config_row *row)
{
    buf_append_text(b, "--");
    for (const char *at = row->key; *at; at++) {
        buf_append_char(b, *at == '_' || *at == '.' ? '-' : *at);
    }
}

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

void config_append_variable(buf *b, const config_row *row)
{
    buf_append_text(b, "ERRAND_");
    for (const char *at = row->key; *at; at++) {
        buf_append_char(b, *at == '.' ? '_' : upper(*at));
    }
}
