// trace - traceparent of W3C Trace Context: 00-<32 hex of trace>-<16 of parent>-<2 of flags>.
#include "base/trace.h"

#include "base/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SIZE        55
#define MAX_SIZE    255  // of a later version, which may have more behind
#define TRACE       3
#define PARENT      36
#define FLAGS       53
#define KNOWN_FLAGS 3  // sampled, random trace id

static bool is_lower_hex(const char *text, size_t size)
{
    return strspn(text, "0123456789abcdef") >= size;
}

static bool is_all_zero(const char *text, size_t size)
{
    return strspn(text, "0") >= size;
}

bool trace_parent_is_valid(const char *value)
{
    size_t size = value != NULL ? strlen(value) : 0;
    if (size < SIZE || value[2] != '-' || value[35] != '-' || value[52] != '-') {
        return false;
    }
    bool shaped = is_lower_hex(value, 2) && is_lower_hex(value + TRACE, 32) &&
                  is_lower_hex(value + PARENT, 16) && is_lower_hex(value + FLAGS, 2);
    if (!shaped || strncmp(value, "ff", 2) == 0 || is_all_zero(value + TRACE, 32) ||
        is_all_zero(value + PARENT, 16)) {
        return false;
    }
    bool is_first_version = strncmp(value, "00", 2) == 0;
    return size == SIZE || (!is_first_version && value[SIZE] == '-' && size <= MAX_SIZE);
}

void trace_parent_child(const char *value, char ret[static TRACE_PARENT_SIZE])
{
    uint64_t id = 0;
    while (id == 0) {
        crypto_random(&id, sizeof id);
    }
    unsigned flags = 0;
    // NOLINTNEXTLINE(cert-err34-c): two digits, looked at before
    (void) sscanf(value + FLAGS, "%2x", &flags);
    (void) snprintf(ret, TRACE_PARENT_SIZE, "00-%.32s-%016" PRIx64 "-%02x", value + TRACE, id,
                    flags & KNOWN_FLAGS);
}
