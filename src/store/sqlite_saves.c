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
    s->saves.special = s->saves.ended = false;
    s->saves.next.size = 0;
}

// The job was not saved after all, or is written before it is.
static status *write_next_result(sqlite_store *s)
{
    const small_result result = s->saves.next;
    const job_row row = {.seq = result.seq};
    sqlite3_stmt *statement = s->link.statements[WRITE_PUT_SMALL_RESULT];
    if (result.size == 0)
        return NULL;
    s->saves.next.size = 0;
    status *failure = sqlite_inserts_write_of(s, &row, 1);
    if (failure)
        return failure;
    sqlite_bind_slice(statement, 1, (slice){result.bytes, result.size});
    sqlite3_bind_int64(statement, 2, result.seq);
    return sqlite_run(statement);
}

static int statement_for(const sqlite_saves *saves)
{
    if (saves->special)
        return WRITE_UPDATE_JOB;
    return saves->ended ? WRITE_UPDATE_ENDED_JOB : WRITE_UPDATE_PLAIN_JOB;
}

static status *write_rows(sqlite_store *s)
{
    sqlite_saves *saves = &s->saves;
    if (saves->count == 0)
        return NULL;
    s->batch =
        (sqlite_batch){.rows = saves->rows, .results = saves->results, .count = saves->count};
    status *failure = sqlite_update_all(s, statement_for(saves));
    const small_result next = saves->next;
    sqlite_saves_forget(s);
    saves->next = next;
    return failure;
}

// A job that waits to be saved may have a newer result by now.
status *sqlite_saves_write(sqlite_store *s)
{
    status *failure = write_rows(s);
    return failure ? failure : write_next_result(s);
}

status *sqlite_saves_result(sqlite_store *s, int64_t seq, uint8_t where, slice result)
{
    small_result *next = &s->saves.next;
    status *failure = next->size > 0 ? sqlite_saves_write(s) : NULL;
    if (failure)
        return failure;
    next->seq = seq;
    next->size = 1 + result.size;
    next->bytes[0] = where;
    if (result.size > 0)
        memcpy(&next->bytes[1], result.bytes, result.size);
    return NULL;
}

static void take_result(sqlite_saves *saves, size_t index)
{
    small_result *next = &saves->next;
    saves->results[index].size = 0;
    if (next->size == 0 || next->seq != saves->rows[index].seq)
        return;
    saves->results[index] = *next;
    next->size = 0;
    saves->ended = true;
}

status *sqlite_saves_add(sqlite_store *s, const job_row *row, bool special)
{
    uint16_t *slot = slot_of(&s->saves, row->seq);
    if (s->saves.count == SAVES_ROWS || *slot != 0) {
        status *failure = write_rows(s);
        if (failure)
            return failure;
        slot = slot_of(&s->saves, row->seq);
    }
    s->saves.rows[s->saves.count] = *row;
    take_result(&s->saves, s->saves.count);
    *slot = (uint16_t) ++s->saves.count;
    s->saves.special = s->saves.special || special;
    return NULL;
}
