// config_yaml - walks the document that libyaml built and matches keys against the table.
//
// A first pass over the events refuses deep nesting, which the document builder handles in
// quadratic time. After that the walk only goes into mappings that are the beginning of some row's
// key, so that an alias that contains itself can not keep it busy.
#include "base/config_yaml.h"

#include "base/config_file.h"
#include "base/config_sources.h"
#include "base/config_value.h"
#include "base/config_yaml_walk.h"

#include <string.h>

enum { DEPTH_CAP = 16 };

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

bool config_yaml_is_nothing(const yaml_node_t *node)
{
    return is_text(node) && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (node->data.scalar.length == 0 || strcmp(scalar_text(node), "~") == 0 ||
            strcmp(scalar_text(node), "null") == 0);
}

// append_found describes a node for a message.
static void append_found(buf *b, const yaml_node_t *node)
{
    if (node->type == YAML_MAPPING_NODE) {
        buf_append_text(b, "a mapping");
    } else if (node->type == YAML_SEQUENCE_NODE) {
        buf_append_text(b, "a list");
    } else if (config_yaml_is_nothing(node)) {
        buf_append_text(b, "nothing");
    } else {
        config_append_quoted(b, scalar_text(node));
    }
}

// fail_at says FILE:LINE: KEY: text.
static status *fail_at(walk *w, const yaml_node_t *node, const char *key, buf *text)
{
    const char *description = buf_text(text);
    if (!description) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading %s", w->file);
    }
    status *failure = status_new(STATUS_INVALID_ARGUMENT, "%s:%zu: %s%s%s", w->file, line_of(node),
                                 key, key[0] ? ": " : "", description);
    status_add_violation(failure, key, "%s", description);
    return failure;
}

char *config_yaml_place(walk *w, const config_row *row, const yaml_node_t *node)
{
    char *place = NULL;
    int size = asprintf(&place, "%s:%zu: %s", w->file, line_of(node), row->key);
    return size < 0 ? NULL : place;
}

status *config_yaml_bad(walk *w, const config_row *row, const yaml_node_t *node)
{
    AUTO_FREE char *place = config_yaml_place(w, row, node);
    AUTO_BUF found = {0};
    append_found(&found, node);
    const char *text = buf_text(&found);
    return config_value_bad(row, place ? place : w->file, text ? text : "something else");
}

static status *apply_item(walk *w, const config_row *row, const yaml_node_t *node)
{
    if (!is_text(node) || config_yaml_is_nothing(node)) {
        return config_yaml_bad(w, row, node);
    }
    AUTO_FREE char *place = config_yaml_place(w, row, node);
    return config_value_add(row, w->settings, scalar_text(node), place ? place : w->file);
}

static status *apply_list(walk *w, const config_row *row, yaml_node_t *node)
{
    config_value_clear(row, w->settings);
    yaml_node_item_t *end = node->data.sequence.items.top;
    for (yaml_node_item_t *item = node->data.sequence.items.start; item < end; item++) {
        status *failure = apply_item(w, row, node_at(w, *item));
        if (failure) {
            return failure;
        }
    }
    return NULL;
}

static status *apply_row(walk *w, const config_row *row, yaml_node_t *node)
{
    if (w->sought && strcmp(w->sought, row->key) == 0) {
        free(w->place);
        w->place = config_yaml_place(w, row, node);
    }
    if (row->type == CONFIG_LIST && node->type == YAML_SEQUENCE_NODE) {
        return apply_list(w, row, node);
    }
    if (row->type == CONFIG_MAP && node->type == YAML_MAPPING_NODE) {
        return config_yaml_apply_map(w, row, node);
    }
    if (row->type == CONFIG_MAP || !is_text(node) || config_yaml_is_nothing(node)) {
        return config_yaml_bad(w, row, node);
    }
    if (row->type == CONFIG_LIST) {  // a list of one may be written without brackets
        config_value_clear(row, w->settings);
        return apply_item(w, row, node);
    }
    AUTO_FREE char *place = config_yaml_place(w, row, node);
    return config_value_set(row, w->settings, scalar_text(node), place ? place : w->file);
}

