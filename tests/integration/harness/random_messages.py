"""Messages made at random from their descriptors, and JSON that is nearly right."""

import math
import struct

from google.protobuf.descriptor import FieldDescriptor as Field

MAX_DEPTH = 4
# No -0.0: protobuf-c takes it for a default that need not be sent.
TEXTS = ["", "a", "x y", "grüße", "日本語", "🎉", '"\\/\b\f\n\r\t', "\x01\x1f\x7f", "</script>", "\u2028", "null"]
INTEGERS = [0, 1, -1, 2, 7, 127, 128, 255, 1000, 2**31 - 1, -(2**31), 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
REALS = [0.0, 1.0, -1.5, 0.1, 1e-7, 1e15, 1e16, 1.7976931348623157e308, 5e-324, 1 / 3, 2.0**53]
SPECIAL = [math.inf, -math.inf, math.nan]
PATHS = ["a", "foo_bar", "a.b_c", "x.y.z", "max_depth"]

# JSON values that are wrong in most places, and right in some. No "1e2": the mapping lets it stand
# for an integer, Python does not.
ODD = [
    None, True, False, 0, 1, -1, 1.5, 1e3, 1e300, 2**31, -(2**31) - 1, 2**32, 2**53 + 2, 2**63, 2**64, 10**30,
    "", "x", "1", "-1", "1.5", "true", "NaN", "-Infinity", "1s", "1.5s", "-0.000000001s", "1970-01-01T00:00:00Z",
    "2024-02-30T00:00:00Z", "2024-02-29T23:59:59.123456789+01:30", "AA==", "AAA", "_-8", "A", "RED", "SUCCEEDED",
    "fooBar,baz", "foo_bar", [], {}, [None], [[]], [1, "x"], {"a": 1}, {"a": None}, {"1": True}, {"true": {}}, "\u0000",
]  # fmt: skip

PIECES = [
    b"", b"", b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u0000", b"\\ud83d", b"\\udc00", b"\\/", b"\\x", b"null",
    b"true", b"0", b"9", b"-", b"1", b" ", b"\n", b"\t", b"\x00", b"\x1f", b"\x7f", b"\xff", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b'"a":1', b",,", b"/**/", b"a", b"Z", b"_", b"{}", b"[]", b"'",
]  # fmt: skip


def from_bits(kind, bits):
    """Any number that a float or a double can hold. JSON has one NaN only."""
    packed = struct.pack("<Q", bits)[: struct.calcsize(kind)]
    value = struct.unpack("<" + kind, packed)[0]
    return math.nan if math.isnan(value) else value


class Maker:
    def __init__(self, random):
        self.random = random

    def one_of(self, values):
        return values[int(self.random.random() * len(values))]

    def integer(self, low, high):
        if self.random.random() < 0.5:
            return self.random.randint(low, high)
        return min(max(self.one_of(INTEGERS), low), high)

    def real(self):
        chance = self.random.random()
        if chance < 0.1:
            return self.one_of(SPECIAL)
        if chance < 0.5:
            return self.one_of(REALS)
        if chance < 0.75:
            return round(self.random.uniform(-1000, 1000), 3) + 0.0
        return from_bits("d", self.random.getrandbits(64))

    def single(self):
        if self.random.random() < 0.5:
            return from_bits("f", self.random.getrandbits(32))
        return struct.unpack("<f", struct.pack("<f", round(self.random.uniform(-99, 99), 2) + 0.0))[0]

    def text(self):
        if self.random.random() < 0.8:
            return self.one_of(TEXTS)
        return "".join(chr(self.one_of([65, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFD, 0x10FFFF])) for _ in range(5))

    def octets(self):
        return self.random.randbytes(self.one_of([0, 1, 2, 3, 4, 5, 30]))

    def scalar(self, field):
        kind = field.cpp_type
        if kind == Field.CPPTYPE_INT32:
            return self.integer(-(2**31), 2**31 - 1)
        if kind == Field.CPPTYPE_INT64:
            return self.integer(-(2**63), 2**63 - 1)
        if kind == Field.CPPTYPE_UINT32:
            return self.integer(0, 2**32 - 1)
        if kind == Field.CPPTYPE_UINT64:
            return self.integer(0, 2**64 - 1)
        if kind == Field.CPPTYPE_DOUBLE:
            return self.real()
        if kind == Field.CPPTYPE_FLOAT:
            return self.single()
        if kind == Field.CPPTYPE_BOOL:
            return self.random.random() < 0.5
        if kind == Field.CPPTYPE_ENUM:
            known = self.one_of(field.enum_type.values).number
            return known if self.random.random() < 0.9 else self.integer(-(2**31), 2**31 - 1)
        return self.octets() if field.type == Field.TYPE_BYTES else self.text()

    def fill(self, message, depth=0):
        descriptor = message.DESCRIPTOR
        special = getattr(self, "fill_" + descriptor.name, None)
        if special is not None and descriptor.full_name.startswith("google.protobuf."):
            special(message, depth)
            return message
        fields = descriptor.fields
        chance = min(1.0, 3 / max(len(fields), 1))
        for field in fields:
            if self.random.random() < chance:
                self.fill_field(message, field, depth)
        return message

    def fill_field(self, message, field, depth):
        if field.message_type is not None and depth >= MAX_DEPTH:
            return
        if field.label != Field.LABEL_REPEATED:
            if field.message_type is None:
                setattr(message, field.name, self.scalar(field))
            else:
                child = getattr(message, field.name)
                child.SetInParent()
                self.fill(child, depth + 1)
            return
        count = self.one_of([0, 1, 1, 2, 3])
        values = getattr(message, field.name)
        entry = field.message_type
        is_map = entry is not None and entry.GetOptions().map_entry
        for _ in range(count):
            if is_map:
                self.add_entry(values, entry, depth)
            elif entry is not None:
                self.fill(values.add(), depth + 1)
            else:
                values.append(self.scalar(field))

    def add_entry(self, values, entry, depth):
        key = self.scalar(entry.fields_by_name["key"])
        value = entry.fields_by_name["value"]
        if value.message_type is not None:
            self.fill(values[key], depth + 1)
        else:
            values[key] = self.scalar(value)

    # ---- google.protobuf ----

    def fill_Timestamp(self, message, _):
        beyond = self.random.random() < 0.03
        message.seconds = self.integer(-62135596800 - beyond, 253402300799 + beyond)
        message.nanos = self.one_of([0, 0, 1000000, 123000, 999999999, 5])

    def fill_Duration(self, message, _):
        message.seconds = self.integer(-315576000000, 315576000000)
        nanos = self.one_of([0, 0, 1000000, 123000, 5, 999999999])
        message.nanos = -nanos if message.seconds < 0 else nanos
        if abs(message.seconds) == 315576000000:
            message.nanos = 0

    def fill_FieldMask(self, message, _):
        for _ in range(self.one_of([0, 1, 2])):
            message.paths.append(self.one_of(PATHS))

    def fill_Value(self, message, depth):
        kind = int(self.random.random() * (6 if depth < MAX_DEPTH else 4))
        if kind == 0:
            message.null_value = 0
        elif kind == 1:
            value = self.real()
            message.number_value = value if math.isfinite(value) else 0
        elif kind == 2:
            message.string_value = self.text()
        elif kind == 3:
            message.bool_value = self.random.random() < 0.5
        elif kind == 4:
            self.fill_Struct(message.struct_value, depth + 1)
        else:
            self.fill_ListValue(message.list_value, depth + 1)

    def fill_Struct(self, message, depth):
        message.SetInParent()
        for _ in range(self.one_of([0, 1, 2])):
            self.fill_Value(message.fields[self.text()], depth + 1)

    def fill_ListValue(self, message, depth):
        message.SetInParent()
        for _ in range(self.one_of([0, 1, 2])):
            self.fill_Value(message.values.add(), depth + 1)

    # ---- JSON that is nearly right ----

    def mutate(self, text):
        """Bytes with one to three small changes."""
        for _ in range(self.one_of([1, 1, 2, 3])):
            at = int(self.random.random() * (len(text) + 1))
            end = at + self.one_of([0, 0, 1, 1, 2, 8])
            piece = self.one_of(PIECES) if self.random.random() < 0.7 else text[at : end + 3]
            text = text[:at] + piece + text[end:]
        return text

    def spoil(self, tree):
        """A copy with one thing changed."""
        if isinstance(tree, dict) and tree and self.random.random() < 0.8:
            key = self.one_of(list(tree))
            chance = self.random.random()
            if chance < 0.1:
                return {**tree, self.one_of(["unknown", "@type", "", "queue_name"]): self.one_of(ODD)}
            if chance < 0.2:
                return {(key.upper() if name == key else name): value for name, value in tree.items()}
            return {**tree, key: self.spoil(tree[key])}
        if isinstance(tree, list) and tree and self.random.random() < 0.8:
            at = int(self.random.random() * len(tree))
            return tree[:at] + [self.spoil(tree[at])] + tree[at + 1 :]
        return self.one_of(ODD)
