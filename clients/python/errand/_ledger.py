"""The worker protocol without a network: what is leased, what is to be reported, which numbers come
next. docs/workers.md tells the rules; every method is called from one thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Callable

from . import _outcomes
from ._attempt import Attempt
from ._encoding import duration_text, parse_duration
from .errors import CallError, InvalidArgument, ResourceExhausted

MAX_BATCH_BYTES = 8 << 20  # characters of outcomes in one Report; :report takes 24 MiB
MAX_BATCH = 1000
MAX_UNREPORTED = 64 << 20  # characters; beyond, no more is leased
MAX_REFUSALS = 6  # by a cap, which may be that of all calls under way

Json = dict[str, Any]


def _is_final(error: CallError, refusals: int) -> bool:
    """Whether a batch will never be taken. A token that is not valid, or a proxy that does not know
    the way, may be mended."""
    if isinstance(error, ResourceExhausted):
        return refusals >= MAX_REFUSALS
    return isinstance(error, InvalidArgument)


@dataclass
class Batch:
    """Outcomes under one number."""

    sequence: int
    outcomes: list[tuple[Attempt, str]]

    def body(self, worker_id: str) -> bytes:
        """The request of Report."""
        items = ",".join(text for _, text in self.outcomes)
        head = f'{{"worker":{{"id":"{worker_id}"}},"outcomeSequence":"{self.sequence}"'
        return f'{head},"outcomes":[{items}]}}'.encode()


class Ledger:
    """The books of one worker."""

    def __init__(self, worker: Json, on_progress: Callable[[], None] = lambda: None) -> None:
        self.worker = worker
        self.lease_seconds = 30.0
        self.held: dict[tuple[str, str], Attempt] = {}  # leases, until their outcome is on disk
        self.unreported = 0  # characters of outcomes
        self._on_progress = on_progress
        self._renewed_at = float("-inf")
        self._sequence = 0
        self._answered = 0
        self._again = False
        self._outcome_sequence = 0
        self._outbox: deque[tuple[Attempt, str]] = deque()
        self._batch: Batch | None = None
        self._alone = 0  # so many outcomes go one by one, because a batch of them was refused
        self._refusals = 0  # of the batch
        self._miscounted = False  # the server expects another number

    # ---- leases ----

    def lease(self, max_jobs: int, wait: float) -> tuple[int, Json]:
        """The next Lease and its number: the same one again after one that had no answer."""
        if not self._again:
            self._sequence += 1
        self._again = False
        return self._sequence, {
            "worker": self.worker,
            "maxJobs": max_jobs,
            "wait": duration_text(wait),
            "leaseSequence": str(self._sequence),
        }

    def lease_failed(self, sequence: int) -> None:
        """There was no answer to it."""
        self._again = self._again or sequence == self._sequence

    def leased(
        self, sequence: int, answer: Json, now: float
    ) -> tuple[list[Attempt], list[Attempt]]:
        """Takes an answer: new attempts, and those to be stopped."""
        self._answered = max(self._answered, sequence)
        fresh = []
        for assignment in answer.get("assignments", ()):
            attempt = Attempt(assignment, now, self._on_progress)
            if attempt.key not in self.held:  # else: asked again, told again
                self.held[attempt.key] = attempt
                fresh.append(attempt)
        return fresh, self._take_news(answer)

    def _take_news(self, answer: Json) -> list[Attempt]:
        self.acknowledged(int(answer.get("ackedOutcomeSequence", 0)))
        if "leaseDuration" in answer:
            self.lease_seconds = parse_duration(answer["leaseDuration"]).total_seconds()
        refs = [*answer.get("cancel", ()), *answer.get("lost", ())]
        keys = [(ref["jobId"], ref["token"]) for ref in refs]
        return self.drop(self.held[key] for key in keys if key in self.held)

    def drop(self, attempts: Iterable[Attempt]) -> list[Attempt]:
        """Forgets leases that are void. What was not told yet of them is not told."""
        gone = list(attempts)
        for attempt in gone:
            attempt.dropped = True
            self.held.pop(attempt.key, None)
        return gone

    def heartbeat(self) -> Json:
        """A Heartbeat that names everything held."""
        running = []
        for attempt in self.held.values():
            item: Json = {"jobId": attempt.job_id, "token": attempt.token}
            if attempt.progress is not None:
                done, total, message = attempt.progress
                item["progress"] = {"done": str(done), "total": str(total), "message": message}
            running.append(item)
        sequence = str(self._answered)
        return {"worker": self.worker, "running": running, "leaseSequence": sequence}

    def heartbeat_answered(self, answer: Json, sent_at: float) -> list[Attempt]:
        """Takes the answer to a heartbeat sent then; the attempts to be stopped."""
        self._renewed_at = sent_at
        stops = self._take_news(answer)
        if self._miscounted:
            self._renumber(int(answer.get("ackedOutcomeSequence", 0)))
        return stops

    def _renumber(self, acknowledged: int) -> None:
        """The server counts from there: a copy of its store was restored, say."""
        self._miscounted = False
        self._outcome_sequence = acknowledged
        if self._batch is not None:
            self._outcome_sequence += 1
            self._batch.sequence = self._outcome_sequence

    def expired(self, now: float) -> list[Attempt]:
        """Drops and gives the attempts whose lease ran out."""
        limit = now - self.lease_seconds
        if self._renewed_at > limit:
            return []
        return self.drop([held for held in self.held.values() if held.leased_at <= limit])

    # ---- outcomes ----

    def finish(self, attempt: Attempt, outcome: str) -> None:
        """Keeps an outcome until it is on the server's disk; not that of a void lease."""
        if attempt.key in self.held:
            self._outbox.append((attempt, outcome))
            self.unreported += len(outcome)

    def batch(self) -> Batch | None:
        """The batch that is next: the same one until it is acknowledged. None: nothing to tell."""
        if self._batch is None:
            outcomes = self._next_outcomes()
            if outcomes:
                self._outcome_sequence += 1
                self._batch = Batch(self._outcome_sequence, outcomes)
        return self._batch

    def _next_outcomes(self) -> list[tuple[Attempt, str]]:
        outcomes: list[tuple[Attempt, str]] = []
        size = 0
        while self._outbox and len(outcomes) < MAX_BATCH:
            attempt, text = self._outbox[0]
            if outcomes and (self._alone or size + len(text) > MAX_BATCH_BYTES):
                break
            self._outbox.popleft()
            if attempt.key in self.held:
                outcomes.append((attempt, text))
                size += len(text)
            else:
                self.unreported -= len(text)
            self._alone = max(0, self._alone - 1)
        return outcomes

    def acknowledged(self, sequence: int) -> None:
        """Batches up to this number are on disk."""
        batch = self._batch
        if batch is None or sequence < batch.sequence:
            return
        self._batch = None
        self._refusals = 0
        for attempt, text in batch.outcomes:
            self.unreported -= len(text)
            self.held.pop(attempt.key, None)

    def refused(self, batch: Batch, error: CallError) -> None:
        """The server has refused this batch. It goes again, unless that was for what it says: then
        each outcome goes alone, under the same number, and one that is refused alone becomes a
        failure that says why. One refused for its number gets another by the next heartbeat."""
        if self._batch is not batch:
            return
        if any(wrong.field == "outcome_sequence" for wrong in error.violations):
            self._miscounted = True
            self._on_progress()  # a heartbeat, which tells how the server counts
            return
        self._refusals += 1
        if not _is_final(error, self._refusals):
            return
        self._refusals = 0
        self._outcome_sequence -= 1
        self._batch = None
        outcomes = batch.outcomes
        if len(outcomes) == 1:
            outcomes = self._said_otherwise(*outcomes[0], error)
        self._outbox.extendleft(reversed(outcomes))
        self._alone += len(outcomes)

    def _said_otherwise(
        self, attempt: Attempt, text: str, error: CallError
    ) -> list[tuple[Attempt, str]]:
        """The failure that stands for a refused outcome; none if that was refused itself."""
        self.unreported -= len(text)
        if '"failure":' in text[:200]:
            self.held.pop(attempt.key, None)
            return []
        reason = f"the result was refused: {error.message}"
        failure = _outcomes.failure(attempt, error.code, reason, retryable=False)
        self.unreported += len(failure)
        return [(attempt, failure)]
