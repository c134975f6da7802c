// pairs - options that are given once for each entry of a map: --label, --env, --header.
#include "pairs.h"

#include "errand/v1/job.pb-c.h"

#include <string.h>

// The entries of all maps from text to text are laid out alike.
typedef struct text_entry {
    ProtobufCMessage base;
    char *key;
    char *value;
} text_entry;

_Static_assert(sizeof(text_entry) == sizeof(Errand__V1__Job__LabelsEntry) &&
                   offsetof(text_entry, value) == offsetof(Errand__V1__Job__LabelsEntry, value),
               "an entry of a map");

static status *no_memory(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

static status *split(const char *text, const pairs_form *form, arena *memory, text_entry **ret)
{
    size_t size = strcspn(text, form->separators);
    if (size == 0 || text[size] == '\0')
        return status_new(STATUS_INVALID_ARGUMENT, "--%s: found \"%s\", expected %s", form->option,
                          text, form->expected);
    text_entry *entry = arena_alloc(memory, sizeof *entry);
    char *key = arena_strdup(memory, text);
    if (entry == NULL || key == NULL)
        return no_memory();
    form->entry->message_init(&entry->base);
    key[size] = '\0';
    entry->key = key;
    entry->value = key + size + 1;
    entry->value += form->any_case ? strspn(entry->value, " \t") : 0;
    *ret = entry;
    return NULL;
}

static status *add(const char *text, const pairs_form *form, arena *memory, text_entry **all,
                   size_t *count)
{
    text_entry *entry = NULL;
    status *s = split(text, form, memory, &entry);
    for (size_t i = 0; s == NULL && i < *count; i++) {
        int differs =
            form->any_case ? strcasecmp(all[i]->key, entry->key) : strcmp(all[i]->key, entry->key);
        if (differs == 0)
            s = status_new(STATUS_INVALID_ARGUMENT, "--%s: %s is given twice", form->option,
                           entry->key);
    }
    if (s == NULL)
        all[(*count)++] = entry;
    return s;
}

status *pairs_read(const cli_args *args, const pairs_form *form, arena *memory, void **ret,
                   size_t *ret_count)
{
    size_t count = 0;
    text_entry **all = arena_zalloc(memory, (args->given_count + 1) * sizeof(text_entry *));
    status *s = all == NULL ? no_memory() : NULL;
    for (size_t i = 0; s == NULL && i < args->given_count; i++) {
        if (strcmp(args->given[i].option->name, form->option) == 0)
            s = add(args->given[i].value, form, memory, all, &count);
    }
    if (s != NULL)
        return s;
    *ret = (void *) all;
    *ret_count = count;
    return NULL;
}
