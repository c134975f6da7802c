"""Where tasks run: plain functions in threads, async ones in an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Callable, Optional, Protocol

from . import _outcomes
from ._arguments import from_json
from ._attempt import Attempt
from ._encoding import parse_bytes
from .context import _current
from .errors import Code

Ended = Callable[[Attempt, Optional[str]], None]
"""Told from any thread that an attempt is over, with its outcome; None: there is none to report."""

Handlers = dict[str, Any]
"""Tasks by kind; each has `function` and `signature`."""


class Executor(Protocol):
    """Runs attempts."""

    def start(self, attempts: Iterable[Attempt]) -> None:
        """Runs them as slots get free, those that are claimed or dropped by then left out."""

    def interrupt(self, attempt: Attempt) -> None:
        """Stops one that runs, if that is possible."""

    def close(self) -> None:
        """Starts no more; what runs is left alone."""


def call_of(handler: Any, job: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments for a handler; TypeError when it does not take them."""
    args, kwargs = from_json(job.get("args"))
    if "data" in job:
        args = [parse_bytes(job["data"].get("body", ""))]
    handler.signature.bind(*args, **kwargs)
    return args, kwargs


def _refused(attempt: Attempt, error: Exception) -> str:
    message = f"{attempt.job.get('kind')}: {error}"
    return _outcomes.failure(attempt, Code.INVALID_ARGUMENT, message, retryable=False)


class ThreadExecutor:
    """Runs plain functions, each of `size` threads one at a time."""

    def __init__(self, handlers: Handlers, size: int, ended: Ended) -> None:
        self._handlers = handlers
        self._size = size
        self._ended = ended
        self._queue: SimpleQueue[Attempt | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, attempts: Iterable[Attempt]) -> None:
        """See Executor."""
        for attempt in attempts:
            self._queue.put(attempt)
            if len(self._threads) < self._size:
                self._add_thread()

    def _add_thread(self) -> None:
        # Daemons: a function that never returns must not keep the process from leaving.
        name = f"errand-task-{len(self._threads)}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def interrupt(self, attempt: Attempt) -> None:
        """A thread can not be stopped: the function has to look at errand.current().cancelled."""

    def close(self) -> None:
        """See Executor."""
        for _ in self._threads:
            self._queue.put(None)

    def _run(self) -> None:
        while True:
            attempt = self._queue.get()
            if attempt is None:
                return
            wanted = attempt.claim() and not attempt.dropped
            self._ended(attempt, self._outcome(attempt) if wanted else None)

    def _outcome(self, attempt: Attempt) -> str | None:
        handler = self._handlers[attempt.job["kind"]]
        token = _current.set(attempt)
        start = time.perf_counter()
        try:
            try:
                args, kwargs = call_of(handler, attempt.job)
            except (TypeError, ValueError) as error:
                return _refused(attempt, error)
            return _outcomes.success(attempt, handler.function(*args, **kwargs))
        except BaseException as error:  # sys.exit() in a task is a failure of the task
            return _outcomes.of_exception(attempt, error)
        finally:
            attempt.run_seconds = time.perf_counter() - start
            _current.reset(token)


class LoopExecutor:
    """Runs async functions in an event loop of another thread, `size` at a time."""

    def __init__(
        self, handlers: Handlers, size: int, ended: Ended, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._handlers = handlers
        self._free = size
        self._ended = ended
        self._loop = loop
        self._waiting: deque[Attempt] = deque()
        self._tasks: dict[tuple[str, str], asyncio.Task[Any] | None] = {}  # that have begun

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed, and with it everything that ran there
            self._loop.call_soon_threadsafe(function, *args)

    def start(self, attempts: Iterable[Attempt]) -> None:
        """See Executor."""
        self._call(self._start, list(attempts))

    def _start(self, attempts: list[Attempt]) -> None:
        self._waiting.extend(attempts)
        while self._waiting and self._free > 0:
            attempt = self._waiting.popleft()
            if not attempt.claim() or attempt.dropped:
                self._ended(attempt, None)
                continue
            self._free -= 1
            self._loop.create_task(self._run(attempt))

    def interrupt(self, attempt: Attempt) -> None:
        """Cancels its task. One that has not begun sees by itself that it was dropped: if it were
        cancelled, it would never run, and its slot be lost."""
        self._call(self._interrupt, attempt)

    def _interrupt(self, attempt: Attempt) -> None:
        task = self._tasks.get(attempt.key)
        if task is not None:
            task.cancel()

    def close(self) -> None:
        """See Executor."""
        self._call(self._waiting.clear)

    async def _run(self, attempt: Attempt) -> None:
        _current.set(attempt)  # a task has a context of its own
        self._tasks[attempt.key] = asyncio.current_task()
        start = time.perf_counter()
        outcome = None
        try:
            outcome = None if attempt.dropped else await self._outcome(attempt)
        finally:
            attempt.run_seconds = time.perf_counter() - start
            del self._tasks[attempt.key]
            self._free += 1
            self._ended(attempt, outcome)
            self._start([])

    async def _outcome(self, attempt: Attempt) -> str | None:
        handler = self._handlers[attempt.job["kind"]]
        try:
            try:
                args, kwargs = call_of(handler, attempt.job)
            except (TypeError, ValueError) as error:
                return _refused(attempt, error)
            return _outcomes.success(attempt, await handler.function(*args, **kwargs))
        except GeneratorExit:  # the loop is gone, and nobody runs this any more
            raise
        except BaseException as error:
            # sys.exit() in a task would end the loop, and with it all others.
            return _outcomes.of_exception(attempt, error)
