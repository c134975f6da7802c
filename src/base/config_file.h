// config_file - reads a settings file: at most 1 MiB of UTF-8.
#ifndef ERRAND_BASE_CONFIG_FILE_H
#define ERRAND_BASE_CONFIG_FILE_H

#include "base/buf.h"
#include "base/status.h"

enum { CONFIG_FILE_CAP = 1 << 20 };

status *config_file_read(const char *file, buf *ret);

#endif
