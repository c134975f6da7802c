// config_yaml - the YAML file as a source of settings.
#ifndef ERRAND_BASE_CONFIG_YAML_H
#define ERRAND_BASE_CONFIG_YAML_H

#include "base/buf.h"
#include "base/config.h"

// config_yaml_apply sets every row that the file has a value for.
status *config_yaml_apply(const config_program *program, const char *file, void *settings);

// config_yaml_apply_bytes does the same with UTF-8 that was read already; messages call it name.
status *config_yaml_apply_bytes(const config_program *program, const char *name, slice bytes,
                                void *settings);

// config_yaml_origin is the place of a key's value in a good file, FILE:LINE: KEY; owned. NULL when
// it is not there.
char *config_yaml_origin(const config_program *program, const char *file, const char *key);

#endif
