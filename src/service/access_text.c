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

// ACCESS_ANY: there is no such scope.
static access_scope scope_of(const char *text)
{
    static const access_scope scopes[] = {ACCESS_SUBMIT, ACCESS_READ, ACCESS_WORK, ACCESS_ADMIN};
    for (size_t i = 0; i < sizeof scopes / sizeof scopes[0]; i++) {
        if (strcmp(text, access_scope_name(scopes[i])) == 0) {
            return scopes[i];
        }
    }
    return ACCESS_ANY;
}

static bool read_scope(access_row *row, const char *text)
{
    access_scope scope = scope_of(text);
    row->grant.scopes |= scope;
    return scope != ACCESS_ANY;
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

// ---- the same as a table ----

typedef struct record {
    config_list hashes, scopes, queues;
} record;

static const char *const hash_beginnings[] = {"sha256:", NULL};

// clang-format off
static const config_row rows[] = {
    {.key = "hash", .type = CONFIG_LIST, .names = hash_beginnings, .max = ACCESS_MAX_HASHES, .secret = true,
     .help = "the token's hash, as `errand token new` prints it; two while one token replaces the other", CONFIG_FIELD(record, hashes)},
    {.key = "scopes", .type = CONFIG_LIST,
     .help = "what it may do: submit, read, work, admin or some of them", CONFIG_FIELD(record, scopes)},
    {.key = "queues", .type = CONFIG_LIST, .max = ACCESS_MAX_QUEUES,
     .help = "queues that it is for; none: all", CONFIG_FIELD(record, queues)},
};
// clang-format on

const config_program access_text_record = {
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .settings_size = sizeof(record),
};

static status *judge_hashes(const config_list *hashes)
{
    token_hash hash;
    for (size_t i = 0; i < hashes->count; i++) {
        if (!token_hash_parse(hashes->items[i], &hash)) {  // it may be the token itself: not shown
            return status_bad_field("hash", "found a value that is not shown, expected sha256: and "
                                            "64 hexadecimal digits");
        }
    }
    return hashes->count > 0 ? NULL
                             : status_bad_field("hash", "found nothing, expected the token's hash");
}

static status *judge_scopes(const config_list *scopes)
{
    for (size_t i = 0; i < scopes->count; i++) {
        if (scope_of(scopes->items[i]) == ACCESS_ANY) {
            return status_bad_field("scopes",
                                    "found \"%.40s\", expected submit, read, work or admin",
                                    scopes->items[i]);
        }
    }
    return scopes->count > 0
               ? NULL
               : status_bad_field("scopes", "found nothing, expected submit, read, work or admin");
}

status *access_text_judge(const char *name, const void *judged)
{
    (void) name;
    const record *r = judged;
    status *failure = judge_hashes(&r->hashes);
    if (failure == NULL) {
        failure = judge_scopes(&r->scopes);
    }
    for (size_t i = 0; failure == NULL && i < r->queues.count; i++) {
        failure = job_name_check("queues", r->queues.items[i]);
    }
    return failure;
}
