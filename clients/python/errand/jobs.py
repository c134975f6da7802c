"""Jobs to be submitted: what they are to do, and the options that all of them take."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Callable, Generic, TypedDict, TypeVar, Union

from ._encoding import Seconds, bytes_text, check_json, duration_text, timestamp_text
from .models import ExecResult, HttpResult, State

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .handles import AsyncJob, Job

    JobRef = Union[str, Job[Any], AsyncJob[Any]]
    """A job by its id or its handle."""


@dataclass(frozen=True)
class Retry:
    """When failed attempts are repeated: after a random time between 0 and
    min(max_backoff, min_backoff * multiplier ** (n - 1)) for the n-th retry. None: the server's
    default (10 attempts, 1 s, 10 min, 2). `max_attempts` counts the first one too."""

    max_attempts: int | None = None
    min_backoff: Seconds | None = None
    max_backoff: Seconds | None = None
    multiplier: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The policy as the server reads it."""
        lengths = {"minBackoff": self.min_backoff, "maxBackoff": self.max_backoff}
        numbers = {"maxAttempts": self.max_attempts, "multiplier": self.multiplier}
        body: dict[str, Any] = {name: n for name, n in numbers.items() if n is not None}
        body.update({name: duration_text(d) for name, d in lengths.items() if d is not None})
        return body


@dataclass(frozen=True)
class Callback:
    """An HTTP POST made when the job ends in one of `on` (default: any final state).

    `format`: `EVENT` (a JSON event, signed when there is a `secret`, `whsec_...`, or a
    `secret_name` of the server's configuration) or `RAW` (the result's own bytes)."""

    url: str
    headers: Mapping[str, str] | None = None
    on: Iterable[State | str] | None = None
    format: str | None = None
    secret: str | None = None
    secret_name: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The callback as the server reads it."""
        texts = {"format": self.format, "secret": self.secret, "secretName": self.secret_name}
        body: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
        body["url"] = self.url
        if self.headers is not None:
            body["headers"] = dict(self.headers)
        if self.on is not None:
            body["on"] = [State(state).value for state in _several(self.on)]
        return body


def _several(values: Iterable[Any]) -> Iterable[Any]:
    """A text is one value, though its letters could be iterated over."""
    return [values] if isinstance(values, str) else values


class JobOptions(TypedDict, total=False):
    """What any job may be told. Lengths of time are timedeltas or seconds, times are aware."""

    id: str
    """A UUID of your own. Submitting the same job with the same id again gives the first one."""
    queue: str
    """Default: `default`."""
    priority: int
    """-100 to 100; higher runs sooner within its queue."""
    delay: Seconds
    """Not before this long from now."""
    schedule_time: datetime
    """Not before this time. Not together with delay."""
    attempt_timeout: Seconds
    """Longest time of one attempt. Default: 60 s for HTTP calls, 15 min for others."""
    expire_time: datetime
    """A job not started by then ends EXPIRED."""
    retry: Retry
    max_attempts: int
    """Short for retry=Retry(max_attempts=...); wins over the one in retry."""
    retention: Seconds
    """How long the finished job is kept. Default: 24 h."""
    unique_key: str
    """While an unfinished job of the queue has this key, that one is what you get."""
    concurrency_key: str
    """At most the queue's max_per_key jobs of one key run at once."""
    after: Iterable[JobRef]
    """Jobs that must have succeeded before."""
    callback: Callback | str
    """Made when the job ends; a plain URL is Callback(url)."""
    labels: Mapping[str, str]
    """For filtering; at most 32."""


def _callback_json(callback: Callback | str) -> dict[str, Any]:
    return (Callback(callback) if isinstance(callback, str) else callback).to_json()


def job_id(job: JobRef) -> str:
    """The id of a job or handle."""
    return job if isinstance(job, str) else job.id


# option -> its name in JSON, and what makes its JSON.
_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "id": ("id", str),
    "queue": ("queue", str),
    "priority": ("priority", operator.index),
    "delay": ("delay", duration_text),
    "schedule_time": ("scheduleTime", timestamp_text),
    "attempt_timeout": ("attemptTimeout", duration_text),
    "expire_time": ("expireTime", timestamp_text),
    "retry": ("retry", Retry.to_json),
    "retention": ("retention", duration_text),
    "unique_key": ("uniqueKey", str),
    "concurrency_key": ("concurrencyKey", str),
    "after": ("after", lambda jobs: [job_id(job) for job in _several(jobs)]),
    "callback": ("callback", _callback_json),
    "labels": ("labels", dict),
}


