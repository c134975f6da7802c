// page - places in what everybody's jobs do, as those get them who may see some of it only: where
// the next page of a list of jobs starts, what somebody has seen of a queue.
//
// A place is a number that is given in the order in which jobs come, or change, in all queues: who
// sees some of them must not learn from it what happens in the others. So it is enciphered, with a
// key of the store, together with what it belongs to.
#ifndef ERRAND_SERVICE_PAGE_H
#define ERRAND_SERVICE_PAGE_H

#include "base/status.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGE_KEY_BYTES   32
#define PLACE_BYTES      8
#define SEAL_BYTES       26
#define PAGE_TOKEN_SIZE  33  // with the NUL
#define PAGE_CURSOR_SIZE 57

typedef struct page_key {
    uint8_t bytes[PAGE_KEY_BYTES];
} page_key;

// page_key_open reads DIR/page.key, or makes it, so that tokens outlive a restart. A key that can
// not be kept is logged, and is that of this run.
page_key page_key_open(const char *dir);
page_key page_key_random(void);

// page_token_write makes the token of a place in a list; page_token_read finds the place again:
// INVALID_ARGUMENT naming page_token.
void page_token_write(const page_key *key, const store_filter *filter, int64_t before,
                      char ret[static PAGE_TOKEN_SIZE]);
status *page_token_read(const page_key *key, const store_filter *filter, const char *token,
                        int64_t *ret_before);

// Where somebody is in the changes of a queue: engine_feed_place.
typedef struct page_cursor {
    uint64_t run;
    int64_t jobs;
    int64_t queue;
} page_cursor;

// page_cursor_read is false for what is no cursor at all; one that was not written with this key
// for this queue comes from another run, 0.
void page_cursor_write(const page_key *key, const char *queue, const page_cursor *cursor,
                       char ret[static PAGE_CURSOR_SIZE]);
bool page_cursor_read(const page_key *key, const char *queue, const char *text, page_cursor *ret);

#endif
