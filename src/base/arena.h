// arena - memory that is freed all at once and can not outgrow its cap.
#ifndef ERRAND_BASE_ARENA_H
#define ERRAND_BASE_ARENA_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct arena arena;

// arena_new makes an arena whose blocks together never exceed cap bytes (0: no cap). NULL when
// memory is short.
arena *arena_new(size_t cap);
void arena_free(arena *a);
DEFINE_AUTO(arena, arena_free)

// arena_alloc returns memory aligned for any type, not zeroed; NULL beyond the cap.
void *arena_alloc(arena *a, size_t size);
void *arena_zalloc(arena *a, size_t size);
char *arena_strdup(arena *a, const char *text);
void *arena_copy(arena *a, const void *bytes, size_t size);

// arena_reset frees everything but the first block, for use anew. Not while it is shared.
void arena_reset(arena *a);

// arena_share makes one more holder, who has to call arena_free too; the last one frees it. For
// what must stay as it is while somebody may still read it: allocating is for one thread at a time.
arena *arena_share(arena *a);
bool arena_is_shared(const arena *a);

// arena_bytes is what its blocks take.
size_t arena_bytes(const arena *a);

// The pair has the signatures of ProtobufCAllocator: {arena_alloc_hook, arena_free_hook, arena}.
void *arena_alloc_hook(void *a, size_t size);
void arena_free_hook(void *a, void *pointer);

#endif
