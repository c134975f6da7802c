// wire_map - finds duplicate map keys: of a few entries by comparing all, of many by sorting their
// places.
#include "rpc/wire_map.h"

#include "rpc/wire_read.h"

#include <stdlib.h>
#include <string.h>

#define FEW_ENTRIES     32
#define ENTRY_MIN_BYTES 4  // of entries with different keys, on average

static bool entry_name_matches(const char *entry, const char *field)
{
    bool upper = true;
    for (; *field != '\0'; field++) {
        if (*field == '_') {
            upper = true;
            continue;
        }
        char expected = *field;
        if (upper && expected >= 'a' && expected <= 'z') {
            expected = (char) (expected - 'a' + 'A');
        }
        if (*entry++ != expected) {
            return false;
        }
        upper = false;
    }
    return strcmp(entry, "Entry") == 0;
}

bool wire_map_is(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE) {
        return false;
    }
    const ProtobufCMessageDescriptor *entry = field->descriptor;
    return entry->n_fields == 2 && entry->fields[0].id == 1 && entry->fields[1].id == 2 &&
           strcmp(entry->fields[0].name, "key") == 0 &&
           strcmp(entry->fields[1].name, "value") == 0 &&
           entry_name_matches(entry->short_name, field->name);
}

// Yields the entries of one map in turn, as offsets of their lengths; false at the end.
static bool next_entry(slice message, const uint8_t **at, uint32_t id, uint32_t *ret_offset)
{
    const uint8_t *end = message.bytes + message.size;
    wire_field field = {0};
    while (*at != NULL && *at < end) {
        const uint8_t *value = wire_read_tag(*at, end, &field);
        *at = value == NULL ? NULL : wire_read_value(value, end, &field);
        if (*at != NULL && field.id == id &&
            field.wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            *ret_offset = (uint32_t) (value - message.bytes);
            return true;
        }
    }
    return false;
}

// An entry without key has the empty one; of several keys in one entry the last counts.
static slice key_of(slice entry)
{
    slice key = {entry.bytes, 0};
    wire_field field = {0};
    const uint8_t *at = entry.bytes;
    const uint8_t *end = entry.bytes + entry.size;
    while (at < end) {
        at = wire_read_tag(at, end, &field);
        const uint8_t *value = at;
        at = at == NULL ? NULL : wire_read_value(at, end, &field);
        if (at == NULL) {
            break;
        }
        if (field.id == 1) {
            bool varint = field.wire_type == PROTOBUF_C_WIRE_TYPE_VARINT;
            key = varint ? (slice){value, (size_t) (at - value)} : field.bytes;
        }
    }
    return key;
}

// Key of the entry whose length stands at offset.
static slice key_at(slice message, uint32_t offset)
{
    slice entry = {NULL, 0};
    const uint8_t *end = message.bytes + message.size;
    (void) wire_read_bytes(message.bytes + offset, end, &entry);  // read once already
    return key_of(entry);
}

// ---- a few entries ----

// Reads the keys; more than FEW_ENTRIES are not read, only told of.
static size_t read_few_keys(slice message, uint32_t id, slice *ret_keys)
{
    const uint8_t *at = message.bytes;
    uint32_t offset;
    size_t count = 0;
    while (next_entry(message, &at, id, &offset)) {
        if (count == FEW_ENTRIES) {
            return FEW_ENTRIES + 1;
        }
        ret_keys[count++] = key_at(message, offset);
    }
    return count;
}

static bool is_among(slice key, const slice *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].size == key.size &&
            (key.size == 0 || memcmp(keys[i].bytes, key.bytes, key.size) == 0)) {
            return true;
        }
    }
    return false;
}

static wire_map_verdict check_few(const slice *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (is_among(keys[i], keys, i)) {
            return WIRE_MAP_DUPLICATE;
        }
    }
    return WIRE_MAP_UNIQUE;
}

// ---- many ----

static int compare_slices(slice a, slice b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);
    if (order != 0) {
        return order;
    }
    return a.size < b.size ? -1 : a.size > b.size;
}

static int compare_keys(const void *left, const void *right, void *message)
{
    slice a = key_at(*(const slice *) message, *(const uint32_t *) left);
    slice b = key_at(*(const slice *) message, *(const uint32_t *) right);
    return compare_slices(a, b);
}

// Many senders write maps in order of their keys: then nothing has to be sorted.
static bool is_rising(slice message, uint32_t id)
{
    slice last = {NULL, 0};
    const uint8_t *at = message.bytes;
    uint32_t offset;
    for (bool first = true; next_entry(message, &at, id, &offset); first = false) {
        slice key = key_at(message, offset);
        if (!first && compare_slices(last, key) >= 0) {
            return false;
        }
        last = key;
    }
    return true;
}

static size_t count_entries(slice message, uint32_t id)
{
    const uint8_t *at = message.bytes;
    uint32_t offset;
    size_t count = 0;
    while (next_entry(message, &at, id, &offset)) {
        count++;
    }
    return count;
}

static void collect_entries(slice message, uint32_t id, uint32_t *ret_offsets)
{
    const uint8_t *at = message.bytes;
    while (next_entry(message, &at, id, ret_offsets)) {
        ret_offsets++;
    }
}

static bool has_duplicate(slice message, uint32_t *offsets, size_t count)
{
    qsort_r(offsets, count, sizeof *offsets, compare_keys, &message);
    for (size_t i = 1; i < count; i++) {
        if (compare_keys(&offsets[i - 1], &offsets[i], &message) == 0) {
            return true;
        }
    }
    return false;
}

static wire_map_verdict check_many(slice message, uint32_t id)
{
    size_t count = count_entries(message, id);
    // So many entries in so few bytes can not all have different keys; and with this the offsets
    // never take more memory than the message.
    if (message.size / ENTRY_MIN_BYTES < count) {
        return WIRE_MAP_DUPLICATE;
    }
    AUTO_FREE uint32_t *offsets = malloc((count + 1) * sizeof *offsets);
    if (offsets == NULL) {
        return WIRE_MAP_NO_MEMORY;
    }
    collect_entries(message, id, offsets);
    return has_duplicate(message, offsets, count) ? WIRE_MAP_DUPLICATE : WIRE_MAP_UNIQUE;
}

wire_map_verdict wire_map_check(slice message, uint32_t id)
{
    slice keys[FEW_ENTRIES];
    size_t count = read_few_keys(message, id, keys);
    if (count <= FEW_ENTRIES) {
        return check_few(keys, count);
    }
    return is_rising(message, id) ? WIRE_MAP_UNIQUE : check_many(message, id);
}
