// access - tokens, scopes and queues: who may call what.
#include "unit/unit_test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "service/access.h"

#include "errand/v1/job_service.pb-c.h"
#include "errand/v1/queue_service.pb-c.h"
#include "errand/v1/server_service.pb-c.h"
#include "errand/v1/worker_service.pb-c.h"

#include <stdio.h>
#include <string.h>

#define SUBMIT "/errand.v1.JobService/Submit"
#define GET    "/errand.v1.JobService/Get"
#define LEASE  "/errand.v1.WorkerService/Lease"
#define BACKUP "/errand.v1.ServerService/Backup"
#define INFO   "/errand.v1.ServerService/GetInfo"

static const ProtobufCServiceDescriptor *const services[] = {
    &errand__v1__job_service__descriptor,
    &errand__v1__queue_service__descriptor,
    &errand__v1__worker_service__descriptor,
    &errand__v1__server_service__descriptor,
};

static access_table *table;

static int start(void **state)
{
    (void) state;
    status *failure = access_new(&table);
    return failure == NULL ? 0 : -1;
}

static int stop(void **state)
{
    (void) state;
    access_free(table);
    return 0;
}

// A row of the configuration: `hash=... rest` for a token.
static void row_text(const char *token, const char *rest, buf *ret)
{
    char text[TOKEN_HASH_TEXT_SIZE];
    token_hash hash = token_hash_of(token);
    buf_append_format(ret, "hash=%s %s", token_hash_format(&hash, text), rest);
}

static status *load(const char *name, const char *token, const char *rest)
{
    AUTO_BUF text = {0};
    row_text(token, rest, &text);
    config_pair pair = {(char *) (uintptr_t) name, buf_text(&text)};
    return access_load(table, &(config_map){.pairs = &pair, .count = 1});
}

static status *call(const char *method, const char *authorization, rpc_caller *ret)
{
    return access_authorize(table, method, authorization, ret);
}

static void assert_code(status_code code, const char *method, const char *authorization)
{
    rpc_caller caller = {0};
    AUTO(status) failure = call(method, authorization, &caller);
    assert_int_equal(status_code_of(failure), code);
    if (failure != NULL) {
        assert_null(caller.name);
        assert_null(strstr(failure->message, "secret-token"));
    }
}

// ---- the table ----

static size_t rows_of(const char *method)
{
    size_t count = 0;
    for (size_t i = 0; i < access_rule_count; i++) {
        count += strcmp(access_rules[i].method, method) == 0;
    }
    return count;
}

static void every_method_has_one_rule(void **state)
{
    (void) state;
    size_t methods = 0;
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        for (unsigned j = 0; j < services[i]->n_methods; j++, methods++) {
            char name[128];
            (void) snprintf(name, sizeof name, "/%s/%s", services[i]->name,
                            services[i]->methods[j].name);
            if (rows_of(name) != 1) {
                fail_msg("%s has %zu rules", name, rows_of(name));
            }
        }
    }
    assert_int_equal(methods, access_rule_count);
}

static char *read_page(void)
{
    FILE *file = fopen(ERRAND_SECURITY_PAGE, "re");
    assert_non_null(file);
    char *text = calloc(1, 1 << 18);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 18) - 1, file) > 0);
    (void) fclose(file);
    return text;
}

// As docs/security.md must have it.
static void append_row(const access_rule *rule, buf *ret)
{
    const char *name = strrchr(rule->method, '/') + 1;
    const char *service = rule->method + strlen("/errand.v1.");
    buf_append_format(ret, "| `%.*s` | `%s` | %s | %s |\n", (int) strcspn(service, "/"), service,
                      name,
                      rule->scope == ACCESS_ANY ? "any token" : access_scope_name(rule->scope),
                      rule->whole ? "no" : "yes");
}

static void the_documentation_has_the_same_table(void **state)
{
    (void) state;
    AUTO_FREE char *page = read_page();
    AUTO_BUF rows = {0};
    for (size_t i = 0; i < access_rule_count; i++) {
        append_row(&access_rules[i], &rows);
    }
    if (strstr(page, buf_text(&rows)) == NULL) {
        fail_msg("docs/security.md must have this table:\n%s", buf_text(&rows));
    }
}

// ---- who may ----

