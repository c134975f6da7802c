// sqlite_reader_internal - what the files of the reader share.
#ifndef ERRAND_STORE_SQLITE_READER_INTERNAL_H
#define ERRAND_STORE_SQLITE_READER_INTERNAL_H

#include "store/sqlite_link.h"
#include "store/store.h"

// Statements of a reader; the texts are in sqlite_reader.c, in this order.
enum {
    READ_BEGIN,
    READ_END,
    READ_JOB,
    READ_JOB_AND_RESULT,
    READ_SPEC,
    READ_RESULT,
    READ_LAST_ATTEMPT,
    READ_ATTEMPTS,
    READ_ID,
    READ_NEWEST,
    READ_NEWEST_ENDED,
    READ_NEWEST_LABELLED,
    READ_ROUTES,
    READ_PROGRESS,
    READ_QUEUE,
    READ_QUEUE_ROUTES,
    READ_POSITION,
    READ_BLOCKERS,
    READ_READY_FROM,
    READ_STATEMENT_COUNT,
};

typedef struct sqlite_reader {
    store_reader base;
    sqlite_link link;
} sqlite_reader;

static inline sqlite3_stmt *sqlite_reader_statement(store_reader *r, int statement)
{
    return ((sqlite_reader *) r)->link.statements[statement];
}

// One call of a reader is one transaction: what it sees fits together, and it holds back the log no
// longer than it runs.
status *sqlite_reader_begin(store_reader *r);
void sqlite_reader_end(store_reader *r);

// sqlite_reader_parts fetches the parts of the job whose row is in ret.
status *sqlite_reader_parts(store_reader *r, unsigned parts, arena *memory, store_job *ret);

// sqlite_list.c
status *sqlite_list(store_reader *r, const store_filter *filter, int64_t before, size_t limit,
                    unsigned parts, arena *memory, store_job **ret, size_t *ret_count,
                    int64_t *ret_next);

// sqlite_explain.c
status *sqlite_position(store_reader *r, const job_row *row, size_t limit, size_t *ret);
status *sqlite_blockers(store_reader *r, int64_t seq, size_t limit, uuid *ret, size_t *ret_count);

// sqlite_oldest.c
status *sqlite_oldest_ready(store_reader *r, const char *queue, int64_t *ret);

#endif