// below returns what follows prefix and a point in key; key itself for an empty prefix.
static const char *below(const char *key, const char *prefix)
{
    size_t size = strlen(prefix);
    if (size == 0) {
        return key;
    }
    return strncmp(key, prefix, size) == 0 && key[size] == '.' ? key + size + 1 : NULL;
}

// append_keys names every key that may stand directly below prefix, each once.
static void append_keys(buf *b, const config_program *program, const char *prefix)
{
    const char *last = "";
    for (size_t i = 0; i < program->row_count; i++) {
        const char *key = below(program->rows[i].key, prefix);
        size_t size = key ? strcspn(key, ".") : 0;
        if (!key || (strncmp(last, key, size) == 0 && last[size] == '.')) {
            continue;
        }
        buf_append_text(b, last[0] ? ", " : "");
        buf_append(b, key, size);
        last = key;
    }
}

static status *unknown_key(walk *w, const yaml_node_t *node, const char *prefix)
{
    AUTO_BUF text = {0};
    if (node->type == YAML_SCALAR_NODE) {
        buf_append_text(&text, "found the unknown key ");
        config_append_quoted(&text, scalar_text(node));
    } else {
        buf_append_text(&text, "found ");
        append_found(&text, node);
        buf_append_text(&text, " as a key");
    }
    buf_append_text(&text, ", expected one of ");
    append_keys(&text, w->program, prefix);
    return fail_at(w, node, prefix, &text);
}

static bool is_group(const config_program *program, const char *prefix)
{
    for (size_t i = 0; i < program->row_count; i++) {
        if (below(program->rows[i].key, prefix)) {
            return true;
        }
    }
    return false;
}

static status *apply_group(walk *w, yaml_node_t *node, const char *prefix);

static status *apply_key(walk *w, yaml_node_t *key, yaml_node_t *value, const char *prefix)
{
    if (!is_text(key) || strchr(scalar_text(key), '.') || !scalar_text(key)[0]) {
        return unknown_key(w, key, prefix);
    }
    AUTO_BUF path = {0};
    buf_append_format(&path, "%s%s%s", prefix, prefix[0] ? "." : "", scalar_text(key));
    const char *full = buf_text(&path);
    if (!full) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading %s", w->file);
    }
    const config_row *row = config_row_of(w->program, full);
    if (row) {
        return apply_row(w, row, value);
    }
    return is_group(w->program, full) ? apply_group(w, value, full) : unknown_key(w, key, prefix);
}

// first_of finds an earlier pair of the mapping with the same key. Unknown keys end the walk, so
// there are never more earlier pairs than rows.
static yaml_node_t *first_of(walk *w, yaml_node_t *mapping, const yaml_node_pair_t *pair)
{
    yaml_node_t *key = node_at(w, pair->key);
    for (yaml_node_pair_t *at = mapping->data.mapping.pairs.start; at < pair; at++) {
        yaml_node_t *earlier = node_at(w, at->key);
        if (is_text(key) && strcmp(scalar_text(earlier), scalar_text(key)) == 0) {
            return earlier;
        }
    }
    return NULL;
}

static status *duplicate_key(walk *w, yaml_node_t *key, const yaml_node_t *earlier)
{
    AUTO_BUF text = {0};
    buf_append_format(&text, "found the key a second time (first on line %zu), expected it once",
                      line_of(earlier));
    return fail_at(w, key, scalar_text(key), &text);
}

