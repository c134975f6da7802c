"""What the server tells about queues, workers and itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Union

from .models import Json, State, length_of, time_of


@dataclass(frozen=True)
class RateLimit:
    """Any window T starts at most burst + count * T / per jobs. `per` is a length of time."""

    count: int
    per: timedelta = timedelta(seconds=1)
    burst: int = 1

    @classmethod
    def from_json(cls, body: Json) -> RateLimit:
        """A rate limit as the server writes it."""
        per = length_of(body, "per") or timedelta(seconds=1)
        return cls(int(body.get("count", 0)), per, int(body.get("burst", 1)))


@dataclass(frozen=True)
class QueueInfo:
    """A queue: jobs by state, and its limits (None: no limit)."""

    name: str
    depth: Mapping[State, int]
    paused: bool
    rate_limit: RateLimit | None
    max_running: int | None
    max_per_key: int | None
    max_depth: int | None
    aging: timedelta | None
    hold_on_retry_after: bool

    @classmethod
    def from_json(cls, body: Json) -> QueueInfo:
        """A queue as the server writes it."""
        limit = body.get("rateLimit")
        return cls(
            body.get("name", ""),
            {State(name): int(count) for name, count in body.get("depth", {}).items()},
            bool(body.get("paused", False)),
            None if limit is None else RateLimit.from_json(limit),
            body.get("maxRunning"),
            body.get("maxPerKey"),
            int(body["maxDepth"]) if "maxDepth" in body else None,
            length_of(body, "aging"),
            bool(body.get("holdOnRetryAfter", False)),
        )


@dataclass(frozen=True)
class JobChange:
    """An event of a queue: a job was submitted, changed its state, or is gone."""

    id: str
    kind: str
    state: State
    attempt: int
    revision: int
    time: datetime | None
    deleted: bool

    @classmethod
    def from_json(cls, body: Json) -> JobChange:
        """A change as the server writes it."""
        return cls(
            body["id"],
            body.get("kind", ""),
            State(body["state"]),
            int(body.get("attempt", 0)),
            int(body.get("revision", 0)),
            time_of(body, "time"),
            bool(body.get("deleted", False)),
        )


@dataclass(frozen=True)
class QueueChange:
    """An event of a queue: its depth or its settings have changed."""

    queue: QueueInfo


@dataclass(frozen=True)
class EventsMissing:
    """An event of a queue: some events are missing here, and why. What is known of its jobs has to
    be listed anew."""

    reason: str


QueueEvent = Union[JobChange, QueueChange, EventsMissing]


@dataclass(frozen=True)
class WorkerInfo:
    """A worker that the server heard of lately."""

    id: str
    host: str
    pid: int
    queues: Sequence[str]
    kinds: Sequence[str]
    concurrency: int
    running: int
    heartbeat_time: datetime | None

    @classmethod
    def from_json(cls, body: Json) -> WorkerInfo:
        """A worker as the server writes it."""
        return cls(
            body["id"],
            body.get("host", ""),
            int(body.get("pid", 0)),
            body.get("queues", []),
            body.get("kinds", []),
            int(body.get("concurrency", 0)),
            int(body.get("running", 0)),
            time_of(body, "heartbeatTime"),
        )


@dataclass(frozen=True)
class Stats:
    """Counters of the server. `raw` has all of them."""

    jobs: Mapping[State, int]
    workers: int
    store_bytes: int
    uptime: timedelta
    raw: Json = field(repr=False)

    @classmethod
    def from_json(cls, body: Json) -> Stats:
        """The answer to GetStats."""
        return cls(
            {State(name): int(count) for name, count in body.get("jobs", {}).items()},
            int(body.get("workers", 0)),
            int(body.get("storeBytes", 0)),
            length_of(body, "uptime") or timedelta(0),
            body,
        )


@dataclass(frozen=True)
class ServerInfo:
    """The server's version, health and caps (bytes). `raw` has all of it."""

    version: str
    health: str
    max_input_bytes: int
    max_result_bytes: int
    raw: Json = field(repr=False)

    @classmethod
    def from_json(cls, body: Json) -> ServerInfo:
        """The answer to GetInfo."""
        return cls(
            body.get("version", ""),
            body.get("health", ""),
            int(body.get("maxInputBytes", 0)),
            int(body.get("maxResultBytes", 0)),
            body,
        )
