"""One lease of one job: what the engine and the threads that run it share."""

from __future__ import annotations

import time
from typing import Any, Callable

from ._encoding import clean_text, parse_duration

DEFAULT_TIMEOUT = 900.0  # seconds; the server's for all kinds but http
MAX_COUNT = 2**63 - 1
MAX_PROGRESS_BYTES = 1000  # of a message


def _timeout(job: Any) -> float:
    text = job.get("attemptTimeout")
    return DEFAULT_TIMEOUT if text is None else parse_duration(text).total_seconds()


def _count(number: int) -> int:
    return max(0, min(number, MAX_COUNT))


class Attempt:
    """A leased job. Only `claim`, `dropped` and progress are touched by more than one thread."""

    __slots__ = (
        "_claim", "_on_progress", "deadline", "dropped", "job", "job_id", "leased_at", "number",
        "progress", "run_seconds", "token",
    )  # fmt: skip

    def __init__(
        self, assignment: Any, now: float, on_progress: Callable[[], None] | None = None
    ) -> None:
        self.job = assignment["job"]
        self.job_id: str = self.job["id"]
        self.token: str = assignment["token"]
        self.number = int(assignment.get("attempt", 1))
        self.leased_at = now
        self.deadline = now + _timeout(self.job)
        self.dropped = False
        self.run_seconds = 0.0
        self.progress: tuple[int, int, str] | None = None
        self._on_progress = on_progress
        self._claim = [None]

    @property
    def key(self) -> tuple[str, str]:
        """Names this lease; a job may be leased again under another token."""
        return self.job_id, self.token

    def claim(self) -> bool:
        """Whether the caller is the first to ask: it alone may run the job, or give it back."""
        try:
            self._claim.pop()
        except IndexError:
            return False
        return True

    @property
    def claimed(self) -> bool:
        """Whether somebody has it."""
        return not self._claim

    def tell_progress(self, done: int, total: int, message: str) -> None:
        """Keeps the latest, and lets the engine know. It goes into the heartbeat of all jobs, which
        must not be refused for what one of them says: numbers and message are cut to what fits."""
        text = clean_text(message).encode()[:MAX_PROGRESS_BYTES].decode("utf-8", "ignore")
        self.progress = (_count(done), _count(total), text)
        if self._on_progress is not None:
            self._on_progress()

    def elapsed(self) -> float:
        """Seconds since the lease."""
        return time.monotonic() - self.leased_at
