// arena - a chain of blocks that are filled from the front.
//
// The first block comes with the arena itself, so that a small message costs one malloc.
#include "base/arena.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

enum {
    ALIGNMENT = _Alignof(max_align_t),
    FIRST_BLOCK = 4096,
    LARGEST_STEP = 1 << 20,  // blocks double up to here; what is larger gets a block of its own
};

typedef struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) uint8_t bytes[];
} block;

struct arena {
    block *current;  // the one being filled; older and oversized ones follow
    size_t cap;
    size_t total;  // bytes of all blocks
    size_t step;   // size of the next block
    _Atomic int holders;
    block first;  // last: its bytes follow the arena
};

// ---- large blocks of arenas that are gone ----

// Fresh memory costs a page fault for each page of it. Sanitizers are to see every use of what was
// freed, so with them nothing is kept.
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1  // clang's way of saying it
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { KEPT_EACH = 0 };
#else
enum { KEPT_EACH = 4 };
#endif

enum {
    KEPT_SIZES = 4,
    LEAST_KEPT = LARGEST_STEP >> (KEPT_SIZES - 1),
};

typedef struct kept_blocks {
    block *first;
    size_t count;
} kept_blocks;

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static kept_blocks kept_of_size[KEPT_SIZES];

// Where blocks of a size are kept; NULL: nowhere.
static kept_blocks *kept_for(size_t size)
{
    for (size_t i = 0; i < KEPT_SIZES; i++) {
        if (size == (size_t) LEAST_KEPT << i) {
            return &kept_of_size[i];
        }
    }
    return NULL;
}

static block *take_kept(size_t size)
{
    kept_blocks *kept = size >= LEAST_KEPT ? kept_for(size) : NULL;
    if (!kept) {
        return NULL;
    }
    pthread_mutex_lock(&kept_lock);
    block *b = kept->first;
    if (b) {
        kept->first = b->next;
        kept->count--;
    }
    pthread_mutex_unlock(&kept_lock);
    return b;
}

static bool keep(block *b)
{
    kept_blocks *kept = b->size >= LEAST_KEPT ? kept_for(b->size) : NULL;
    if (!kept) {
        return false;
    }
    pthread_mutex_lock(&kept_lock);
    bool room = kept->count + 1 <= KEPT_EACH;
    if (room) {
        b->next = kept->first;
        kept->first = b;
        kept->count++;
    }
    pthread_mutex_unlock(&kept_lock);
    return room;
}

static block *make_block(size_t size)
{
    block *b = take_kept(size);
    return b ? b : malloc(sizeof *b + size);
}

static void free_block(block *b)
{
    if (!keep(b)) {
        free(b);
    }
}

// ---- arenas ----

arena *arena_new(size_t cap)
{
    size_t size = cap > 0 && cap < FIRST_BLOCK ? cap : FIRST_BLOCK;
    arena *a = malloc(sizeof *a + size);
    if (!a) {
        return NULL;
    }
    *a = (arena){.cap = cap, .total = size, .step = size * 2, .holders = 1};
    a->first.size = size;
    a->current = &a->first;
    return a;
}

static void arena_free_blocks(arena *a)
{
    block *at = a->current;
    while (at) {
        block *next = at->next;
        if (at != &a->first) {
            free_block(at);
        }
        at = next;
    }
}

void arena_free(arena *a)
{
    if (a && atomic_fetch_sub(&a->holders, 1) == 1) {
        arena_free_blocks(a);
        free(a);
    }
}

arena *arena_share(arena *a)
{
    atomic_fetch_add(&a->holders, 1);
    return a;
}

bool arena_is_shared(const arena *a)
{
    return atomic_load(&a->holders) > 1;
}

void arena_reset(arena *a)
{
    arena_free_blocks(a);
    a->first.next = NULL;
    a->first.used = 0;
    a->current = &a->first;
    a->total = a->first.size;
    a->step = a->first.size * 2;
}

static block *arena_add_block(arena *a, size_t size)
{
    block *b = make_block(size);
    if (b) {
        *b = (block){.size = size};
        a->total += size;
    }
    return b;
}

// arena_own_block is for sizes that would waste what is left of the current block.
static void *arena_own_block(arena *a, size_t size)
{
    block *b = arena_add_block(a, size);
    if (!b) {
        return NULL;
    }
    b->used = size;
    b->next = a->current->next;
    a->current->next = b;
    return b->bytes;
}

static void *arena_next_block(arena *a, size_t size, size_t room)
{
    block *b = arena_add_block(a, a->step < room ? a->step : room);
    if (!b) {
        return NULL;
    }
    b->used = size;
    b->next = a->current;
    a->current = b;
    if (a->step < LARGEST_STEP) {
        a->step *= 2;
    }
    return b->bytes;
}

static void *arena_alloc_slow(arena *a, size_t size)
{
    size_t room = a->cap ? a->cap - a->total : SIZE_MAX / 2 - a->total;
    if (size > room) {
        return NULL;
    }
    return size > a->step / 2 ? arena_own_block(a, size) : arena_next_block(a, size, room);
}

void *arena_alloc(arena *a, size_t size)
{
    block *b = a->current;
    size_t start = (b->used + ALIGNMENT - 1) & ~((size_t) ALIGNMENT - 1);
    size_t wanted = size ? size : 1;  // so that two allocations never share an address
    if (start > b->size || wanted > b->size - start) {
        return arena_alloc_slow(a, wanted);
    }
    b->used = start + wanted;
    return b->bytes + start;
}

void *arena_zalloc(arena *a, size_t size)
{
    void *memory = arena_alloc(a, size);
    return memory ? memset(memory, 0, size) : NULL;
}

void *arena_copy(arena *a, const void *bytes, size_t size)
{
    void *memory = arena_alloc(a, size);
    if (memory && size > 0) {
        memcpy(memory, bytes, size);
    }
    return memory;
}

char *arena_strdup(arena *a, const char *text)
{
    return arena_copy(a, text, strlen(text) + 1);
}

size_t arena_bytes(const arena *a)
{
    return sizeof *a + a->total;
}

void *arena_alloc_hook(void *a, size_t size)
{
    return arena_alloc(a, size);
}

void arena_free_hook(void *a, void *pointer)
{
    // Everything goes with the arena.
    (void) a;
    (void) pointer;
}