def _encoded(name: str, encode: Callable[[Any], Any], value: Any) -> Any:
    """The JSON of an option; what is wrong with it is told with its name."""
    try:
        return encode(value)
    except (TypeError, AttributeError) as error:
        raise TypeError(f"{name}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def options_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as members of a job; those that are None are left out, unknown ones a TypeError."""
    body: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OPTIONS and name != "max_attempts":
            raise TypeError(f"there is no job option {name!r}")
        if value is not None and name in _OPTIONS:
            key, encode = _OPTIONS[name]
            body[key] = _encoded(name, encode, value)
    if options.get("max_attempts") is not None:
        attempts = _encoded("max_attempts", operator.index, options["max_attempts"])
        body["retry"] = {**body.get("retry", {}), "maxAttempts": attempts}
    return body


R = TypeVar("R", covariant=True)


@dataclass(frozen=True)
class JobSpec(Generic[R]):
    """A job that is ready to be submitted; `body` is its JSON, R what it will produce."""

    body: Mapping[str, Any]


def job(kind: str, args: Any = None, **options: Unpack[JobOptions]) -> JobSpec[Any]:
    """Work for a worker that knows `kind`; `args` is any JSON value."""
    body = {"kind": kind, **options_json(options)}
    if args is not None:
        check_json(args, "args")
        body["args"] = args
    return JobSpec(body)


def data(
    kind: str,
    body: bytes,
    content_type: str = "application/octet-stream",
    **options: Unpack[JobOptions],
) -> JobSpec[Any]:
    """Work for a worker that knows `kind`, with bytes as its input."""
    content = {"contentType": content_type, "body": bytes_text(body)}
    return JobSpec({"kind": kind, "data": content, **options_json(options)})


class FetchOptions(JobOptions, total=False):
    """What an HTTP call may be told, besides JobOptions."""

    method: str
    """Default: GET, or POST with a body."""
    headers: Mapping[str, str]
    body: bytes
    follow_redirects: bool
    """Default: True; at most 10."""
    max_body_bytes: int
    """A longer answer fails the job. Default: 16 MiB."""
    success_codes: Iterable[int | str]
    """Codes (204) or classes (`2xx`) that mean success. Default: `2xx`."""


_FETCH: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "method": ("method", str),
    "headers": ("headers", dict),
    "body": ("body", bytes_text),
    "follow_redirects": ("followRedirects", bool),
    "max_body_bytes": ("maxBodyBytes", operator.index),
    "success_codes": ("successCodes", lambda codes: [str(code) for code in _several(codes)]),
}


class CommandOptions(JobOptions, total=False):
    """What a command may be told, besides JobOptions."""

    env: Mapping[str, str]
    """Only names that the worker's configuration allows."""
    stdin: bytes


_COMMAND: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "env": ("env", dict),
    "stdin": ("stdin", bytes_text),
}


def _split(
    options: Mapping[str, Any], own: Mapping[str, tuple[str, Callable[[Any], Any]]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What belongs to the call itself, and what to the job."""
    call = {
        own[name][0]: _encoded(name, own[name][1], value)
        for name, value in options.items()
        if name in own and value is not None
    }
    return call, options_json({name: v for name, v in options.items() if name not in own})


def fetch(url: str, **options: Unpack[FetchOptions]) -> JobSpec[HttpResult]:
    """An HTTP call made by the server."""
    call, rest = _split(options, _FETCH)
    return JobSpec({"http": {"url": url, **call}, **rest})


def command(
    name: str, args: Sequence[str] = (), **options: Unpack[CommandOptions]
) -> JobSpec[ExecResult]:
    """A command that the configuration of a worker allows, run there."""
    if isinstance(args, str):
        raise TypeError(f"args: expected a list of arguments, found {args!r}")
    call, rest = _split(options, _COMMAND)
    return JobSpec({"exec": {"name": name, "args": [str(arg) for arg in args], **call}, **rest})
