// sqlite_cache - a layer above the page cache that SQLite has built in.
//
//     SQLite --> tracked_cache --> built-in cache
//
// It knows better which numbers the pages in the cache can have, and hands everything else on.
#include "store/sqlite_cache.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

// No page has this number for longer than it takes to put others in order: SQLite locks the file
// at that place, and leaves the page out.
#define LOCK_PLACE 0x40000000

typedef struct tracked_cache {
    sqlite3_pcache *below;
    unsigned lock_page;  // its number
    unsigned largest;    // number that a page may have, but for that one
    bool has_lock_page;  // one may be there, on its way to another number
} tracked_cache;

static sqlite3_pcache_methods2 built_in;

static tracked_cache *tracked(sqlite3_pcache *cache)
{
    return (tracked_cache *) cache;
}

static sqlite3_pcache *below(sqlite3_pcache *cache)
{
    return tracked(cache)->below;
}

static int cache_init(void *data)
{
    (void) data;
    return built_in.xInit ? built_in.xInit(built_in.pArg) : SQLITE_OK;
}

static void cache_shutdown(void *data)
{
    (void) data;
    if (built_in.xShutdown)
        built_in.xShutdown(built_in.pArg);
}

static sqlite3_pcache *cache_create(int page_bytes, int extra_bytes, int purgeable)
{
    tracked_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->below = built_in.xCreate(page_bytes, extra_bytes, purgeable);
    cache->lock_page = LOCK_PLACE / (unsigned) page_bytes + 1;
    if (cache->below)
        return (sqlite3_pcache *) cache;
    free(cache);
    return NULL;
}

static void cache_size(sqlite3_pcache *cache, int pages)
{
    built_in.xCachesize(below(cache), pages);
}

static int cache_count(sqlite3_pcache *cache)
{
    return built_in.xPagecount(below(cache));
}

static void note_number(tracked_cache *cache, unsigned number)
{
    if (number == cache->lock_page)
        cache->has_lock_page = true;
    else if (number > cache->largest)
        cache->largest = number;
}

static sqlite3_pcache_page *cache_fetch(sqlite3_pcache *cache, unsigned number, int create)
{
    sqlite3_pcache_page *page = built_in.xFetch(below(cache), number, create);
    if (page && create)
        note_number(tracked(cache), number);
    return page;
}

static void cache_unpin(sqlite3_pcache *cache, sqlite3_pcache_page *page, int discard)
{
    built_in.xUnpin(below(cache), page, discard);
}

static void cache_rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned old,
                        unsigned number)
{
    if (old == tracked(cache)->lock_page)
        tracked(cache)->has_lock_page = false;
    note_number(tracked(cache), number);
    built_in.xRekey(below(cache), page, old, number);
}

// Pages from a number on are dropped.
static void cache_truncate(sqlite3_pcache *cache, unsigned first)
{
    tracked_cache *c = tracked(cache);
    if (first > c->largest && !c->has_lock_page)
        return;
    built_in.xTruncate(c->below, first);
    c->largest = first > 0 ? first - 1 : 0;
    c->has_lock_page = c->has_lock_page && first > c->lock_page;
}

static void cache_destroy(sqlite3_pcache *cache)
{
    built_in.xDestroy(below(cache));
    free(cache);
}

static void cache_shrink(sqlite3_pcache *cache)
{
    built_in.xShrink(below(cache));
}

static bool installed;

static void install(void)
{
    const sqlite3_pcache_methods2 methods = {
        .iVersion = 1,
        .xInit = cache_init,
        .xShutdown = cache_shutdown,
        .xCreate = cache_create,
        .xCachesize = cache_size,
        .xPagecount = cache_count,
        .xFetch = cache_fetch,
        .xUnpin = cache_unpin,
        .xRekey = cache_rekey,
        .xTruncate = cache_truncate,
        .xDestroy = cache_destroy,
        .xShrink = cache_shrink,
    };
    // Nobody asks how much memory SQLite has; counting takes a lock of all connections each time.
    (void) sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    installed = sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &built_in) == SQLITE_OK &&
                sqlite3_config(SQLITE_CONFIG_PCACHE2, &methods) == SQLITE_OK;
}

bool sqlite_cache_install(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void) pthread_once(&once, install);
    return installed;
}
