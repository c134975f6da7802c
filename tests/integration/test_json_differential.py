"""Our JSON codec and that of Python's protobuf say the same, over messages made at random."""

import json
import multiprocessing
import multiprocessing.pool
import os
import random
import re
import struct
import subprocess

import pytest
from google.protobuf import duration_pb2, field_mask_pb2, json_format, struct_pb2, symbol_database, timestamp_pb2

import every_type_pb2  # noqa: F401
from errand.v1 import job_service_pb2, queue_service_pb2, server_service_pb2, worker_service_pb2  # noqa: F401
from harness.errandd import BIN
from harness.random_messages import Maker

USED = (duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2)
MESSAGES = 240_000  # in all; some 25 s of processor time
BATCH = 500
PROCESSES = min(4, os.cpu_count() or 1)


class Codec:
    """Our side, a process that converts whole batches."""

    def __init__(self):
        self.process = subprocess.Popen(
            [BIN / "json_batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        names = self.ask([("n", i, b"") for i in range(20)])
        database = symbol_database.Default()
        self.types = [database.GetSymbol(name.decode()) for _, name in names]

    def ask(self, requests):
        asked = b"".join(
            what.encode() + struct.pack("<BI", kind, len(data)) + data
            for what, kind, data in [*requests, ("f", 0, b"")]
        )
        # The answers to a batch are read while it is written: neither pipe may fill up.
        answers = []
        with multiprocessing.pool.ThreadPool(1) as pool:
            written = pool.apply_async(self.write, (asked,))
            for _ in requests:
                verdict, size = struct.unpack("<cI", self.process.stdout.read(5))
                answers.append((verdict == b"y", self.process.stdout.read(size)))
            written.get()
        return answers

    def write(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


REFUSED = object()
REFUSALS = (
    json_format.SerializeToJsonError,
    json_format.ParseError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
)


def python_dict(message, **options):
    """REFUSED: Python can not say it in JSON."""
    try:
        return json_format.MessageToDict(message, **options)
    except REFUSALS:
        return REFUSED


def single(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def agree(ours, theirs):
    """The same JSON, but for the digits of a float beyond those that it has."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(agree(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(agree, ours, theirs))
    if is_number(ours) and is_number(theirs) and ours != theirs:
        return abs(theirs) < 3.4e38 and single(ours) == single(theirs)
    return type(ours) is type(theirs) and ours == theirs or is_number(ours) and is_number(theirs)


def same_bytes(message):
    return message.SerializeToString(deterministic=True)


def are_same(ours, theirs):
    """protobuf-c takes -0.0 for a default that need not be sent."""
    return same_bytes(ours) == same_bytes(theirs) or "-0.0" in str(theirs)


def make_messages(codec, maker, count):
    for _ in range(count):
        kind = int(maker.random.random() * len(codec.types))
        yield kind, maker.fill(codec.types[kind]())


def compare_encoding(codec, maker):
    made = list(make_messages(codec, maker, BATCH))
    answers = codec.ask([("e", kind, message.SerializeToString()) for kind, message in made])
    for (kind, message), (ours, text) in zip(made, answers):
        theirs = python_dict(message)
        if theirs is REFUSED or not ours:
            assert theirs is REFUSED and not ours, (message, text, theirs)
            continue
        assert agree(json.loads(text), theirs), (message, text, theirs)
        back = json_format.Parse(text, codec.types[kind]())
        assert are_same(message, back), (message, text, back)


def text_of(maker, tree):
    return json.dumps(
        tree, ensure_ascii=maker.random.random() < 0.5, indent=maker.one_of([None, None, 2])
    ).encode()


def compare_decoding(codec, maker):
    made = []
    for kind, message in make_messages(codec, maker, BATCH):
        proto_names = maker.random.random() < 0.3
        tree = python_dict(message, preserving_proto_field_name=proto_names)
        if tree is not REFUSED:
            made.append((kind, message, text_of(maker, tree)))
    answers = codec.ask([("d", kind, text) for kind, _, text in made])
    for (kind, message, text), (ours, data) in zip(made, answers):
        assert ours, (message, text, data)
        back = codec.types[kind].FromString(data)
        again = json_format.Parse(text, codec.types[kind]())
        assert are_same(back, again), (text, back, again)


def compare_verdicts(codec, maker):
    made = []
    for kind, message in make_messages(codec, maker, BATCH):
        tree = python_dict(message)
        if tree is not REFUSED:
            made.append((kind, text_of(maker, maker.spoil(tree))))
    compare_answers(codec, made)


def compare_answers(codec, made):
    """Both refuse, or both take it for the same message."""
    answers = codec.ask([("d", kind, text) for kind, text in made])
    for (kind, text), (ours, data) in zip(made, answers):
        try:
            theirs = json_format.Parse(text, codec.types[kind]())
        except REFUSALS as error:
            assert not ours, (codec.types[kind], text, error)
            continue
        if ours:
            back = codec.types[kind].FromString(data)
            assert are_same(back, theirs), (text, back, theirs)
        else:
            assert is_stricter(data.decode()), (codec.types[kind], text, data)


# Where we refuse what Python lets pass: it takes anything empty for a message, cuts enums to 32
# bits, reads numbers out of strings for them, skips what is no base64 and counts true as 1; it has
# an infinity for numbers that are too large. It reads numbers, Durations and Timestamps as Python's
# int() and strptime() do: with _ and spaces within, leading zeros, one digit for two, digits beyond
# the ninth. A string of ours can not hold NUL, and a bare integer beyond 2^53 may have lost its
# last digits.
STRICTER = re.compile(
    r"expected an object, found (\"\"|a list)|a string can not hold NUL|expected a name, found|"
    r"expected the name of a \w+, found \"-?\d+\"|expected base64, found|expected a number of at most|"
    r"expected a number(?: of single precision)?, found (true|false)|as a string\), found -?\d{16,20}\b|"
    r"expected a (?:whole number|number|duration)[^\"]*(?:\"1\.5s\", )?[^\"]*found \"(?:[^\"]*[_\s][^\"]*|-?0\d[^\"]*)\"|"
    r"expected a duration in seconds such as \"1\.5s\", found \"-?\d+\.\d{10,}s\"|"
    r"expected an RFC 3339 time [^,]*, found \"(?:[^\"]*[-T:]\d(?!\d)[^\"]*|[^\"]*[_\s][^\"]*)\"|"
    r"expected field names in lowerCamelCase, separated by commas, found \"(?:,|[^\"]*,,|[^\"]*,\")"
)


def is_stricter(reason):
    return STRICTER.search(reason) is not None


def compare_mutations(codec, maker):
    """Texts with a few bytes wrong: most are no JSON any more, or no message."""
    made = []
    for kind, message in make_messages(codec, maker, BATCH):
        tree = python_dict(message)
        if tree is not REFUSED:
            made.append((kind, maker.mutate(text_of(maker, tree))))
    compare_answers(codec, made)


def fresh_seed():
    return int(os.environ.get("ERRAND_TEST_SEED", int.from_bytes(os.urandom(4), "big")))


def run(arguments):
    compare, seed, share = arguments
    maker = Maker(random.Random(seed))
    codec = Codec()
    count = 0
    try:
        while count < share:
            compare(codec, maker)
            count += BATCH
    except AssertionError as error:
        return count, f"seed {seed}: {str(error)[:4000]}"
    codec.close()
    return count, None


KINDS = [compare_encoding, compare_decoding, compare_verdicts, compare_mutations]


@pytest.mark.parametrize("compare", KINDS)
def test_both_codecs_agree(compare, capsys):
    """ERRAND_TEST_SEED=N repeats a run."""
    seed = fresh_seed()
    share = MESSAGES // len(KINDS) // PROCESSES
    with multiprocessing.Pool(PROCESSES) as pool:
        found = pool.map(run, [(compare, seed + i, share) for i in range(PROCESSES)])
    count = sum(done for done, _ in found)
    with capsys.disabled():
        print(f"\n{compare.__name__}: {count} messages, ERRAND_TEST_SEED={seed}")
    assert [wrong for _, wrong in found if wrong] == []
    assert count >= MESSAGES // len(KINDS)
