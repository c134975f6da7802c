"""Server-Sent Events, without a network: the parser, and following a job or a queue over broken
streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from ._flow import Backoff, Broken, Deadline, Reply, Request, error_of, request, segment
from .errors import CallError, Code, Status, Unavailable
from .models import Event, JobInfo, Progress, ProgressMade, StateChange
from .queues import EventsMissing, JobChange, QueueChange, QueueEvent, QueueInfo

E = TypeVar("E")

SILENCE = 45.0  # seconds; the server says something every 15


@dataclass(frozen=True)
class RawEvent:
    """One event of a stream."""

    name: str
    id: str
    data: str


class Parser:
    """Makes events of bytes, however they are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, list[str]] = {}

    def feed(self, piece: bytes) -> Iterator[RawEvent]:
        """The events that are complete with this piece."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            event = self._take_line(line.rstrip(b"\r").decode("utf-8", "replace"))
            if event is not None:
                yield event

    def _take_line(self, line: str) -> RawEvent | None:
        if line:
            name, _, value = line.partition(":")
            self._fields.setdefault(name, []).append(value[1:] if value[:1] == " " else value)
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None
        name = fields.get("event", ["message"])[-1]
        return RawEvent(name, fields.get("id", [""])[-1], "\n".join(fields["data"]))


class Followed(Generic[E]):
    """What is followed by a stream of events: what to ask for next, and what came."""

    def __init__(self, path: str, late: str, deadline: Deadline) -> None:
        self.ended = False
        self.deadline = deadline
        self._path = path
        self._late = late  # what is said when the time is over
        self._last_id = ""
        self._backoff = Backoff()
        self._parser = Parser()

    def request(self) -> Request:
        """Asks for the events after the last one seen."""
        self._parser = Parser()
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        return request("GET", self._path, headers=headers)

    def timeout(self) -> float:
        """Seconds that the next bytes may take; DeadlineExceeded when no time is left."""
        left = self.deadline.left()
        if left <= 0:
            raise self.deadline.error(self._late)
        return min(SILENCE, left)

    def opened(self, status: int) -> bool:
        """Whether there is a stream to read. An error status has to go to `refused`."""
        self.ended = status == 204
        return status == 200

    def feed(self, piece: bytes) -> Iterator[E]:
        """The events that came."""
        for raw in self._parser.feed(piece):
            event = self._read(raw)
            if event is None:
                continue
            self._last_id = raw.id
            self._backoff = Backoff()
            yield event

    def _read(self, raw: RawEvent) -> E | None:
        raise NotImplementedError

    def refused(self, reply: Reply) -> float:
        """Seconds to wait before asking again; CallError when that would not help."""
        failure = error_of(reply)
        if not isinstance(failure, Unavailable):
            raise failure
        after = failure.retry_delay.total_seconds() if failure.retry_delay else 0.0
        return self._pause(max(after, self._backoff.next()), failure)

    def broken(self, how: Broken) -> float:
        """Seconds to wait before asking again, after a stream that broke."""
        failure = Unavailable(Status(Code.UNAVAILABLE, how.reason))
        return self._pause(self._backoff.next(), failure)

    def _pause(self, pause: float, failure: CallError) -> float:
        if pause >= self.deadline.left():
            raise self.deadline.error(self._late) from failure
        return pause


class Following(Followed[Event]):
    """A job that is followed until its end."""

    def __init__(self, job_id: str, deadline: Deadline) -> None:
        path = f"/v1/jobs/{segment(job_id)}/events"
        super().__init__(path, f"job {job_id} has not ended", deadline)

    def _read(self, raw: RawEvent) -> Event | None:
        if raw.name == "state":
            job = JobInfo.from_json(json.loads(raw.data))
            self.ended = job.state.is_final
            return StateChange(int(raw.id), job)
        if raw.name == "progress":
            return ProgressMade(int(raw.id), Progress.from_json(json.loads(raw.data)))
        return None


class FollowingQueue(Followed[QueueEvent]):
    """A queue that is followed; it does not end."""

    def __init__(self, name: str, deadline: Deadline) -> None:
        path = f"/v1/queues/{segment(name)}/events"
        super().__init__(path, f"the time to watch queue {name} is over", deadline)

    def _read(self, raw: RawEvent) -> QueueEvent | None:
        if raw.name == "job":
            return JobChange.from_json(json.loads(raw.data))
        if raw.name == "queue":
            return QueueChange(QueueInfo.from_json(json.loads(raw.data)))
        if raw.name == "reset":
            return EventsMissing(json.loads(raw.data).get("reason", ""))
        return None
