// access - who may do what: bearer tokens with their scopes and queues.
//
// Calls read the current table without a lock. A reload puts a new one in its place and keeps the
// old one, since calls under way still point to their rows; it is small, and reloads are few.
#include "service/access.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "service/access_text.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_OWN      2
#define LOG_EVERY_US 1000000

typedef struct table table;

struct table {
    arena *memory;  // of all of it
    access_row *rows;
    size_t count;
    uint8_t digest[SHA256_BYTES];  // of what it was made of
    table *older;
};

struct access_table {
    access_row own[MAX_OWN];
    size_t own_count;
    _Atomic(table *) current;  // NULL: there never were any tokens
    pthread_mutex_t lock;      // of what follows
    int64_t logged_us;         // monotonic: when a refusal was logged last
    int64_t unlogged;          // refusals since
};

status *access_new(access_table **ret)
{
    access_table *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
    }
    (void) pthread_mutex_init(&a->lock, NULL);
    *ret = a;
    return NULL;
}

void access_free(access_table *a)
{
    if (a == NULL) {
        return;
    }
    for (table *t = atomic_load(&a->current), *older; t != NULL; t = older) {
        older = t->older;
        arena_free(t->memory);
    }
    (void) pthread_mutex_destroy(&a->lock);
    free(a);
}

// ---- the tables ----

void access_add_own(access_table *a, const char *name, unsigned scopes,
                    char ret_token[static TOKEN_TEXT_SIZE])
{
    access_row *row = &a->own[a->own_count++];
    token_new(ret_token);
    *row = (access_row){.grant = {.name = name, .scopes = scopes}, .hash_count = 1};
    row->hashes[0] = token_hash_of(ret_token);
}

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static table *table_new(size_t count)
{
    arena *memory = arena_new(0);
    table *t = memory != NULL ? arena_zalloc(memory, sizeof *t) : NULL;
    access_row *rows = t != NULL ? arena_zalloc(memory, (count + 1) * sizeof *rows) : NULL;
    if (rows == NULL) {
        arena_free(memory);
        return NULL;
    }
    t->memory = memory;
    t->rows = rows;
    return t;
}

static status *fill(table *t, const config_map *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        access_row *row = &t->rows[i];
        if (!access_text_read(tokens->pairs[i].value, t->memory, row)) {
            return status_bad_field("tokens", "%s: expected " ACCESS_TEXT_FORM,
                                    tokens->pairs[i].key);
        }
        row->grant.name = arena_strdup(t->memory, tokens->pairs[i].key);
        if (row->grant.name == NULL) {
            return no_memory();
        }
        t->count++;
    }
    return NULL;
}

static bool share_a_hash(const access_row *one, const access_row *other)
{
    for (size_t i = 0; i < one->hash_count; i++) {
        for (size_t j = 0; j < other->hash_count; j++) {
            if (memcmp(&one->hashes[i], &other->hashes[j], sizeof(token_hash)) == 0) {
                return true;
            }
        }
    }
    return false;
}

// Two names for one token: it would not be clear what it may do.
static status *check_hashes(const table *t)
{
    for (size_t i = 1; i < t->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (share_a_hash(&t->rows[i], &t->rows[j])) {
                return status_bad_field("tokens", "%s and %s have the same hash",
                                        t->rows[j].grant.name, t->rows[i].grant.name);
            }
        }
    }
    return NULL;
}

// So that a reload that leaves the tokens as they are leaves their table too.
static bool digest_of(const config_map *tokens, uint8_t ret[static SHA256_BYTES])
{
    AUTO_BUF text = {0};
    for (size_t i = 0; i < tokens->count; i++) {
        buf_append(&text, tokens->pairs[i].key, strlen(tokens->pairs[i].key) + 1);
        buf_append(&text, tokens->pairs[i].value, strlen(tokens->pairs[i].value) + 1);
    }
    crypto_sha256(text.bytes, text.size, ret);
    return !text.failed;
}

static status *table_make(const config_map *tokens, table **ret)
{
    table *fresh = table_new(tokens->count);
    if (fresh == NULL) {
        return no_memory();
    }
    status *failure = fill(fresh, tokens);
    if (failure == NULL) {
        failure = check_hashes(fresh);
    }
    if (failure != NULL) {
        arena_free(fresh->memory);
        return failure;
    }
    *ret = fresh;
    return NULL;
}

