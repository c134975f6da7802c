"""The engine of a worker: a thread with an event loop that leases, keeps leases and reports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Callable

from . import _flow, _outcomes
from ._address import Address
from ._aiohttp import AsyncConnections
from ._attempt import Attempt
from ._executors import Executor
from ._ledger import MAX_UNREPORTED, Ledger
from ._link import Link
from ._pace import Pace
from .errors import CallError, Code, DeadlineExceeded, Internal, Status, Unavailable

log = logging.getLogger("errand.worker")

LEASE_WAIT = 50.0  # seconds; the server takes 60
SPARE = 10.0  # seconds that an answer may come later
IDLE_AFTER = 0.25  # seconds with all slots taken until we wait for cancellations
TICK = 1.0  # seconds between looks at what runs
FLUSH = 5.0  # seconds for the last report
STUCK = 1.0  # seconds after which what was leased ahead in vain is given back
MAX_BACKOFF = 5.0

TRANSIENT = (Unavailable, DeadlineExceeded, Internal)


@dataclass
class Options:
    """What an engine is told."""

    address: Address
    worker: dict[str, Any]
    concurrency: int
    drain_timeout: float
    executor_of: Callable[[str], Executor]  # by kind
    ssl_context: ssl.SSLContext | None = None
    lease_ahead: bool = True


class Engine:
    """One run of a worker, from its first Lease to its last Report."""

    def __init__(self, options: Options) -> None:
        self.failure: CallError | None = None  # that ended it
        self.ready = threading.Event()  # the server has answered, or the engine has ended
        self.ended = threading.Event()
        self._options = options
        self._ledger = Ledger(options.worker, self._on_progress)
        self._slots: set[Attempt] = set()  # what runs, or waits here to run
        self._done: deque[tuple[Attempt, str | None]] = deque()
        self._awake = False
        self._pace = Pace(options.concurrency, options.lease_ahead)
        self._draining = False
        self._progressed = False
        self._idle: set[asyncio.Task[None]] = set()
        self._told_to_stop = False
        self._silent = False  # the latest heartbeat had no answer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = False  # the events below are there
        self._thread = threading.Thread(target=self._main, name="errand-engine", daemon=True)

    # ---- from other threads ----

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, drain_timeout: float | None = None) -> None:
        """Begins to drain, for so many seconds; returns at once. Again: with another time."""
        if drain_timeout is not None:
            self._options.drain_timeout = drain_timeout
        self._told_to_stop = True
        self._call(self._look_for_stop)

    def join(self, timeout: float | None = None) -> bool:
        """Waits until it has ended."""
        return self.ended.wait(timeout)

    def attempt_ended(self, attempt: Attempt, outcome: str | None) -> None:
        """An executor is through with an attempt."""
        self._done.append((attempt, outcome))
        if not self._awake:
            self._awake = True
            self._call(self._take_done)

    def _look_for_stop(self) -> None:
        if self._told_to_stop and self._begun:
            self._stop.set()

    def _on_progress(self) -> None:
        if not self._progressed:
            self._progressed = True
            self._call(lambda: self._nudge.set())

    def _call(self, function: Callable[[], None]) -> None:
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(function)
        except RuntimeError:
            pass  # it has ended

    # ---- the thread ----

    def _main(self) -> None:
        self._loop = asyncio.new_event_loop()
        try:
            self._loop.run_until_complete(self._run())
        except CallError as error:
            log.error("the server refuses this worker, which ends: %s", error)
            self.failure = error
        except Exception as error:
            log.exception("the engine broke")
            self.failure = Internal(Status(Code.INTERNAL, f"the engine broke: {error!r}"))
        finally:
            self._loop.close()
            self.ended.set()
            self.ready.set()

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        self._room = asyncio.Event()
        self._nudge = asyncio.Event()
        self._outcomes = asyncio.Event()
        self._empty = asyncio.Event()
        self._told = asyncio.Event()
        self._begun = True
        self._look_for_stop()
        self._link = Link(AsyncConnections(self._options.address, self._options.ssl_context))
        try:
            await self._say_hello()
            await self._work()
        finally:
            await self._link.close()

    async def _say_hello(self) -> None:
        """A first heartbeat: a worker that may not work is told so at its start."""
        backoff = _flow.Backoff()
        while not self._stop.is_set():
            try:
                await self._beat()
                self.ready.set()
                return
            except TRANSIENT as error:
                pause = backoff.next()
                log.warning("no server yet: %s", error)
                await self._sleep(self._stop, min(pause, MAX_BACKOFF))

    async def _work(self) -> None:
        keeping = [self._spawn(self._keep_leases()), self._spawn(self._report())]
        leasing = self._spawn(self._lease_jobs())
        stop = self._spawn(self._stop.wait())
        await asyncio.wait({stop, leasing, *keeping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (leasing, *keeping):
            if task.done():
                task.result()  # raises what broke it
        await self._drain(leasing)
        for task in (stop, *keeping, *self._idle):
            task.cancel()
        await asyncio.gather(stop, *keeping, *self._idle, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work)

    async def _sleep(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event, or so many seconds."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)

    # ---- leasing ----

    def _wanted(self) -> int:
        if self._draining or self._ledger.unreported >= MAX_UNREPORTED:
            return 0
        return self._pace.wanted(len(self._slots))

    async def _lease_jobs(self) -> None:
        while not self._draining:
            self._room.clear()
            wanted = self._wanted()
            if wanted > 0:
                await self._lease(wanted, LEASE_WAIT)
                continue
            await self._sleep(self._room, IDLE_AFTER)
            if not self._room.is_set() and not self._draining:
                await self._wait_for_cancellations()

    async def _wait_for_cancellations(self) -> None:
        """A Lease for no jobs. It stays when a slot gets free: the next one has it answered."""
        idle = self._spawn(self._lease(0, LEASE_WAIT))
        room = self._spawn(self._room.wait())
        await asyncio.wait({idle, room}, return_when=asyncio.FIRST_COMPLETED)
        room.cancel()
        if not idle.done():
            self._idle.add(idle)
            idle.add_done_callback(self._idle.discard)

    async def _lease(self, wanted: int, wait: float) -> None:
        sequence, body = self._ledger.lease(wanted, wait)
        try:
            answer = await self._link.park(_flow.encode(body), wait + SPARE)
        except CallError as error:
            self._ledger.lease_failed(sequence)
            log.warning("no jobs leased: %s", error)
            await self._sleep(self._stop, 0.5 if isinstance(error, TRANSIENT) else MAX_BACKOFF)
            return
        fresh, stops = self._ledger.leased(sequence, answer, time.monotonic())
        self._tell_rejected(answer)
        self._interrupt(stops)
        self._begin(fresh)

    def _begin(self, fresh: list[Attempt]) -> None:
        groups: dict[int, tuple[Executor, list[Attempt]]] = {}
        for attempt in fresh:
            if self._draining:
                self._give_back(attempt)
                continue
            self._slots.add(attempt)
            executor = self._options.executor_of(attempt.job["kind"])
            groups.setdefault(id(executor), (executor, []))[1].append(attempt)
        for executor, attempts in groups.values():
            executor.start(attempts)
        if fresh:
            self._nudge.set()

    def _give_back(self, attempt: Attempt) -> None:
        self._finish(attempt, _outcomes.released(attempt))

    # ---- outcomes ----

    def _finish(self, attempt: Attempt, outcome: str) -> None:
        self._ledger.finish(attempt, outcome)
        self._outcomes.set()

    def _take_done(self) -> None:
        self._awake = False
        while self._done:
            attempt, outcome = self._done.popleft()
            self._slots.discard(attempt)
            if outcome is not None:
                self._pace.measure(attempt.run_seconds)
                if not attempt.dropped:
                    self._ledger.finish(attempt, outcome)
        self._outcomes.set()
        self._room.set()
        if not self._slots:
            self._empty.set()

    async def _report(self) -> None:
        backoff = _flow.Backoff()
        while True:
            batch = self._ledger.batch()
            if batch is None:
                self._outcomes.clear()
                await self._outcomes.wait()
                continue
            full = self._ledger.unreported >= MAX_UNREPORTED
            try:
                body = batch.body(self._options.worker["id"])
                answer = await self._link.post("report", body, SPARE)
            except TRANSIENT as error:
                log.warning("outcomes not taken yet: %s", error)
                await asyncio.sleep(backoff.next())
            except CallError as error:
                log.error("outcomes refused: %s", error)
                self._ledger.refused(batch, error)
                await asyncio.sleep(backoff.next())
            else:
                backoff = _flow.Backoff()
                self._ledger.acknowledged(int(answer.get("ackedOutcomeSequence", 0)))
                self._told.set()
                self._tell_rejected(answer)
            if full:
                self._room.set()

    def _tell_rejected(self, answer: Any) -> None:
        for rejection in answer.get("rejected", ()):
            message = rejection.get("status", {}).get("message", "")
            log.info("outcome of job %s not kept: %s", rejection.get("jobId"), message)

    # ---- keeping leases ----

    async def _keep_leases(self) -> None:
        due = time.monotonic() + self._ledger.lease_seconds / 3
        last = 0.0
        while True:
            now = time.monotonic()
            self._look_after(now)
            if now >= due or (self._progressed and now >= last + TICK):
                last = now
                due = now + await self._beat_or_wait()
            self._nudge.clear()
            pause = min(due, last + TICK if self._progressed else due) - time.monotonic()
            await self._sleep(self._nudge, max(0.01, min(pause, TICK if self._slots else pause)))

    async def _beat_or_wait(self) -> float:
        """A heartbeat; seconds until the next one is due."""
        try:
            await self._beat()
        except CallError as error:
            log.warning("no heartbeat: %s", error)
            self._silent = True
            return min(TICK, self._ledger.lease_seconds / 6)
        if self._silent:  # a Lease from before the silence may wait on a dead connection
            self._silent = False
            self._link.renew()
        return self._ledger.lease_seconds / 3

    async def _beat(self) -> None:
        self._progressed = False
        sent_at = time.monotonic()
        body = _flow.encode(self._ledger.heartbeat())
        answer = await self._link.post("heartbeat", body, self._ledger.lease_seconds / 3)
        self._interrupt(self._ledger.heartbeat_answered(answer, sent_at))
        self._tell_rejected(answer)

    def _interrupt(self, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            log.info("job %s is to stop", attempt.job_id)
            self._options.executor_of(attempt.job["kind"]).interrupt(attempt)

    def _look_after(self, now: float) -> None:
        self._interrupt(self._ledger.expired(now))
        for attempt in list(self._slots):
            if now >= attempt.deadline and not attempt.dropped:
                self._time_out(attempt)
            elif now - attempt.leased_at > STUCK and not attempt.claimed and attempt.claim():
                # Jobs before it take longer than thought: another worker may have a free slot.
                self._pace.slow_down()
                self._slots.discard(attempt)
                self._give_back(attempt)

    def _time_out(self, attempt: Attempt) -> None:
        message = "the attempt took longer than its attempt timeout"
        outcome = _outcomes.failure(attempt, Code.DEADLINE_EXCEEDED, message, retryable=True)
        self._finish(attempt, outcome)
        attempt.dropped = True
        self._interrupt([attempt])

    # ---- the end ----

    async def _drain(self, leasing: asyncio.Task[Any]) -> None:
        self._draining = True
        self._room.set()
        log.info("draining: %d jobs run", len(self._slots))
        for attempt in list(self._slots):
            if attempt.claim():
                self._slots.discard(attempt)
                self._give_back(attempt)
        await self._end_leasing(leasing)
        end = time.monotonic()
        while self._slots and time.monotonic() < end + self._options.drain_timeout:
            self._empty.clear()
            await self._sleep(self._empty, 0.1)
        for attempt in list(self._slots):
            if not attempt.dropped:
                self._give_back(attempt)
                attempt.dropped = True
                self._options.executor_of(attempt.job["kind"]).interrupt(attempt)
        await self._flush()

    async def _end_leasing(self, leasing: asyncio.Task[Any]) -> None:
        """A Lease for no jobs answers the one that waits; what that brought is given back."""
        if leasing.done():
            return
        _, body = self._ledger.lease(0, 0)
        try:
            await self._link.post("lease", _flow.encode(body), FLUSH)
            await asyncio.wait({leasing}, timeout=FLUSH)
        except CallError as error:
            log.warning("the last Lease failed: %s", error)
        leasing.cancel()
        await asyncio.gather(leasing, return_exceptions=True)

    async def _flush(self) -> None:
        """The last outcomes get there, if the server can be reached."""
        end = time.monotonic() + FLUSH
        while self._ledger.batch() is not None and time.monotonic() < end:
            self._told.clear()
            await self._sleep(self._told, 0.1)
        if self._ledger.batch() is not None:
            log.error("some outcomes could not be reported; their jobs will run again")
