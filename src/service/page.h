// page - page tokens: where the next page of a list of jobs starts.
//
// The place is the number of a job, given in the order in which jobs came from everybody: who sees
// some queues only must not learn from it what happens in the others. So it is enciphered, with a
// key of the store, and a token that was not given out for the same filter is refused.
#ifndef ERRAND_SERVICE_PAGE_H
#define ERRAND_SERVICE_PAGE_H

#include "base/status.h"
#include "store/store.h"

#include <stdint.h>

#define PAGE_KEY_BYTES  32
#define PAGE_TOKEN_SIZE 33  // with the NUL

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

#endif
