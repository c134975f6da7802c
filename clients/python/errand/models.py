"""What the server tells about jobs, queues, workers and itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Union

from ._encoding import parse_bytes, parse_duration, parse_timestamp
from .errors import Status

Json = Mapping[str, Any]


class State(str, Enum):
    """States of a job. The last four are final."""

    BLOCKED = "BLOCKED"
    SCHEDULED = "SCHEDULED"
    READY = "READY"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self in _FINAL


_FINAL = {State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED}


def time_of(body: Json, name: str) -> datetime | None:
    """A time in an answer."""
    return parse_timestamp(body[name]) if name in body else None


def length_of(body: Json, name: str) -> timedelta | None:
    """A length of time in an answer."""
    return parse_duration(body[name]) if name in body else None


def _status(body: Json) -> Status | None:
    return Status.from_json(body["error"]) if "error" in body else None


@dataclass(frozen=True)
class Progress:
    """How far an attempt is. `total` is 0 when that is not known."""

    done: int = 0
    total: int = 0
    message: str = ""
    update_time: datetime | None = None

    @classmethod
    def from_json(cls, body: Json) -> Progress:
        """A progress as the server writes it."""
        done, total = int(body.get("done", 0)), int(body.get("total", 0))
        return cls(done, total, body.get("message", ""), time_of(body, "updateTime"))


@dataclass(frozen=True)
class HttpResult:
    """The answer to an HTTP call: header names in lower case, the body decoded, the final URL."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    content_type: str
    url: str
    total_time: timedelta

    @classmethod
    def from_json(cls, body: Json) -> HttpResult:
        """An HTTP result as the server writes it."""
        return cls(
            int(body.get("status", 0)),
            body.get("headers", {}),
            parse_bytes(body.get("body", "")),
            body.get("contentType", ""),
            body.get("url", ""),
            length_of(body, "totalTime") or timedelta(0),
        )


@dataclass(frozen=True)
class ExecResult:
    """How a command ended, and what it used."""

    exit_code: int
    signal: int
    stdout: bytes
    stderr: bytes
    user_time: timedelta
    system_time: timedelta
    max_rss_bytes: int
    stdout_omitted_bytes: int = 0  # stdout is the beginning
    stderr_omitted_bytes: int = 0  # stderr is the end

    @classmethod
    def from_json(cls, body: Json) -> ExecResult:
        """The result of a command as the server writes it."""
        return cls(
            int(body.get("exitCode", 0)),
            int(body.get("signal", 0)),
            parse_bytes(body.get("stdout", "")),
            parse_bytes(body.get("stderr", "")),
            length_of(body, "userTime") or timedelta(0),
            length_of(body, "systemTime") or timedelta(0),
            int(body.get("maxRssBytes", 0)),
            int(body.get("stdoutOmittedBytes", 0)),
            int(body.get("stderrOmittedBytes", 0)),
        )


@dataclass(frozen=True)
class Data:
    """Bytes with a media type."""

    body: bytes
    content_type: str = "application/octet-stream"

    @classmethod
    def from_json(cls, body: Json) -> Data:
        """Data as the server writes it."""
        kind = body.get("contentType", "application/octet-stream")
        return cls(parse_bytes(body.get("body", "")), kind)


def result_from(body: Json) -> Any:
    """What a job produced: HttpResult, ExecResult, Data, or the JSON value itself."""
    if "http" in body:
        return HttpResult.from_json(body["http"])
    if "exec" in body:
        return ExecResult.from_json(body["exec"])
    if "data" in body:
        return Data.from_json(body["data"])
    return body.get("value")


@dataclass(frozen=True)
class Outcome:
    """A job's state, and when that is final what it produced or why it did not."""

    id: str
    state: State
    result: Any = None
    error: Status | None = None

    @classmethod
    def from_json(cls, body: Json) -> Outcome:
        """The answer to GetResult."""
        result = result_from(body["result"]) if "result" in body else None
        return cls(body["id"], State(body["state"]), result, _status(body))


