"""Server-Sent Events, without a network: the parser, and following a job over broken streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ._flow import Backoff, Broken, Deadline, Reply, Request, error_of, request, segment
from .errors import CallError, Code, Status, Unavailable
from .models import Event, JobInfo, Progress, ProgressMade, StateChange

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


class Following:
    """A job that is followed until its end: what to ask for next, and what came."""

    def __init__(self, job_id: str, deadline: Deadline) -> None:
        self.ended = False
        self.deadline = deadline
        self._job_id = job_id
        self._last_id = ""
        self._backoff = Backoff()
        self._parser = Parser()

    def request(self) -> Request:
        """Asks for the events after the last one seen."""
        self._parser = Parser()
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        return request("GET", f"/v1/jobs/{segment(self._job_id)}/events", headers=headers)

    def timeout(self) -> float:
        """Seconds that the next bytes may take; DeadlineExceeded when no time is left."""
        left = self.deadline.left()
        if left <= 0:
            raise self.deadline.error(f"job {self._job_id} has not ended")
        return min(SILENCE, left)

    def opened(self, status: int) -> bool:
        """Whether there is a stream to read. An error status has to go to `refused`."""
        self.ended = status == 204
        return status == 200

    def feed(self, piece: bytes) -> Iterator[Event]:
        """The events that came."""
        for raw in self._parser.feed(piece):
            event = _event(raw)
            if event is None:
                continue
            self._last_id = raw.id
            self._backoff = Backoff()
            self.ended = isinstance(event, StateChange) and event.job.state.is_final
            yield event

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
            raise self.deadline.error(f"job {self._job_id} has not ended") from failure
        return pause


def _event(raw: RawEvent) -> Event | None:
    if raw.name == "state":
        job = JobInfo.from_json(json.loads(raw.data))
        return StateChange(int(raw.id), job)
    if raw.name == "progress":
        return ProgressMade(int(raw.id), Progress.from_json(json.loads(raw.data)))
    return None
