"""The worker: functions that run as jobs, and running them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import signal
import socket
import ssl
import threading
import uuid
from collections.abc import Awaitable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar, overload

from ._address import DEFAULT_URL, Address
from ._executors import Executor, LoopExecutor, ThreadExecutor
from .client import Client
from .task import AsyncTask, P, Task, TaskDecorator

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._engine import Engine
    from .jobs import JobOptions

R = TypeVar("R")

log = logging.getLogger("errand.worker")

MARGIN = 15.0  # seconds that stopping may take beyond the drain timeout


class Worker:
    """Leases jobs from the gateway at `url` and runs them: plain functions in threads, async ones
    in an event loop, up to `concurrency` at once.

    `queues`: those to serve, with weights if you like (`mail=3`); default: all. Only jobs of its
    tasks' kinds are leased. `drain_timeout`: seconds that running jobs get at the end; what has not
    ended then goes back to its queue. `lease_ahead`: whether short jobs are leased a tenth of a
    second ahead, which makes them fast; they count as running meanwhile. `token`: default
    ERRAND_TOKEN. Making a worker connects to nothing: a service that only submits makes one too.
    ValueError or TypeError for settings with which it would do nothing."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        queues: Iterable[str] = (),
        concurrency: int = 10,
        lease_ahead: bool = True,
        drain_timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if isinstance(queues, str):  # a list of its letters
            raise TypeError(f"queues: found the str {queues!r}, expected a list of names")
        if concurrency < 1:
            raise ValueError(f"concurrency: found {concurrency}, expected 1 or more")
        self.queues = list(queues)
        self.concurrency = concurrency
        self.lease_ahead = lease_ahead
        self.drain_timeout = drain_timeout
        self.client = Client(url, token=token, headers=headers, ssl_context=ssl_context)
        self.tasks: dict[str, Any] = {}
        self._address = Address(url, token, headers)
        self._ssl_context = ssl_context
        self._engine: Engine | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._executors: list[Executor] = []

    # ---- tasks ----

    @overload
    def task(self, function: Callable[P, Awaitable[R]]) -> AsyncTask[P, R]:  # type: ignore[misc]
        ...

    @overload
    def task(self, function: Callable[P, R]) -> Task[P, R]: ...

    @overload
    def task(self, *, name: str | None = None, **options: Unpack[JobOptions]) -> TaskDecorator: ...

    def task(
        self,
        function: Callable[..., Any] | None = None,
        *,
        name: str | None = None,
        **options: Unpack[JobOptions],
    ) -> Any:
        """Makes a function the handler of the kind `name`, by default the function's name. The
        options are those of each job that it submits; `retry` and `max_attempts` among them."""

        def make(target: Callable[..., Any]) -> Any:
            kind = name or target.__name__
            if kind in self.tasks:
                raise ValueError(f"there is a task {kind!r} already")
            is_async = inspect.iscoroutinefunction(target)
            made = (AsyncTask if is_async else Task)(self, target, kind, options)
            self.tasks[kind] = made
            return made

        return TaskDecorator(make) if function is None else make(function)

    # ---- running ----

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> Engine:
        """Starts working in threads, and returns. Async tasks run in `loop`, or in one of their
        own. RuntimeError if it runs already, ValueError if there are no tasks."""
        if self._engine is not None and not self._engine.ended.is_set():
            raise RuntimeError("this worker runs already")
        if not self.tasks:
            raise ValueError("a worker without tasks would have nothing to do")
        from ._engine import Engine, Options  # here: it imports aiohttp, which clients do not need

        ended = self._attempt_ended
        threads = ThreadExecutor(self.tasks, self.concurrency, ended)
        home = loop or self._open_loop()
        coroutines = LoopExecutor(self.tasks, self.concurrency, ended, home)
        self._executors = [threads, coroutines]

        def executor_of(kind: str) -> Executor:
            chosen: Executor = threads
            if isinstance(self.tasks[kind], AsyncTask):
                chosen = coroutines
            return chosen

        self._engine = Engine(
            Options(
                self._address,
                self._identity(),
                self.concurrency,
                self.drain_timeout,
                executor_of,
                self._ssl_context,
                self.lease_ahead,
            )
        )
        self._engine.start()
        return self._engine

    def _attempt_ended(self, attempt: Any, outcome: str | None) -> None:
        engine = self._engine
        if engine is not None:
            engine.attempt_ended(attempt, outcome)

    def _identity(self) -> dict[str, Any]:
        return {
            "id": str(uuid.uuid4()),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "queues": self.queues,
            "kinds": sorted(self.tasks),
            "concurrency": self.concurrency,
        }

    def _open_loop(self) -> asyncio.AbstractEventLoop:
        if self._own_loop is None:
            self._own_loop = asyncio.new_event_loop()
            if any(isinstance(task, AsyncTask) for task in self.tasks.values()):
                run = self._own_loop.run_forever
                threading.Thread(target=run, name="errand-loop", daemon=True).start()
        return self._own_loop

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Waits until the server has answered. CallError if it refuses this worker (a token that is
        not valid, for instance), TimeoutError after `timeout` seconds."""
        if self._engine is None or not self._engine.ready.wait(timeout):
            raise TimeoutError(f"no server has answered within {timeout:g} s")
        self._raise_failure()

    def stop(self, drain_timeout: float | None = None) -> None:
        """Takes no more jobs, lets those that run end within the drain timeout (seconds), gives the
        others back, and returns when the server knows."""
        engine = self._engine
        if engine is None:
            return
        patience = self.drain_timeout if drain_timeout is None else drain_timeout
        engine.stop(patience)
        if not engine.join(patience + MARGIN):
            log.error("the engine has not ended")
        self._close_executors()

    def _close_executors(self) -> None:
        executors, self._executors = self._executors, []
        for executor in executors:
            executor.close()
        self.client.close()

    def _raise_failure(self) -> None:
        if self._engine is not None and self._engine.failure is not None:
            raise self._engine.failure

    def run(self) -> None:
        """Works until SIGTERM or SIGINT, then drains; a second signal cuts the drain short. For the
        main thread. CallError if the server refuses this worker."""
        signals = 0

        def on_signal(number: int, frame: Any) -> None:
            nonlocal signals
            signals += 1
            if self._engine is not None:
                self._engine.stop(self.drain_timeout if signals == 1 else 0.0)

        numbers = (signal.SIGTERM, signal.SIGINT)
        previous = [(number, signal.signal(number, on_signal)) for number in numbers]
        try:
            engine = self.start()
            if signals:  # before there was an engine
                engine.stop()
            while not engine.join(3600.0):
                pass
        finally:
            for number, handler in previous:
                signal.signal(number, handler)
            self._close_executors()
        self._raise_failure()

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Worker:
        """Works beside an application: async tasks run in its event loop."""
        self.start(asyncio.get_running_loop())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.stop)
