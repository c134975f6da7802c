"""Calls without a network: a flow is a generator that yields what it wants done (send this,
sleep so long) and gets the answer back. The two clients differ only in who drives it.

So deadlines, repeats, backoff and waiting are written and tested once."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Callable, TypeVar, Union
from urllib.parse import quote, urlencode

from .errors import (
    CallError,
    Code,
    DeadlineExceeded,
    Status,
    Unavailable,
    call_error,
    violations_from,
)

T = TypeVar("T")

MIN_BACKOFF = 0.05  # seconds
MAX_BACKOFF = 5.0
MAX_TIMEOUT = 1e6  # that sockets take; float("inf") means it, too


@dataclass(frozen=True)
class Request:
    """One HTTP request; `target` is path and query."""

    method: str
    target: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """One HTTP response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body; Unavailable when it is no JSON, for then it is not the gateway's."""
        try:
            return json.loads(self.body)
        except ValueError:
            message = f"the answer is no JSON: {self.body[:200]!r}"
            raise Unavailable(Status(Code.UNAVAILABLE, message)) from None


@dataclass(frozen=True)
class Broken:
    """There was no response. `timed_out`: not in the time given."""

    reason: str
    timed_out: bool = False


@dataclass(frozen=True)
class Send:
    """Wanted: the Reply to this request, or Broken, within `timeout` seconds."""

    request: Request
    timeout: float


@dataclass(frozen=True)
class Sleep:
    """Wanted: nothing, for so many seconds."""

    seconds: float


Effect = Union[Send, Sleep]
Answer = Union[Reply, Broken, None]
Flow = Generator[Effect, Answer, T]


class Deadline:
    """A time on the monotonic clock."""

    def __init__(self, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.timeout = timeout
        self._clock = clock
        self._end = clock() + min(timeout, MAX_TIMEOUT)

    def left(self) -> float:
        """Seconds left; negative when it is over."""
        return self._end - self._clock()

    def error(self, what: str) -> DeadlineExceeded:
        """What is raised when it is over."""
        return DeadlineExceeded(Status(Code.DEADLINE_EXCEEDED, f"{what} after {self.timeout:g} s"))


def request(
    method: str,
    path: str,
    body: Any = None,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """A request with a JSON body; query parameters that are None are left out."""
    pairs = {name: value for name, value in (query or {}).items() if value is not None}
    target = path + ("?" + urlencode(pairs) if pairs else "")
    fields = dict(headers or {})
    if body is None:
        return Request(method, target, None, fields)
    fields["Content-Type"] = "application/json"
    return Request(method, target, encode(body), fields)


def encode(body: Any) -> bytes:
    """JSON without spaces."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


# Statuses of answers that are not the gateway's own, from a proxy before it for instance.
_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    409: Code.ALREADY_EXISTS,
    413: Code.RESOURCE_EXHAUSTED,
    429: Code.RESOURCE_EXHAUSTED,
    501: Code.UNIMPLEMENTED,
    502: Code.UNAVAILABLE,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


def error_of(reply: Reply) -> CallError:
    """The exception of a reply with an error status (application/problem+json)."""
    try:
        problem = json.loads(reply.body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": f"HTTP status {reply.status}"}
    code = Code.named(problem["code"]) if "code" in problem else _CODES.get(reply.status)
    message = str(problem.get("detail") or problem.get("title") or "")
    violations = violations_from(problem.get("violations"))
    return call_error(Status(code or Code.UNKNOWN, message, violations, _retry_after(reply)))


def _retry_after(reply: Reply) -> timedelta | None:
    text = reply.headers.get("retry-after", "")
    return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() else None


class Backoff:
    """Exponential, with full jitter above a tenth."""

    def __init__(self, uniform: Callable[[], float] = random.random) -> None:
        self._bound = MIN_BACKOFF
        self._uniform = uniform

    def next(self) -> float:
        """Seconds until the next try."""
        bound, self._bound = self._bound, min(MAX_BACKOFF, self._bound * 2)
        return bound * (0.1 + 0.9 * self._uniform())


def send(
    wanted: Request,
    deadline: Deadline,
    repeats: list[Any] | None = None,
    patience: float = MAX_TIMEOUT,
) -> Flow[Reply]:
    """The reply to a request. It is repeated while there is no connection or the server says
    UNAVAILABLE, until the deadline; each failure is appended to `repeats`. CallError otherwise.
    `patience`: seconds without an answer after which the connection is taken to be dead."""
    backoff = Backoff()
    failure: CallError | None = None
    while True:
        if deadline.left() <= 0:
            raise failure or deadline.error("no answer")
        left = deadline.left()
        answer = yield Send(wanted, min(left, patience))
        if isinstance(answer, Broken) and answer.timed_out and patience < left:
            answer = Broken(answer.reason)
        failure = _failure(answer, deadline)
        if failure is None:
            assert isinstance(answer, Reply)
            return answer
        if not isinstance(failure, Unavailable):
            raise failure
        if repeats is not None:
            repeats.append(failure)
        pause = backoff.next()
        if failure.retry_delay is not None:
            pause = max(pause, failure.retry_delay.total_seconds())
        if pause >= deadline.left():
            raise failure
        yield Sleep(pause)


def _failure(answer: Answer, deadline: Deadline) -> CallError | None:
    if isinstance(answer, Broken):
        if answer.timed_out:
            return deadline.error("no answer")
        return Unavailable(Status(Code.UNAVAILABLE, answer.reason))
    assert answer is not None
    return error_of(answer) if answer.status >= 400 else None


def call(wanted: Request, deadline: Deadline, parse: Callable[[Any], T]) -> Flow[T]:
    """send, and what `parse` makes of the JSON that came."""
    reply = yield from send(wanted, deadline)
    return parse(reply.json())
