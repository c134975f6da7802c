// config_names - rows by their keys, and what a row is called on the command line and in the
// environment.
#include "base/config_sources.h"

#include <string.h>

const config_row *config_row_of(const config_program *program, const char *key)
{
    for (size_t i = 0; i < program->row_count; i++) {
        if (strcmp(program->rows[i].key, key) == 0) {
            return &program->rows[i];
        }
    }
    return NULL;
}

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
