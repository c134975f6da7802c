// sqlite_relations - the labels of jobs, and which job waits for which.
#include "store/sqlite_internal.h"

static status *add_label(sqlite_store *s, int64_t seq, const store_label *label)
{
    sqlite3_stmt *statement = s->link.statements[WRITE_PUT_LABEL];
    sqlite3_bind_int64(statement, 1, seq);
    sqlite3_bind_text(statement, 2, label->key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, label->value, -1, SQLITE_STATIC);
    return sqlite_run(statement);
}

static status *add_dependency(sqlite_store *s, int64_t seq, int64_t on_seq)
{
    sqlite3_stmt *statement = s->link.statements[WRITE_PUT_DEPENDENCY];
    sqlite3_bind_int64(statement, 1, seq);
    sqlite3_bind_int64(statement, 2, on_seq);
    return sqlite_run(statement);
}

status *sqlite_relations_add(sqlite_store *s, const store_new_job *job)
{
    status *failure = NULL;
    if (job->label_count > 0 || job->row.blockers > 0)
        s->has_rare_tables = true;
    for (size_t i = 0; i < job->label_count && !failure; i++)
        failure = add_label(s, job->row.seq, &job->labels[i]);
    for (int32_t i = 0; i < job->row.blockers && !failure; i++)
        failure = add_dependency(s, job->row.seq, job->after[i]);
    return failure;
}

static status *forget_dependants(store *s, int64_t on_seq, int64_t last_seq)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_FORGET_DEPENDANTS);
    sqlite3_bind_int64(statement, 1, on_seq);
    sqlite3_bind_int64(statement, 2, last_seq);
    return sqlite_run(statement);
}

status *sqlite_take_dependants(store *s, int64_t on_seq, size_t limit, job_row *ret_rows,
                               size_t *ret_count)
{
    sqlite3_stmt *statement = sqlite_writer(s, WRITE_DEPENDANTS);
    size_t count = 0;
    sqlite3_bind_int64(statement, 1, on_seq);
    sqlite3_bind_int64(statement, 2, (int64_t) limit);
    status *failure = sqlite_load_rows(s, statement, limit, ret_rows, &count);
    if (!failure && count > 0)
        failure = forget_dependants(s, on_seq, ret_rows[count - 1].seq);
    if (!failure)
        *ret_count = count;
    return failure;
}
