"""Times, durations, bytes and JSON values as the server writes and reads them (proto3 JSON)."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Union

Seconds = Union[timedelta, float]
"""A length of time: a timedelta, or a number of seconds."""

MAX_EXACT_INTEGER = 2**53
MAX_NESTING = 90  # messages; the server takes 100, some of which hold the value itself

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def seconds(length: Seconds) -> float:
    """A length of time as a number of seconds."""
    if isinstance(length, str):
        raise TypeError(f"expected a timedelta or a number of seconds, found {length!r}")
    return length.total_seconds() if isinstance(length, timedelta) else float(length)


def duration_text(length: Seconds) -> str:
    """`1.5s`; ValueError for what is no finite length."""
    number = seconds(length)
    if not math.isfinite(number):
        raise ValueError(f"{length!r} is no finite length of time")
    return f"{number:.6f}".rstrip("0").rstrip(".") + "s"


def parse_duration(text: str) -> timedelta:
    """The timedelta of `1.5s`."""
    return timedelta(seconds=float(text[:-1]))


def timestamp_text(moment: datetime) -> str:
    """RFC 3339 in UTC; ValueError for a datetime without a time zone, which could mean any hour."""
    if not isinstance(moment, datetime):
        raise TypeError(f"expected a datetime, found {moment!r}")
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; use datetime.now(timezone.utc)")
    return moment.astimezone(timezone.utc).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_timestamp(text: str) -> datetime:
    """An aware datetime; what is finer than microseconds is cut off."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no RFC 3339 time")
    fields = [int(part) for part in match.groups()[:6]]
    micros = int((match[7] or "").ljust(6, "0")[:6])
    moment = datetime(*fields[:6], micros, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]
    return moment - _offset(match[8])


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    length = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    return length if zone[0] == "+" else -length


def clean_text(text: str) -> str:
    """Text that any message can hold: without NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def bytes_text(body: bytes) -> str:
    """Base64."""
    return base64.b64encode(body).decode("ascii")


def parse_bytes(text: str) -> bytes:
    """The bytes of standard base64."""
    return base64.b64decode(text)


def check_json(value: Any, where: str) -> None:
    """TypeError or ValueError naming the place when the server could not keep `value` as it is."""
    _check(value, where, 0)


def _check(value: Any, where: str, depth: int) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, int):
        if abs(value) > MAX_EXACT_INTEGER:
            raise ValueError(f"{where}: {value} has more digits than JSON keeps; pass it as a str")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}: {value} can not be told in JSON")
    else:
        _check_container(value, where, depth)


def _check_text(text: str, where: str) -> None:
    if "\0" in text:
        raise ValueError(f"{where}: the server takes no NUL in text; pass bytes as base64")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"{where}: half of a surrogate pair is no text")


def _check_container(value: Any, where: str, depth: int) -> None:
    if depth > MAX_NESTING:
        raise ValueError(f"{where}: nested too deeply")
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]", depth + 2)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: key {key!r} is a {type(key).__name__}, not a str")
            _check_text(key, where)
            _check(item, f"{where}[{key!r}]", depth + 3)
    else:
        raise TypeError(
            f"{where}: a {type(value).__name__} is not JSON"
            " (None, bool, int, float, str, list, or dict with str keys)"
        )