static void without_tokens_everybody_may_do_everything(void **state)
{
    (void) state;
    rpc_caller caller = {0};
    assert_null(access_load(table, &(config_map){0}));
    assert_null(call(BACKUP, NULL, &caller));
    assert_string_equal(caller.name, "");
    assert_null(caller.grant);
    assert_null(call(SUBMIT, "Bearer whatever", &caller));
}

static void a_missing_or_wrong_token_is_unauthenticated(void **state)
{
    (void) state;
    assert_null(load("ci", "secret-token", "scopes=submit"));
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, NULL);
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "");
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "Bearer ");
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "Basic secret-token");
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "secret-token");
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "Bearer secret-toke");
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "Bearer secret-token2");
    assert_code(STATUS_UNAUTHENTICATED, INFO, "Bearer other");
    assert_code(STATUS_OK, SUBMIT, "Bearer secret-token");
    assert_code(STATUS_OK, SUBMIT, "bearer   secret-token");
}

static void a_scope_opens_its_methods_and_no_others(void **state)
{
    (void) state;
    static const access_scope scopes[] = {ACCESS_SUBMIT, ACCESS_READ, ACCESS_WORK, ACCESS_ADMIN};
    for (size_t i = 0; i < 4; i++) {
        char rest[32];
        (void) snprintf(rest, sizeof rest, "scopes=%s", access_scope_name(scopes[i]));
        assert_null(load("x", "secret-token", rest));
        for (size_t j = 0; j < access_rule_count; j++) {
            const access_rule *rule = &access_rules[j];
            bool may =
                rule->scope == ACCESS_ANY || rule->scope == scopes[i] || scopes[i] == ACCESS_ADMIN;
            assert_code(may ? STATUS_OK : STATUS_PERMISSION_DENIED, rule->method,
                        "Bearer secret-token");
        }
    }
}

static void a_method_without_a_rule_is_the_administrators(void **state)
{
    (void) state;
    assert_null(load("x", "secret-token", "scopes=submit,read,work"));
    assert_code(STATUS_PERMISSION_DENIED, "/errand.v1.JobService/New", "Bearer secret-token");
    assert_null(load("x", "secret-token", "scopes=admin"));
    assert_code(STATUS_OK, "/errand.v1.JobService/New", "Bearer secret-token");
}

static void a_token_for_some_queues_is_not_for_the_whole_server(void **state)
{
    (void) state;
    rpc_caller caller = {0};
    assert_null(load("team", "secret-token", "scopes=admin queues=a,b"));
    assert_code(STATUS_PERMISSION_DENIED, BACKUP, "Bearer secret-token");
    assert_null(call(GET, "Bearer secret-token", &caller));
    const access_grant *grant = caller.grant;
    assert_string_equal(caller.name, "team");
    assert_true(queue_set_has(grant->queues, "a"));
    assert_true(queue_set_has(grant->queues, "b"));
    assert_false(queue_set_has(grant->queues, "c"));
    assert_false(queue_set_has(grant->queues, "a,b"));
}

// ---- changes ----

static void two_hashes_are_valid_at_once(void **state)
{
    (void) state;
    rpc_caller old = {0}, fresh = {0};
    AUTO_BUF text = {0};
    row_text("secret-token", "", &text);
    row_text("new-token", "scopes=submit", &text);
    config_pair pair = {(char *) (uintptr_t) "ci", buf_text(&text)};
    assert_null(access_load(table, &(config_map){.pairs = &pair, .count = 1}));
    assert_null(call(SUBMIT, "Bearer secret-token", &old));
    assert_null(call(SUBMIT, "Bearer new-token", &fresh));
    assert_ptr_equal(old.grant, fresh.grant);
}

static void a_token_that_was_taken_away_is_void_at_once(void **state)
{
    (void) state;
    rpc_caller before = {0};
    assert_null(load("ci", "secret-token", "scopes=submit"));
    assert_null(call(SUBMIT, "Bearer secret-token", &before));
    assert_null(load("ci", "new-token", "scopes=submit"));
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "Bearer secret-token");
    assert_code(STATUS_OK, SUBMIT, "Bearer new-token");
    assert_string_equal(before.name, "ci");  // a call under way goes on
}

