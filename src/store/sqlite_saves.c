// sqlite_saves - changed rows that are written together, since a statement costs more than a row.
//
// Rows that are saved one by one wait until somebody may look at their table, or until the commit.
// What is kept in memory, the counters and the first of each lane, follows at once.
#include "store/sqlite_internal.h"

#include <string.h>

// Where a row stands in the hash table of those that wait, or would stand.
static uint16_t *slot_of(sqlite_saves *saves, int64_t seq)
{
    size_t slot = (size_t) seq % SAVES_SLOTS;
    while (saves->slots[slot] != 0 && saves->rows[saves->slots[slot] - 1].seq != seq)
        slot = (slot + 1) % SAVES_SLOTS;
    return &saves->slots[slot];
}

void sqlite_saves_forget(sqlite_store *s)
{
    memset(s->saves.slots, 0, sizeof s->saves.slots);
    s->saves.count = 0;
    s->saves.special = false;
}

status *sqlite_saves_write(sqlite_store *s)
{
    if (s->saves.count == 0)
        return NULL;
    s->batch = (sqlite_batch){.rows = s->saves.rows, .count = s->saves.count};
    status *failure = sqlite_update_all(s, s->saves.special);
    sqlite_saves_forget(s);
    return failure;
}

status *sqlite_saves_add(sqlite_store *s, const job_row *row, bool special)
{
    uint16_t *slot = slot_of(&s->saves, row->seq);
    if (s->saves.count == SAVES_ROWS || *slot != 0) {
        status *failure = sqlite_saves_write(s);
        if (failure)
            return failure;
        slot = slot_of(&s->saves, row->seq);
    }
    s->saves.rows[s->saves.count++] = *row;
    s->saves.special = s->saves.special || special;
    *slot = (uint16_t) s->saves.count;
    return NULL;
}
