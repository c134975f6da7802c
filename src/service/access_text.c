// access_text - a token's row of the configuration.
#include "service/access_text.h"

#include "base/config_words.h"
#include "job/spec.h"

#include <string.h>

static bool read_hash(access_row *row, const char *text)
{
    return row->hash_count < ACCESS_MAX_HASHES &&
           token_hash_parse(text, &row->hashes[row->hash_count++]);
}

static bool read_scope(access_row *row, const char *text)
{
    static const access_scope scopes[] = {ACCESS_SUBMIT, ACCESS_READ, ACCESS_WORK, ACCESS_ADMIN};
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        if (strcmp(text, access_scope_name(scopes[i])) == 0) {
            row->grant.scopes |= scopes[i];
            return true;
        }
    }
    return false;
}

// The queues that are being read.
typedef struct reading {
    access_row *row;
    arena *memory;
    const char **names;
    size_t count;
} reading;

static bool read_queue(reading *r, const char *text)
{
    status *failure = job_name_check("queues", text);
    status_free(failure);
    if (r->names == NULL) {
        r->names = arena_alloc(r->memory, ACCESS_MAX_QUEUES * sizeof *r->names);
    }
    if (failure != NULL || r->names == NULL || r->count == ACCESS_MAX_QUEUES) {
        return false;
    }
    r->names[r->count] = arena_strdup(r->memory, text);
    return r->names[r->count++] != NULL;
}

static bool read_word(reading *r, const config_pair *word)
{
    if (strcmp(word->key, "hash") == 0) {
        return read_hash(r->row, word->value);
    }
    if (strcmp(word->key, "scopes") == 0) {
        return read_scope(r->row, word->value);
    }
    return strcmp(word->key, "queues") == 0 && read_queue(r, word->value);
}

static bool keep_queues(reading *r)
{
    if (r->count == 0) {
        return true;
    }
    queue_set *set = arena_alloc(r->memory, sizeof *set);
    if (set != NULL) {
        *set = (queue_set){.names = r->names, .count = r->count};
    }
    r->row->grant.queues = set;
    return set != NULL;
}

bool access_text_read(const char *text, arena *memory, access_row *ret)
{
    config_map words = {0};
    *ret = (access_row){0};
    reading r = {.row = ret, .memory = memory};
    bool good = config_words_read(text, &words);
    for (size_t i = 0; good && i < words.count; i++) {
        good = read_word(&r, &words.pairs[i]);
    }
    config_words_fini(&words);
    return good && keep_queues(&r) && ret->hash_count > 0 && ret->grant.scopes != 0;
}

bool access_text_is_good(const char *text)
{
    access_row row;
    AUTO(arena) memory = arena_new(0);
    return memory != NULL && access_text_read(text, memory, &row);
}
