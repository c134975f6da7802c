// config_yaml_map - mappings with free keys: the pairs of a CONFIG_MAP.
//
// Where the row allows it, the value of a pair may be a mapping of its own, which becomes the text
// that config_words reads: `{size: 3, names: [a, b]}` is `size=3 names=a,b`.
#include "base/config_value.h"
#include "base/config_words.h"
#include "base/config_yaml_walk.h"

static bool is_value(const yaml_node_t *node)
{
    return is_text(node) && !config_yaml_is_nothing(node);
}

static status *bad_key(walk *w, const config_row *row, const yaml_node_t *node, const char *key)
{
    AUTO_BUF found = {0};
    buf_append_text(&found, "something else than a text or a list of texts at ");
    config_append_quoted(&found, key);
    AUTO_FREE char *place = config_yaml_place(w, row, node);
    const char *text = buf_text(&found);
    return config_value_bad(row, place ? place : w->file, text ? text : "something else");
}

// One item of a list, or one pair of a mapping, which becomes key=value; so no key has a = in it.
static bool append_item(walk *w, const yaml_node_t *item, const yaml_node_t *value, buf *text)
{
    (void) w;
    if (!is_value(item) || (value && (!is_value(value) || strchr(scalar_text(item), '=')))) {
        return false;
    }
    config_words_append(text, scalar_text(item));
    if (value) {
        buf_append_char(text, '=');
        config_words_append(text, scalar_text(value));
    }
    return true;
}

static bool append_sequence(walk *w, yaml_node_t *node, buf *text)
{
    yaml_node_item_t *start = node->data.sequence.items.start;
    for (yaml_node_item_t *item = start; item < node->data.sequence.items.top; item++) {
        buf_append_text(text, item > start ? "," : "");
        if (!append_item(w, node_at(w, *item), NULL, text)) {
            return false;
        }
    }
    return true;
}

static bool append_mapping(walk *w, yaml_node_t *node, buf *text)
{
    yaml_node_pair_t *start = node->data.mapping.pairs.start;
    for (yaml_node_pair_t *pair = start; pair < node->data.mapping.pairs.top; pair++) {
        buf_append_text(text, pair > start ? "," : "");
        if (!append_item(w, node_at(w, pair->key), node_at(w, pair->value), text)) {
            return false;
        }
    }
    return true;
}

static bool append_value(walk *w, yaml_node_t *node, buf *text)
{
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        return append_sequence(w, node, text);
    case YAML_MAPPING_NODE:
        return append_mapping(w, node, text);
    case YAML_SCALAR_NODE:
        return append_item(w, node, NULL, text);
    case YAML_NO_NODE:
        break;
    }
    return false;
}

// The mapping as words: key=value parted by spaces.
static status *flatten(walk *w, const config_row *row, yaml_node_t *node, buf *text)
{
    yaml_node_pair_t *start = node->data.mapping.pairs.start;
    for (yaml_node_pair_t *pair = start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = node_at(w, pair->key);
        if (!is_value(key) || strpbrk(scalar_text(key), " =,\\")) {
            return config_yaml_bad(w, row, key);
        }
        buf_append_format(text, "%s%s=", pair > start ? " " : "", scalar_text(key));
        if (!append_value(w, node_at(w, pair->value), text)) {
            return bad_key(w, row, key, scalar_text(key));
        }
    }
    return NULL;
}

// The text of a pair's value; in words when it is a mapping.
static status *read_value(walk *w, const config_row *row, yaml_node_t *value, buf *text)
{
    if ((row->nested || row->record) && value->type == YAML_MAPPING_NODE) {
        return flatten(w, row, value, text);
    }
    if (!is_value(value)) {
        return config_yaml_bad(w, row, value);
    }
    buf_append_text(text, scalar_text(value));
    return NULL;
}

// The node of the key that a failure names, as ROW.NAME.KEY; NULL when it names none.
static yaml_node_t *named_key(walk *w, const config_row *row, const char *name, yaml_node_t *value,
                              const status *failure)
{
    size_t skipped = strlen(row->key) + strlen(name) + 2;
    const char *field = failure->violation_count > 0 ? failure->violations[0].field : "";
    if (value->type != YAML_MAPPING_NODE || strlen(field) <= skipped) {
        return NULL;
    }
    yaml_node_pair_t *end = value->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = value->data.mapping.pairs.start; pair < end; pair++) {
        yaml_node_t *key = node_at(w, pair->key);
        if (strcmp(scalar_text(key), field + skipped) == 0) {
            return key;
        }
    }
    return NULL;
}

// put_pair names the line of the key that is wrong, when the value is a mapping.
static status *put_pair(walk *w, const config_row *row, const config_pair *pair,
                        yaml_node_t *const *nodes)
{
    AUTO_FREE char *place = config_yaml_place(w, row, nodes[0]);
    status *failure = config_value_put(row, w->settings, pair, place ? place : w->file);
    yaml_node_t *key = failure ? named_key(w, row, pair->key, nodes[1], failure) : NULL;
    if (key) {
        AUTO_FREE char *inner = config_yaml_place(w, row, key);
        status_free(failure);
        failure = config_value_put(row, w->settings, pair, inner ? inner : w->file);
    }
    return failure;
}

static status *apply_pair(walk *w, const config_row *row, const yaml_node_pair_t *pair)
{
    yaml_node_t *key = node_at(w, pair->key);
    if (!is_text(key)) {
        return config_yaml_bad(w, row, key);
    }
    AUTO_BUF text = {0};
    status *failure = read_value(w, row, node_at(w, pair->value), &text);
    if (failure) {
        return failure;
    }
    char *value = buf_text(&text);
    if (!value) {
        return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory while reading %s", w->file);
    }
    const config_pair read = {(char *) key->data.scalar.value, value};
    return put_pair(w, row, &read, (yaml_node_t *[]){key, node_at(w, pair->value)});
}

status *config_yaml_apply_map(walk *w, const config_row *row, yaml_node_t *node)
{
    config_value_clear(row, w->settings);
    yaml_node_pair_t *end = node->data.mapping.pairs.top;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
        status *failure = apply_pair(w, row, pair);
        if (failure) {
            return failure;
        }
    }
    return NULL;
}
