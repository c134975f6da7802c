"""What a running task can learn about its job, and tell about itself."""

from __future__ import annotations

import time
from contextvars import ContextVar

from ._attempt import Attempt
from .errors import Cancelled, Code, Status
from .models import JobInfo

_current: ContextVar[Attempt | None] = ContextVar("errand_current", default=None)


class Context:
    """The attempt that runs here. Its methods may be called from any thread."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    @property
    def job(self) -> JobInfo:
        """The job as it was leased, with its input."""
        return JobInfo.from_json(self._attempt.job)

    @property
    def job_id(self) -> str:
        """Its id."""
        return self._attempt.job_id

    @property
    def attempt(self) -> int:
        """Number of this attempt, 1 for the first."""
        return self._attempt.number

    @property
    def cancelled(self) -> bool:
        """Whether to stop: the job was cancelled, its time is over, or its lease is lost. Whatever
        the task returns then is not kept."""
        return self._attempt.dropped

    def remaining(self) -> float:
        """Seconds until the attempt times out; negative when it has."""
        return self._attempt.deadline - time.monotonic()

    def raise_if_cancelled(self) -> None:
        """Cancelled, if the task is to stop."""
        if self.cancelled:
            raise Cancelled(Status(Code.CANCELLED, "the job was cancelled, or its time is over"))

    def progress(self, done: int, total: int = 0, message: str = "") -> None:
        """Tells how far the task is. Sent once a second at most, the latest wins; of a message the
        first 1,000 bytes."""
        self._attempt.tell_progress(int(done), int(total), str(message))


def current() -> Context:
    """The attempt that runs here; RuntimeError outside of a task."""
    attempt = _current.get()
    if attempt is None:
        raise RuntimeError("errand.current() is for tasks that a worker runs")
    return Context(attempt)
