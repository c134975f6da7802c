// log - one line per event on standard error: time, level, event, key=value; or the same as JSON.
//
// log_info("listening", LOG_STR("url", url), LOG_INT("port", port));
#ifndef ERRAND_BASE_LOG_H
#define ERRAND_BASE_LOG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR
} log_level;
typedef enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON } log_format;

typedef struct log_field {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_STATUS } type;
    union {
        const char *str;
        int64_t integer;
        const status *failure;
    };
} log_field;

#define LOG_STR(k, v) ((log_field){.key = (k), .type = LOG_FIELD_STR, .str = (v)})
#define LOG_INT(k, v) ((log_field){.key = (k), .type = LOG_FIELD_INT, .integer = (v)})
#define LOG_STATUS(v) ((log_field){.key = "error", .type = LOG_FIELD_STATUS, .failure = (v)})

// log_setup may be called again at any time, from any thread.
void log_setup(log_level level, log_format format);
bool log_enabled(log_level level);
bool log_level_parse(const char *name, log_level *ret);

// log_write writes one line with a single write(2); safe from any thread. Values are escaped.
void log_write(log_level level, const char *event, const log_field *fields, size_t count);

#define LOG_AT(level, event, ...)                                                                  \
    do {                                                                                           \
        const log_field log_fields_[] = {__VA_ARGS__};                                             \
        log_write((level), (event), log_fields_, sizeof log_fields_ / sizeof log_fields_[0]);      \
    } while (0)
#define log_debug(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...)  LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...)  LOG_AT(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)

#endif
