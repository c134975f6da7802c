// sqlite_cache - SQLite's own page cache, which is not searched for pages that it can not have.
//
// At the end of each transaction SQLite drops pages that lie behind the end of the file. Its cache
// goes by the largest number that a page ever had; and whenever SQLite puts the pages of a tree in
// order, it gives one of them a very large number for a moment. Then the whole cache is walked,
// page by page, at most commits: 16,384 of them in the writer, 6 % of all time of a busy server.
#ifndef ERRAND_STORE_SQLITE_CACHE_H
#define ERRAND_STORE_SQLITE_CACHE_H

#include <stdbool.h>

// sqlite_cache_install puts it in, once; before SQLite is used for anything else. False: it was in
// use already, and keeps the cache that it has.
bool sqlite_cache_install(void);

#endif