static status *apply_group(walk *w, yaml_node_t *node, const char *prefix)
{
    if (node->type != YAML_MAPPING_NODE) {
        AUTO_BUF text = {0};
        buf_append_text(&text, "found ");
        append_found(&text, node);
        buf_append_text(&text, ", expected a mapping with the keys ");
        append_keys(&text, w->program, prefix);
        return fail_at(w, node, prefix, &text);
    }
    yaml_node_pair_t *end = node->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
        yaml_node_t *key = node_at(w, pair->key);
        yaml_node_t *earlier = first_of(w, node, pair);
        status *failure = earlier ? duplicate_key(w, key, earlier)
                                  : apply_key(w, key, node_at(w, pair->value), prefix);
        if (failure) {
            return failure;
        }
    }
    return NULL;
}

static status *syntax_failure(walk *w, const yaml_parser_t *parser)
{
    return status_new(STATUS_INVALID_ARGUMENT, "%s:%zu: found no YAML here (%s), expected settings",
                      w->file, parser->problem_mark.line + 1,
                      parser->problem ? parser->problem : "out of memory");
}

// no_second_document: settings behind a second `---` would silently be lost.
static status *no_second_document(walk *w, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return syntax_failure(w, parser);
    }
    yaml_node_t *root = yaml_document_get_root_node(&next);
    AUTO_BUF text = {0};
    buf_append_text(&text, "found a second document, expected one");
    status *failure = root ? fail_at(w, root, "", &text) : NULL;
    yaml_document_delete(&next);
    return failure;
}

static status *walk_document(walk *w, yaml_parser_t *parser)
{
    if (!yaml_parser_load(parser, &w->document)) {
        return syntax_failure(w, parser);
    }
    yaml_node_t *root = yaml_document_get_root_node(&w->document);
    status *failure = root && !config_yaml_is_nothing(root) ? apply_group(w, root, "") : NULL;
    if (root && !failure) {
        failure = no_second_document(w, parser);
    }
    yaml_document_delete(&w->document);
    return failure;
}

static int depth_change(yaml_event_type_t type)
{
    bool opens = type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT;
    bool closes = type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT;
    return opens - closes;
}

static status *check_depth(walk *w, yaml_parser_t *parser)
{
    int depth = 0;
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            return syntax_failure(w, parser);
        }
        more = event.type != YAML_STREAM_END_EVENT;
        depth += depth_change(event.type);
        size_t line = event.start_mark.line + 1;
        yaml_event_delete(&event);
        if (depth > DEPTH_CAP) {
            return status_new(STATUS_INVALID_ARGUMENT,
                              "%s:%zu: found more than %d levels of nesting, expected settings",
                              w->file, line, DEPTH_CAP);
        }
    }
    return NULL;
}

// parse runs one pass over bytes.
static status *parse(walk *w, slice bytes, status *(*pass)(walk *w, yaml_parser_t *parser))
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading %s", w->file);
    }
    yaml_parser_set_input_string(&parser, bytes.bytes, bytes.size);
    status *failure = pass(w, &parser);
    yaml_parser_delete(&parser);
    return failure;
}

status *config_yaml_apply_bytes(const config_program *program, const char *name, slice bytes,
                                void *settings)
{
    if (bytes.size == 0) {
        return NULL;
    }
    walk w = {.program = program, .file = name, .settings = settings};
    status *failure = parse(&w, bytes, check_depth);
    return failure ? failure : parse(&w, bytes, walk_document);
}

status *config_yaml_apply(const config_program *program, const char *file, void *settings)
{
    AUTO_BUF bytes = {0};
    status *failure = config_file_read(file, &bytes);
    return failure ? failure : config_yaml_apply_bytes(program, file, buf_slice(&bytes), settings);
}

// The whole file is read once more: what is sought is where it is applied.
char *config_yaml_origin(const config_program *program, const char *file, const char *key)
{
    AUTO_BUF bytes = {0};
    AUTO_FREE void *settings = calloc(1, program->settings_size);
    walk w = {.program = program, .file = file, .settings = settings, .sought = key};
    AUTO(status) failure = settings ? config_file_read(file, &bytes) : NULL;
    if (settings && !failure && bytes.size > 0) {
        status_free(parse(&w, buf_slice(&bytes), walk_document));
        config_free(program, settings);
    }
    return w.place;
}
