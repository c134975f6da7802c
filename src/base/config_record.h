// config_record - settings of one entry of a map, by a table of their own: the words of its value,
// or the keys of the YAML mapping that stands for them, are the rows of that table.
#ifndef ERRAND_BASE_CONFIG_RECORD_H
#define ERRAND_BASE_CONFIG_RECORD_H

#include "base/config.h"

// config_record_read fills settings (a struct of settings_size bytes) from config_words; free them
// with config_free. INVALID_ARGUMENT names the key; settings need no config_free then.
status *config_record_read(const config_program *record, const char *text, void *settings);

// config_record_check judges a pair of a map whose row has a record.
status *config_record_check(const config_row *row, const config_pair *pair);

// config_record_starts: whether text starts with a pair of the row's map, NAME=KEY=..., and not
// with a further item of a list in the pair before.
bool config_record_starts(const config_row *row, const char *text);

// config_record_warnings adds what the records in a program's settings warn of.
status *config_record_warnings(const config_program *program, const void *settings,
                               config_list *warnings);

#endif
