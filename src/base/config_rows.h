// config_rows - what documentation shows about a row: its flag with the value, its default.
#ifndef ERRAND_BASE_CONFIG_ROWS_H
#define ERRAND_BASE_CONFIG_ROWS_H

#include "base/buf.h"
#include "base/config.h"

// The word for the value: the row's own or the type's, such as DURATION.
const char *config_value_name(const config_row *row);

// The flags that every program has; the last one has no key.
extern const config_row config_common_rows[];

// The row's flag; its variable when no flag takes it.
void config_append_name(buf *b, const config_row *row);

// What a line of --help says behind the flag: help, choices, default.
void config_append_help(buf *b, const config_row *row);

#endif
