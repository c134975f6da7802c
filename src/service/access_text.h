// access_text - a token's row of the configuration: `hash=sha256:... scopes=submit,read
// queues=a,b`.
#ifndef ERRAND_SERVICE_ACCESS_TEXT_H
#define ERRAND_SERVICE_ACCESS_TEXT_H

#include "base/arena.h"
#include "service/access.h"

#define ACCESS_MAX_HASHES 16
#define ACCESS_MAX_QUEUES 100

typedef struct access_row {
    access_grant grant;
    token_hash hashes[ACCESS_MAX_HASHES];
    size_t hash_count;
} access_row;

// access_text_read: what it points to lives in the arena; false when the text is not good, or the
// arena is used up. The name is the caller's.
bool access_text_read(const char *text, arena *memory, access_row *ret);

#endif