@dataclass(frozen=True)
class FailedAttempt:
    """One attempt that failed."""

    number: int
    start_time: datetime | None
    end_time: datetime | None
    worker: str
    error: Status | None

    @classmethod
    def from_json(cls, body: Json) -> FailedAttempt:
        """An attempt as the server writes it."""
        return cls(
            int(body.get("number", 0)),
            time_of(body, "startTime"),
            time_of(body, "endTime"),
            body.get("worker", ""),
            _status(body),
        )


@dataclass(frozen=True)
class JobInfo:
    """A job as it was when the server answered. `raw` is that answer, with every field."""

    id: str
    queue: str
    kind: str
    state: State
    attempt: int
    revision: int
    duplicate: bool
    raw: Json = field(repr=False)

    @classmethod
    def from_json(cls, body: Json) -> JobInfo:
        """A job as the server writes it."""
        return cls(
            body["id"],
            body.get("queue", ""),
            body.get("kind", ""),
            State(body["state"]),
            int(body.get("attempt", 0)),
            int(body.get("revision", 0)),
            bool(body.get("duplicate", False)),
            body,
        )

    @property
    def args(self) -> Any:
        """The arguments; only in a full view."""
        return self.raw.get("args")

    @property
    def priority(self) -> int:
        """-100 to 100."""
        return int(self.raw.get("priority", 0))

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.raw.get("labels", {})

    @property
    def create_time(self) -> datetime | None:
        """When it was submitted."""
        return time_of(self.raw, "createTime")

    @property
    def start_time(self) -> datetime | None:
        """When the latest attempt started."""
        return time_of(self.raw, "startTime")

    @property
    def finish_time(self) -> datetime | None:
        """When it ended."""
        return time_of(self.raw, "finishTime")

    @property
    def next_attempt_time(self) -> datetime | None:
        """When the next attempt may start, while it is SCHEDULED."""
        return time_of(self.raw, "nextAttemptTime")

    @property
    def progress(self) -> Progress | None:
        """How far the running attempt is."""
        return Progress.from_json(self.raw["progress"]) if "progress" in self.raw else None

    @property
    def error(self) -> Status | None:
        """Why it ended without success, or why the latest attempt failed."""
        return _status(self.raw)

    @property
    def result(self) -> Any:
        """What it produced; only in a full view."""
        return result_from(self.raw["result"]) if "result" in self.raw else None

    @property
    def attempts(self) -> Sequence[FailedAttempt]:
        """The attempts that failed, oldest first."""
        return [FailedAttempt.from_json(body) for body in self.raw.get("attempts", ())]

    @property
    def worker(self) -> str:
        """Id of the worker that holds, or last held, its lease."""
        return str(self.raw.get("worker", ""))

    @property
    def parent(self) -> str:
        """Id of the job whose callback this is."""
        return str(self.raw.get("parent", ""))


@dataclass(frozen=True)
class StateChange:
    """An event of a watch: the job, whenever it starts, ends, fails or is put off."""

    revision: int
    job: JobInfo


@dataclass(frozen=True)
class ProgressMade:
    """An event of a watch: the running attempt got on."""

    revision: int
    progress: Progress


Event = Union[StateChange, ProgressMade]


@dataclass(frozen=True)
class Reason:
    """One thing that keeps a job from running: its type (`PAUSED`), and the same in words."""

    type: str
    message: str
    until: datetime | None
    raw: Json = field(repr=False)


@dataclass(frozen=True)
class Explanation:
    """Why a job is not running now. `position` counts the jobs before it in its queue."""

    id: str
    state: State
    reasons: Sequence[Reason]
    position: int
    position_exact: bool
    estimated_start_time: datetime | None

    @classmethod
    def from_json(cls, body: Json) -> Explanation:
        """The answer to Explain."""
        reasons = [
            Reason(item.get("type", ""), item.get("message", ""), time_of(item, "until"), item)
            for item in body.get("reasons", ())
        ]
        return cls(
            body["id"],
            State(body["state"]),
            reasons,
            int(body.get("position", 0)),
            bool(body.get("positionExact", False)),
            time_of(body, "estimatedStartTime"),
        )
