// config_yaml - the YAML file as a source of settings.
#ifndef ERRAND_BASE_CONFIG_YAML_H
#define ERRAND_BASE_CONFIG_YAML_H

#include "base/config.h"

// config_yaml_apply sets every row that the file has a value for.
status *config_yaml_apply(const config_program *program, const char *file, void *settings);

#endif
