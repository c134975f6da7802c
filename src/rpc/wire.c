// wire - the walk over a stranger's bytes.
//
// protobuf-c's own decoder recurses as deep as the sender likes, cuts strings at NUL, takes any
// bytes for UTF-8 and keeps duplicate map keys. So messages are walked by this one, which fills
// protobuf-c's structures as it goes where they are wanted. The walk carries nothing along for its
// error messages: only a refusal looks back for the path.
#include "rpc/wire.h"

#include "base/field_type.h"
#include "base/utf8.h"
#include "rpc/wire_map.h"
#include "rpc/wire_walk.h"

#include <stdbool.h>
#include <string.h>

#define PATH_MAX_BYTES 4096
#define PATH_LEVELS    12  // deeper ones are left out of the path
#define SEEN_BITS      64  // fields of one message that the walk can remember

// Where the walk is in one message; levels below point back to the ones above.
typedef struct level {
    const struct level *parent;
    const ProtobufCMessageDescriptor *descriptor;
    const uint8_t *start;
    const uint8_t *end;
    const uint8_t *tag;                     // of the field under the walk
    const ProtobufCFieldDescriptor *field;  // NULL: unknown to us
    ProtobufCMessage *into;                 // what is filled; NULL: nothing is
    wire_room *room;
    unsigned depth;
    uint64_t seen;   // message fields, by index
    uint64_t again;  // those that came more than once: keys of maps have to be compared
} level;

static status *walk(level *here);

// ---- refusals ----

// How many elements of the field under the walk came before it.
static unsigned element_index(const level *here)
{
    unsigned index = 0;
    wire_field field = {0};
    const uint8_t *at = here->start;
    while (at != NULL && at < here->tag) {
        at = wire_read_field(at, here->end, &field);
        index += field.id == here->field->id;
    }
    return index;
}

static void append_path(const level *here, buf *path)
{
    if (here == NULL || here->field == NULL) {
        return;
    }
    append_path(here->parent, path);
    if (here->depth >= PATH_LEVELS) {
        (void) buf_append_text(path, here->depth == PATH_LEVELS ? "..." : "");
        return;
    }
    (void) buf_append_format(path, "%s%s", path->size == 0 ? "" : ".", here->field->name);
    if (here->field->label == PROTOBUF_C_LABEL_REPEATED) {
        (void) buf_append_format(path, "[%u]", element_index(here));
    }
}

static const char *top_name(const level *here)
{
    while (here->parent != NULL) {
        here = here->parent;
    }
    return here->descriptor->short_name;
}

static status *refuse(const level *here, const char *problem)
{
    const level *named = here->field == NULL ? here->parent : here;
    AUTO_BUF path;
    buf_init(&path, PATH_MAX_BYTES);
    append_path(named, &path);
    const char *text = path.size == 0 ? NULL : buf_text(&path);
    if (text == NULL) {
        return status_new(STATUS_INVALID_ARGUMENT, "%s %s", top_name(here), problem);
    }
    return status_bad_field(text, "%s", problem);
}

// ---- values ----

static bool packed_is_sound(ProtobufCType type, slice packed)
{
    if (field_wire_type(type) != PROTOBUF_C_WIRE_TYPE_VARINT) {
        return packed.size % field_types[type].in_memory == 0;
    }
    const uint8_t *at = packed.bytes;
    const uint8_t *end = at + packed.size;
    uint64_t value;
    while (at != NULL && at < end) {
        at = wire_read_varint(at, end, WIRE_VARINT_BYTES, &value);
    }
    return at != NULL;
}

static status *check_packed(const level *here, slice packed)
{
    if (packed_is_sound(here->field->type, packed)) {
        return NULL;
    }
    return refuse(here, "has damaged packed numbers");
}

static status *no_room(void)
{
    return status_new(STATUS_RESOURCE_EXHAUSTED, "out of memory");
}

// What is left of a message, with the field under the walk.
static slice from_tag(const level *here)
{
    return (slice){here->tag, (size_t) (here->end - here->tag)};
}

static status *walk_below(const level *here, slice encoded)
{
    if (here->depth >= WIRE_MAX_DEPTH) {
        return refuse(here, "is nested too deeply");
    }
    level below = {
        .parent = here,
        .descriptor = here->field->descriptor,
        .start = encoded.bytes,
        .end = encoded.bytes + encoded.size,
        .room = here->room,
        .depth = here->depth + 1,
    };
    if (here->into != NULL) {
        below.into = wire_fill_message(here->into, here->field, from_tag(here), here->room);
    }
    return here->into != NULL && below.into == NULL ? no_room() : walk(&below);
}

const char *wire_text_problem(const uint8_t *bytes, size_t size)
{
    if (utf8_is_plain(bytes, size)) {
        return NULL;
    }
    if (size > 0 && memchr(bytes, 0, size) != NULL) {
        return "contains a NUL character";
    }
    return utf8_valid(bytes, size) ? NULL : "is not valid UTF-8";
}

static status *check_counted(const level *here, slice bytes)
{
    if (here->field->type != PROTOBUF_C_TYPE_STRING) {
        return NULL;
    }
    const char *problem = wire_text_problem(bytes.bytes, bytes.size);
    return problem == NULL ? NULL : refuse(here, problem);
}

