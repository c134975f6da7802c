// config_yaml_walk - what the files that walk a YAML document share.
#ifndef ERRAND_BASE_CONFIG_YAML_WALK_H
#define ERRAND_BASE_CONFIG_YAML_WALK_H

#include "base/config.h"

#include <string.h>
#include <yaml.h>

typedef struct walk {
    const config_program *program;
    const char *file;
    void *settings;
    yaml_document_t document;
    const char *sought;  // the key whose place is wanted; NULL: none
    char *place;         // of what is sought; owned
} walk;

static inline yaml_node_t *node_at(walk *w, int index)
{
    return yaml_document_get_node(&w->document, index);
}

static inline const char *scalar_text(const yaml_node_t *node)
{
    return (const char *) node->data.scalar.value;
}

// is_text: a scalar without a NUL inside.
static inline bool is_text(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && strlen(scalar_text(node)) == node->data.scalar.length;
}

// config_yaml_is_nothing: an empty value, ~ or null.
bool config_yaml_is_nothing(const yaml_node_t *node);

// config_yaml_place is the place of a value, FILE:LINE: KEY; the caller frees it. NULL when memory
// is short.
char *config_yaml_place(walk *w, const config_row *row, const yaml_node_t *node);

// config_yaml_bad says that the node is not what the row takes.
status *config_yaml_bad(walk *w, const config_row *row, const yaml_node_t *node);

// config_yaml_apply_map takes a mapping as the pairs of a CONFIG_MAP.
status *config_yaml_apply_map(walk *w, const config_row *row, yaml_node_t *node);

#endif
