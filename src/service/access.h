// access - who may do what: bearer tokens with their scopes and queues.
//
// Without tokens in the configuration everybody who can connect may do everything. Once there were
// any, each call needs one, also after a reload that took the last of them away.
#ifndef ERRAND_SERVICE_ACCESS_H
#define ERRAND_SERVICE_ACCESS_H

#include "base/config.h"
#include "base/token.h"
#include "job/queue_set.h"
#include "rpc/server.h"

typedef enum access_scope {
    ACCESS_ANY = 0,  // any token
    ACCESS_SUBMIT = 1,
    ACCESS_READ = 2,
    ACCESS_WORK = 4,
    ACCESS_ADMIN = 8,  // contains the others
} access_scope;

// access_rule is what a method asks of a token.
typedef struct access_rule {
    const char *method;  // full name
    access_scope scope;
    bool whole;  // it concerns the whole server: not for tokens that are limited to some queues
} access_rule;

extern const access_rule access_rules[];
extern const size_t access_rule_count;
const char *access_scope_name(access_scope scope);

// access_grant is a token's row: what rpc_call_grant gives to methods.
typedef struct access_grant {
    const char *name;
    unsigned scopes;
    const queue_set *queues;  // NULL: all
} access_grant;

typedef struct access_table access_table;

status *access_new(access_table **ret);
void access_free(access_table *a);  // after the last call; accepts NULL

// access_add_own makes a token for a part of the server itself, which no reload takes away; before
// the first call, twice at most.
void access_add_own(access_table *a, const char *name, unsigned scopes,
                    char ret_token[static TOKEN_TEXT_SIZE]);

// access_load replaces the tokens by those of the configuration, names with texts. Calls under way
// go on with what they were granted. On failure nothing changes.
status *access_load(access_table *a, const config_map *tokens);

// access_authorize is a rpc_authorize_fn; data is the access. UNAUTHENTICATED, PERMISSION_DENIED.
status *access_authorize(void *data, const char *method, const char *authorization,
                         rpc_caller *ret);

// ---- a token in the configuration ----

#define ACCESS_TEXT_FORM "the keys below, such as hash=sha256:... scopes=submit,read queues=mail"
bool access_text_is_good(const char *text);

// The same as keys of a table, so that each can be told by its name when it is wrong.
extern const config_program access_text_record;

// access_text_judge judges what the table alone can not tell: a judge of config_row.
status *access_text_judge(const char *name, const void *record);

#endif