status *access_load(access_table *a, const config_map *tokens)
{
    table *now = atomic_load(&a->current), *fresh = NULL;
    uint8_t digest[SHA256_BYTES];
    if (tokens->count == 0 && now == NULL) {
        return NULL;
    }
    if (!digest_of(tokens, digest)) {
        return no_memory();
    }
    if (now != NULL && memcmp(now->digest, digest, sizeof digest) == 0) {
        return NULL;
    }
    status *failure = table_make(tokens, &fresh);
    if (failure != NULL) {
        return failure;
    }
    memcpy(fresh->digest, digest, sizeof digest);
    fresh->older = now;
    atomic_store(&a->current, fresh);
    return NULL;
}

// ---- calls ----

// Anybody who can connect can try: one line a second is enough.
static status *refuse(access_table *a, const char *method, status *failure)
{
    int64_t now_us = clock_mono_us(clock_system());
    (void) pthread_mutex_lock(&a->lock);
    bool log = a->logged_us == 0 || now_us - a->logged_us >= LOG_EVERY_US;
    int64_t unlogged = a->unlogged;
    a->logged_us = log ? now_us : a->logged_us;
    a->unlogged = log ? 0 : unlogged + 1;
    (void) pthread_mutex_unlock(&a->lock);
    if (log) {
        log_warn("call_refused", LOG_STR("method", method), LOG_STATUS(failure),
                 LOG_INT("unlogged", unlogged));
    }
    return failure;
}

// The token of `Bearer TOKEN`; NULL when there is none.
static const char *token_of(const char *authorization)
{
    if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0) {
        return NULL;
    }
    const char *token = authorization + 7;
    token += strspn(token, " ");
    return *token != '\0' ? token : NULL;
}

// In constant time, like crypto_equal, but eight bytes at once: it is called for every token there
// is.
static bool same_hash(const token_hash *a, const token_hash *b)
{
    uint64_t left[SHA256_BYTES / 8], right[SHA256_BYTES / 8], different = 0;
    memcpy(left, a->bytes, sizeof left);
    memcpy(right, b->bytes, sizeof right);
    for (size_t i = 0; i < SHA256_BYTES / 8; i++) {
        different |= left[i] ^ right[i];
    }
    return different == 0;
}

// Looks at every row whatever it finds, so that the time tells nothing.
static const access_grant *find_in(const access_row *rows, size_t count, const token_hash *hash)
{
    const access_grant *found = NULL;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < rows[i].hash_count; j++) {
            bool same = same_hash(&rows[i].hashes[j], hash);
            found = same ? &rows[i].grant : found;
        }
    }
    return found;
}

static const access_grant *find(const access_table *a, const table *t, const char *token)
{
    token_hash hash = token_hash_of(token);
    const access_grant *own = find_in(a->own, a->own_count, &hash);
    const access_grant *configured = find_in(t->rows, t->count, &hash);
    return own != NULL ? own : configured;
}

// A method without a row is the administrator's.
static const access_rule *rule_of(const char *method)
{
    static const access_rule other = {"", ACCESS_ADMIN, true};
    for (size_t i = 0; i < access_rule_count; i++) {
        if (strcmp(access_rules[i].method, method) == 0) {
            return &access_rules[i];
        }
    }
    return &other;
}

static status *check(const access_grant *grant, const char *method)
{
    const access_rule *rule = rule_of(method);
    const char *name = strrchr(method, '/');
    name = name != NULL ? name + 1 : method;
    if (rule->scope != ACCESS_ANY && (grant->scopes & (rule->scope | ACCESS_ADMIN)) == 0) {
        return status_new(STATUS_PERMISSION_DENIED,
                          "%s needs a token with the scope %s, which \"%s\" has not", name,
                          access_scope_name(rule->scope), grant->name);
    }
    if (rule->whole && grant->queues != NULL) {
        return status_new(STATUS_PERMISSION_DENIED,
                          "%s concerns the whole server, and \"%s\" is for some queues only", name,
                          grant->name);
    }
    return NULL;
}

status *access_authorize(void *data, const char *method, const char *authorization, rpc_caller *ret)
{
    access_table *a = data;
    const table *t = atomic_load(&a->current);
    if (t == NULL) {
        *ret = (rpc_caller){.name = ""};
        return NULL;
    }
    const char *token = token_of(authorization);
    if (token == NULL) {
        return refuse(a, method, status_new(STATUS_UNAUTHENTICATED, "a bearer token is needed"));
    }
    const access_grant *grant = find(a, t, token);
    if (grant == NULL) {
        return refuse(a, method, status_new(STATUS_UNAUTHENTICATED, "the token is not known"));
    }
    status *failure = check(grant, method);
    if (failure != NULL) {
        return refuse(a, method, failure);
    }
    *ret = (rpc_caller){.name = grant->name, .grant = grant};
    return NULL;
}