static status *check_value(const level *here, const wire_field *value)
{
    ProtobufCType type = here->field->type;
    bool counted = field_is_counted(type);
    if (value->wire_type == field_wire_type(type)) {
        return counted ? check_counted(here, value->bytes) : NULL;
    }
    if (here->field->label == PROTOBUF_C_LABEL_REPEATED && !counted &&
        value->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        return check_packed(here, value->bytes);
    }
    return refuse(here, "has another type than declared");
}

static status *take_value(const level *here, const wire_field *value)
{
    status *failure = check_value(here, value);
    if (failure != NULL || here->into == NULL) {
        return failure;
    }
    bool filled = wire_fill_value(here->into, here->field, value, from_tag(here), here->room);
    return filled ? NULL : no_room();
}

static status *take_unknown(const level *here, const wire_field *field, slice value)
{
    if (here->into == NULL) {
        return NULL;
    }
    bool kept = wire_fill_unknown(here->into, field, value, from_tag(here), here->room);
    return kept ? NULL : no_room();
}

// ---- fields that come again ----

// protobuf-c loses fields when it merges a message with an earlier one, and no encoder writes a
// single one twice: so that is refused. The bits of far apart fields may fall together.
static status *note_message(level *here)
{
    size_t index = (size_t) (here->field - here->descriptor->fields);
    uint64_t bit = UINT64_C(1) << (index % SEEN_BITS);
    bool again = (here->seen & bit) != 0;
    here->seen |= bit;
    here->again |= again ? bit : 0;
    bool single = here->field->label != PROTOBUF_C_LABEL_REPEATED;
    if (again && single && element_index(here) > 0) {
        return refuse(here, "is there twice");
    }
    return NULL;
}

static status *take_message(level *here, const wire_field *value)
{
    status *failure = note_message(here);
    if (failure == NULL && value->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        failure = refuse(here, "has another type than declared");
    }
    return failure != NULL ? failure : walk_below(here, value->bytes);
}

static status *check_map(level *here, const ProtobufCFieldDescriptor *map)
{
    slice message = {here->start, (size_t) (here->end - here->start)};
    switch (wire_map_check(message, map->id)) {
    case WIRE_MAP_UNIQUE:
        return NULL;
    case WIRE_MAP_NO_MEMORY:
        return no_room();
    case WIRE_MAP_DUPLICATE:
        break;
    }
    here->field = map;
    here->tag = here->start;
    return refuse(here, "has a duplicate key");
}

static status *check_maps(level *here)
{
    for (unsigned i = 0; here->again != 0 && i < here->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &here->descriptor->fields[i];
        if ((here->again >> (i % SEEN_BITS) & 1) == 0 || !wire_map_is(field)) {
            continue;
        }
        status *failure = check_map(here, field);
        if (failure != NULL) {
            return failure;
        }
    }
    return NULL;
}

// ---- the walk ----

// Fields mostly come in the order of the descriptor, repeated ones in a row.
static const ProtobufCFieldDescriptor *find_field(const level *here, uint32_t id)
{
    const ProtobufCFieldDescriptor *fields = here->descriptor->fields;
    size_t count = here->descriptor->n_fields;
    size_t guess = here->field == NULL ? 0 : (size_t) (here->field - fields);
    for (size_t i = guess; i < guess + 2 && i < count; i++) {
        if (fields[i].id == id) {
            return &fields[i];
        }
    }
    return protobuf_c_message_descriptor_get_field(here->descriptor, id);
}

static status *walk_field(level *here, const uint8_t **at)
{
    wire_field value = {0};
    here->tag = *at;
    const uint8_t *behind_tag = wire_read_tag(*at, here->end, &value);
    if (behind_tag == NULL) {
        here->field = NULL;
        return refuse(here, "has a damaged field number");
    }
    here->field = find_field(here, value.id);
    *at = wire_read_value(behind_tag, here->end, &value);
    if (*at == NULL) {
        return refuse(here, "is cut off or of a type that can not be read");
    }
    if (here->field == NULL) {
        return take_unknown(here, &value, (slice){behind_tag, (size_t) (*at - behind_tag)});
    }
    if (here->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return take_message(here, &value);
    }
    return take_value(here, &value);
}

static status *walk(level *here)
{
    const uint8_t *at = here->start;
    while (at != NULL && at < here->end) {
        status *failure = walk_field(here, &at);
        if (failure != NULL) {
            return failure;
        }
    }
    return check_maps(here);
}

status *wire_walk(const ProtobufCMessageDescriptor *descriptor, slice encoded,
                  ProtobufCMessage *into, wire_room *room)
{
    if (encoded.size == 0) {
        return NULL;
    }
    level top = {.descriptor = descriptor,
                 .start = encoded.bytes,
                 .end = encoded.bytes + encoded.size,
                 .into = into,
                 .room = room};
    return walk(&top);
}

status *wire_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size)
{
    return wire_walk(descriptor, (slice){bytes, size}, NULL, NULL);
}