static void a_reload_without_a_change_keeps_the_table(void **state)
{
    (void) state;
    rpc_caller before = {0}, after = {0};
    assert_null(load("ci", "secret-token", "scopes=submit"));
    assert_null(call(SUBMIT, "Bearer secret-token", &before));
    assert_null(load("ci", "secret-token", "scopes=submit"));
    assert_null(call(SUBMIT, "Bearer secret-token", &after));
    assert_ptr_equal(before.grant, after.grant);
    assert_null(load("ci", "secret-token", "scopes=submit,read"));
    assert_null(call(GET, "Bearer secret-token", &after));
    assert_ptr_not_equal(before.grant, after.grant);
}

static void without_the_last_token_the_server_does_not_stand_open(void **state)
{
    (void) state;
    assert_null(load("ci", "secret-token", "scopes=submit"));
    assert_null(access_load(table, &(config_map){0}));
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, "Bearer secret-token");
    assert_code(STATUS_UNAUTHENTICATED, SUBMIT, NULL);
}

static void tokens_of_the_server_itself_outlive_a_reload(void **state)
{
    (void) state;
    char token[TOKEN_TEXT_SIZE], authorization[TOKEN_TEXT_SIZE + 8];
    access_add_own(table, "errandd", ACCESS_WORK, token);
    (void) snprintf(authorization, sizeof authorization, "Bearer %s", token);
    assert_null(load("ci", "secret-token", "scopes=submit"));
    assert_null(load("ci", "new-token", "scopes=submit"));
    assert_code(STATUS_OK, LEASE, authorization);
    assert_code(STATUS_PERMISSION_DENIED, SUBMIT, authorization);
}

// ---- the configuration ----

#define HASH "hash=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void what_is_no_row_of_a_token_is_refused(void **state)
{
    (void) state;
    static const char *const bad[] = {
        "",
        HASH,
        "scopes=submit",
        "hash=secret scopes=submit",
        "token=secret scopes=submit",
        HASH " scopes=",
        HASH " scopes=root",
        HASH " scopes=submit queues=",
        HASH " scopes=submit queues=a,",
        HASH " scopes=submit queues=a/b",
        HASH " scopes=submit queue=a",
        HASH " scopes=submit more",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (access_text_is_good(bad[i])) {
            fail_msg("%s", bad[i]);
        }
    }
    assert_true(access_text_is_good(HASH " scopes=submit"));
    assert_true(access_text_is_good(HASH " scopes=submit,read queues=a,b.c"));
}

static void one_token_under_two_names_is_refused(void **state)
{
    (void) state;
    AUTO_BUF text = {0};
    row_text("secret-token", "scopes=read", &text);
    char *row = buf_text(&text);
    config_pair pairs[] = {{(char *) (uintptr_t) "a", row}, {(char *) (uintptr_t) "b", row}};
    AUTO(status) failure = access_load(table, &(config_map){.pairs = pairs, .count = 2});
    assert_int_equal(status_code_of(failure), STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(failure->message, "a and b have the same hash"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(every_method_has_one_rule, start, stop),
    cmocka_unit_test_setup_teardown(the_documentation_has_the_same_table, start, stop),
    cmocka_unit_test_setup_teardown(without_tokens_everybody_may_do_everything, start, stop),
    cmocka_unit_test_setup_teardown(a_missing_or_wrong_token_is_unauthenticated, start, stop),
    cmocka_unit_test_setup_teardown(a_scope_opens_its_methods_and_no_others, start, stop),
    cmocka_unit_test_setup_teardown(a_method_without_a_rule_is_the_administrators, start, stop),
    cmocka_unit_test_setup_teardown(a_token_for_some_queues_is_not_for_the_whole_server, start,
                                    stop),
    cmocka_unit_test_setup_teardown(two_hashes_are_valid_at_once, start, stop),
    cmocka_unit_test_setup_teardown(a_token_that_was_taken_away_is_void_at_once, start, stop),
    cmocka_unit_test_setup_teardown(a_reload_without_a_change_keeps_the_table, start, stop),
    cmocka_unit_test_setup_teardown(without_the_last_token_the_server_does_not_stand_open, start,
                                    stop),
    cmocka_unit_test_setup_teardown(tokens_of_the_server_itself_outlive_a_reload, start, stop),
    cmocka_unit_test_setup_teardown(what_is_no_row_of_a_token_is_refused, start, stop),
    cmocka_unit_test_setup_teardown(one_token_under_two_names_is_refused, start, stop),
};

UNIT_TEST_MAIN(tests)
