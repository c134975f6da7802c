"""The client for asyncio: the blocking one with await before each call."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import _operations as op
from . import jobs
from ._address import DEFAULT_URL, Address
from ._aiohttp import AsyncConnections
from ._batches import DEFAULT_CHUNK, bar, chunks
from ._flow import Deadline, Flow, Reply
from ._http import StreamBroken
from ._sse import E, Followed, Following, FollowingQueue
from .client import accepted
from .errors import CallError
from .handles import AsyncJob
from .jobs import JobSpec, job_id
from .models import Event, ExecResult, Explanation, HttpResult, JobInfo, Outcome
from .queues import QueueEvent, QueueInfo, ServerInfo, Stats, WorkerInfo

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._operations import JobFilter, QueueSettings
    from .jobs import CommandOptions, FetchOptions, JobOptions, JobRef

R = TypeVar("R")
T = TypeVar("T")


class AsyncClient:
    """Talks to the HTTP gateway at `url`; within one event loop.

    `timeout` (seconds) is for calls that are not given one of their own. Within it a call is
    repeated when there is no connection or the server is UNAVAILABLE; what was submitted twice in
    that way is stored once. Then CallError is raised. `token`: default ERRAND_TOKEN."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        headers: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.timeout = timeout
        self._connections = AsyncConnections(Address(url, token, headers), ssl_context)

    async def close(self) -> None:
        """Closes the connections that are kept. The client stays usable."""
        await self._connections.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self.timeout if timeout is None else timeout)

    async def _run(self, flow: Flow[T]) -> T:
        return await self._connections.run(flow)

    # ---- submitting ----

    @overload
    async def submit(self, job: JobSpec[R]) -> AsyncJob[R]: ...

    @overload
    async def submit(
        self, job: str, args: Any = None, **options: Unpack[JobOptions]
    ) -> AsyncJob[Any]: ...

    async def submit(
        self, job: Any, args: Any = None, **options: Unpack[JobOptions]
    ) -> AsyncJob[Any]:
        """Stores a job: a kind with JSON `args`, or what errand.job, fetch, command, data or a
        task's job() made. It is on disk when this returns."""
        spec = job if isinstance(job, JobSpec) else jobs.job(job, args, **options)
        return await self.submit_spec(spec)

    async def submit_spec(
        self,
        spec: JobSpec[R],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> AsyncJob[R]:
        """submit, with an idempotency key of your own: what was submitted with it before is what
        you get (AlreadyExists if that was another job)."""
        key = idempotency_key or str(uuid.uuid4())
        info = await self._run(op.submit(spec, key, self._deadline(timeout)))
        return AsyncJob(self, info.id, info)

    async def fetch(self, url: str, **options: Unpack[FetchOptions]) -> AsyncJob[HttpResult]:
        """Has the server call a URL."""
        return await self.submit_spec(jobs.fetch(url, **options))

    async def exec(
        self, name: str, args: Sequence[str] = (), **options: Unpack[CommandOptions]
    ) -> AsyncJob[ExecResult]:
        """Has a command run that a worker's configuration allows."""
        return await self.submit_spec(jobs.command(name, args, **options))

    async def submit_each(
        self,
        specs: Iterable[JobSpec[R]],
        *,
        chunk: int = DEFAULT_CHUNK,
        progress: bool | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[AsyncJob[R] | CallError]:
        """Stores any number of jobs, `chunk` in a call of `timeout` seconds, as you iterate: a
        handle or the error of each, in order. `progress`: a bar on standard error; None: if that
        is a terminal."""
        shown = bar(specs, progress)
        try:
            for piece in chunks(specs, chunk):
                key = str(uuid.uuid4())
                for answer in await self._run(op.submit_many(piece, key, self._deadline(timeout))):
                    yield (
                        answer
                        if isinstance(answer, CallError)
                        else AsyncJob(self, answer.id, answer)
                    )
                shown.update(len(piece))
        finally:
            shown.close()

    async def submit_many(
        self,
        specs: Iterable[JobSpec[R]],
        *,
        chunk: int = DEFAULT_CHUNK,
        progress: bool | None = None,
        timeout: float | None = None,
    ) -> list[AsyncJob[R]]:
        """submit_each, all of it: the handles in order. BatchError if some were refused; the others
        are stored then."""
        each = self.submit_each(specs, chunk=chunk, progress=progress, timeout=timeout)
        return accepted([answer async for answer in each])  # type: ignore[no-any-return]

    # ---- one job ----

    def job(self, id: str) -> AsyncJob[Any]:
        """A handle of a job whose id you have. Asks nothing."""
        return AsyncJob(self, id)

    async def get(self, job: JobRef, full: bool = False, timeout: float | None = None) -> JobInfo:
        """A job as it is now; `full`: with its input and result."""
        return await self._run(op.get(job_id(job), full, self._deadline(timeout)))

    async def wait(self, job: JobRef, timeout: float = 60.0) -> Outcome:
        """How a job ended. DeadlineExceeded if it has not after `timeout` seconds."""
        return await self._run(op.wait(job_id(job), Deadline(timeout)))

    async def result(self, job: JobRef, timeout: float = 60.0) -> Any:
        """What a job produced. See Job.result."""
        return await self.job(job_id(job)).result(timeout)

    async def output(self, job: JobRef, timeout: float = 60.0) -> bytes:
        """The bytes of a result: response body, stdout, data, or JSON text."""
        return (await self._run(op.output(job_id(job), Deadline(timeout))))[0]

    async def cancel(self, job: JobRef, timeout: float | None = None) -> JobInfo:
        """Ends a job that has not ended."""
        return await self._run(op.cancel(job_id(job), self._deadline(timeout)))

    async def retry(self, job: JobRef, timeout: float | None = None) -> JobInfo:
        """Makes a job ready again that ended without success."""
        return await self._run(op.retry(job_id(job), self._deadline(timeout)))

    async def delete(self, job: JobRef, timeout: float | None = None) -> None:
        """Forgets a job. FailedPrecondition while it runs, NotFound when it is gone."""
        await self._run(op.delete(job_id(job), self._deadline(timeout)))

    async def explain(self, job: JobRef, timeout: float | None = None) -> Explanation:
        """Why a job is not running now."""
        return await self._run(op.explain(job_id(job), self._deadline(timeout)))

    async def watch(self, job: JobRef, timeout: float = 3600.0) -> AsyncIterator[Event]:
        """Each change of a job until its end, the state as it is now first. Streams that break are
        taken up again where they were. DeadlineExceeded after `timeout` seconds."""
        async for event in self._follow(Following(job_id(job), Deadline(timeout))):
            yield event

    async def watch_queue(self, name: str, timeout: float = 3600.0) -> AsyncIterator[QueueEvent]:
        """What happens in a queue, the queue as it is now first. Streams that break are taken up
        again where they were. DeadlineExceeded after `timeout` seconds."""
        async for event in self._follow(FollowingQueue(name, Deadline(timeout))):
            yield event

    async def _follow(self, following: Followed[E]) -> AsyncIterator[E]:
        while not following.ended:
            try:
                opening = self._connections.stream(following.request(), following.timeout())
                async with opening as stream:
                    if following.opened(stream.status):
                        while not following.ended:
                            piece = await stream.read(following.timeout())
                            for event in following.feed(piece):
                                yield event
                            if not piece:
                                break
                        continue
                    body = await stream.read(following.timeout())
                if not following.ended:
                    reply = Reply(stream.status, stream.headers, body)
                    await self._pause(following.refused(reply))
            except StreamBroken as broken:
                await self._pause(following.broken(broken.how))

    async def _pause(self, seconds: float) -> None:
        await self._run(op.pause(seconds))

    # ---- many jobs ----

    async def list(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **matching: Unpack[JobFilter],
    ) -> AsyncIterator[JobInfo]:
        """All jobs that match (none given: all), newest first, page by page as you iterate;
        `timeout` is for each page."""
        token = ""
        while True:
            page = op.list_jobs(matching, page_size, token, self._deadline(timeout))
            found, token = await self._run(page)
            for info in found:
                yield info
            if not token:
                return

    async def cancel_many(self, *, timeout: float = 600.0, **matching: Unpack[JobFilter]) -> int:
        """Cancels all jobs that match; how many there were."""
        return await self._run(op.bulk("cancel", matching, Deadline(timeout)))

    async def retry_many(self, *, timeout: float = 600.0, **matching: Unpack[JobFilter]) -> int:
        """Makes all jobs ready again that match and ended without success; how many there were."""
        return await self._run(op.bulk("retry", matching, Deadline(timeout)))

    async def delete_many(self, *, timeout: float = 600.0, **matching: Unpack[JobFilter]) -> int:
        """Deletes all jobs that match and do not run; how many there were."""
        return await self._run(op.bulk("delete", matching, Deadline(timeout)))

    # ---- queues, workers, server ----

    async def queues(self, timeout: float | None = None) -> Sequence[QueueInfo]:
        """All queues by name."""
        return await self._run(op.queues(self._deadline(timeout)))

    async def queue(self, name: str, timeout: float | None = None) -> QueueInfo:
        """One queue."""
        return await self._run(op.queue_call("GET", name, "", None, self._deadline(timeout)))

    async def update_queue(
        self, name: str, *, timeout: float | None = None, **settings: Unpack[QueueSettings]
    ) -> QueueInfo:
        """Changes the settings given; None clears one."""
        body = op.queue_settings(settings)
        return await self._run(op.queue_call("PATCH", name, "", body, self._deadline(timeout)))

    async def pause_queue(self, name: str, timeout: float | None = None) -> QueueInfo:
        """Starts no more jobs of a queue."""
        return await self._run(op.queue_call("POST", name, ":pause", {}, self._deadline(timeout)))

    async def resume_queue(self, name: str, timeout: float | None = None) -> QueueInfo:
        """Ends a pause."""
        return await self._run(op.queue_call("POST", name, ":resume", {}, self._deadline(timeout)))

    async def purge_queue(self, name: str, timeout: float = 600.0) -> int:
        """Deletes the jobs of a queue that wait; how many there were."""
        return await self._run(op.purge(name, Deadline(timeout)))

    async def workers(self, timeout: float | None = None) -> Sequence[WorkerInfo]:
        """The workers heard of lately."""
        return await self._run(op.workers(self._deadline(timeout)))

    async def stats(self, timeout: float | None = None) -> Stats:
        """Counters of the server."""
        return await self._run(op.stats(self._deadline(timeout)))

    async def server_info(self, timeout: float | None = None) -> ServerInfo:
        """Version, health and caps of the server."""
        return await self._run(op.info(self._deadline(timeout)))
