"""Callbacks: whether they are genuine (Standard Webhooks 1.0), and what they tell."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from ._encoding import Seconds, seconds
from .errors import Error
from .models import JobInfo

TOLERANCE = timedelta(minutes=5)

_TIMESTAMP = re.compile(r"\d{1,11}", re.ASCII)  # no more than a datetime can tell


class InvalidSignature(Error):
    """The callback is not from who shares the secret, or it is too old. Answer 401 or 403."""


@dataclass(frozen=True)
class CallbackEvent:
    """What a callback of format EVENT tells. `id` stays the same when it is delivered again."""

    id: str
    type: str
    timestamp: datetime
    job: JobInfo


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is whsec_ and base64") from None


def sign(payload: bytes, id: str, timestamp: int, secret: str) -> str:
    """The value of webhook-signature for a payload (`timestamp`: Unix seconds)."""
    content = f"{id}.{timestamp}.".encode() + payload
    digest = hmac.new(_key(secret), content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _headers(headers: Mapping[str, str]) -> tuple[str, int, list[str]]:
    found = {name.lower(): value for name, value in headers.items()}
    try:
        moment = found["webhook-timestamp"]
        if _TIMESTAMP.fullmatch(moment) is None:
            raise InvalidSignature("webhook-timestamp is no number of seconds")
        return found["webhook-id"], int(moment), found["webhook-signature"].split(" ")
    except KeyError as missing:
        raise InvalidSignature(f"the header {missing.args[0]} is missing") from None


def check(
    payload: bytes,
    headers: Mapping[str, str],
    secrets: str | Iterable[str],
    tolerance: Seconds = TOLERANCE,
    now: float | None = None,
) -> str:
    """The webhook-id of a genuine request; InvalidSignature otherwise.

    `payload`: the body as it came, byte for byte. `secrets`: one, or several while they are
    rotated; any of them will do. `tolerance`: how far its time may be from `now` (Unix seconds)."""
    id, timestamp, signatures = _headers(headers)
    if abs((time.time() if now is None else now) - timestamp) > seconds(tolerance):
        raise InvalidSignature("webhook-timestamp is too far from now")
    genuine = False
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        wanted = sign(payload, id, timestamp, secret).encode()
        for signature in signatures:  # all of them, each in constant time
            genuine |= hmac.compare_digest(wanted, signature.encode("utf-8", "replace"))
    if not genuine:
        raise InvalidSignature("no signature fits")
    return id


def verify(
    payload: bytes,
    headers: Mapping[str, str],
    secrets: str | Iterable[str],
    tolerance: Seconds = TOLERANCE,
    now: float | None = None,
) -> CallbackEvent:
    """The event of a genuine callback; see check. ValueError if the body is no event of Errand."""
    id = check(payload, headers, secrets, tolerance, now)
    body: Any = json.loads(payload)
    try:
        job = JobInfo.from_json(body["data"]["job"])
        moment = datetime.fromtimestamp(_headers(headers)[1], timezone.utc)
        return CallbackEvent(id, body["type"], moment, job)
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no event of Errand: {error!r}") from None
