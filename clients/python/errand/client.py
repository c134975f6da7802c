"""The blocking client."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import _operations as op
from . import jobs
from ._address import DEFAULT_URL, Address
from ._batches import DEFAULT_CHUNK, bar, chunks
from ._flow import Deadline, Flow, Reply
from ._http import Connections, StreamBroken
from ._sse import E, Followed, Following, FollowingQueue
from .errors import BatchError, CallError
from .handles import Job
from .jobs import JobSpec, job_id
from .models import Event, ExecResult, Explanation, HttpResult, JobInfo, Outcome
from .queues import QueueEvent, QueueInfo, ServerInfo, Stats, WorkerInfo

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._operations import JobFilter, QueueSettings
    from .jobs import CommandOptions, FetchOptions, JobOptions, JobRef

R = TypeVar("R")
T = TypeVar("T")


class Client:
    """Talks to the HTTP gateway at `url`; for any number of threads.

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
        self._connections = Connections(Address(url, token, headers), ssl_context)

    def close(self) -> None:
        """Closes the connections that are kept. The client stays usable."""
        self._connections.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self.timeout if timeout is None else timeout)

    def _run(self, flow: Flow[T]) -> T:
        return self._connections.run(flow)

    # ---- submitting ----

    @overload
    def submit(self, job: JobSpec[R]) -> Job[R]: ...

    @overload
    def submit(self, job: str, args: Any = None, **options: Unpack[JobOptions]) -> Job[Any]: ...

    def submit(self, job: Any, args: Any = None, **options: Unpack[JobOptions]) -> Job[Any]:
        """Stores a job: a kind with JSON `args`, or what errand.job, fetch, command, data or a
        task's job() made. It is on disk when this returns."""
        spec = job if isinstance(job, JobSpec) else jobs.job(job, args, **options)
        return self.submit_spec(spec)

    def submit_spec(
        self,
        spec: JobSpec[R],
        *,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Job[R]:
        """submit, with an idempotency key of your own: what was submitted with it before is what
        you get (AlreadyExists if that was another job)."""
        key = idempotency_key or str(uuid.uuid4())
        info = self._run(op.submit(spec, key, self._deadline(timeout)))
        return Job(self, info.id, info)

    def fetch(self, url: str, **options: Unpack[FetchOptions]) -> Job[HttpResult]:
        """Has the server call a URL."""
        return self.submit_spec(jobs.fetch(url, **options))

    def exec(
        self, name: str, args: Sequence[str] = (), **options: Unpack[CommandOptions]
    ) -> Job[ExecResult]:
        """Has a command run that a worker's configuration allows."""
        return self.submit_spec(jobs.command(name, args, **options))

    def submit_each(
        self,
        specs: Iterable[JobSpec[R]],
        *,
        chunk: int = DEFAULT_CHUNK,
        progress: bool | None = None,
        timeout: float | None = None,
    ) -> Iterator[Job[R] | CallError]:
        """Stores any number of jobs, `chunk` in a call of `timeout` seconds, as you iterate: a
        handle or the error of each, in order. `progress`: a bar on standard error; None: if that
        is a terminal."""
        shown = bar(specs, progress)
        try:
            for piece in chunks(specs, chunk):
                key = str(uuid.uuid4())
                for answer in self._run(op.submit_many(piece, key, self._deadline(timeout))):
                    yield answer if isinstance(answer, CallError) else Job(self, answer.id, answer)
                shown.update(len(piece))
        finally:
            shown.close()

    def submit_many(
        self,
        specs: Iterable[JobSpec[R]],
        *,
        chunk: int = DEFAULT_CHUNK,
        progress: bool | None = None,
        timeout: float | None = None,
    ) -> list[Job[R]]:
        """submit_each, all of it: the handles in order. BatchError if some were refused; the others
        are stored then."""
        answers = list(self.submit_each(specs, chunk=chunk, progress=progress, timeout=timeout))
        return accepted(answers)  # type: ignore[no-any-return]

    # ---- one job ----

    def job(self, id: str) -> Job[Any]:
        """A handle of a job whose id you have. Asks nothing."""
        return Job(self, id)

    def get(self, job: JobRef, full: bool = False, timeout: float | None = None) -> JobInfo:
        """A job as it is now; `full`: with its input and result."""
        return self._run(op.get(job_id(job), full, self._deadline(timeout)))

    def wait(self, job: JobRef, timeout: float = 60.0) -> Outcome:
        """How a job ended. DeadlineExceeded if it has not after `timeout` seconds."""
        return self._run(op.wait(job_id(job), Deadline(timeout)))

    def result(self, job: JobRef, timeout: float = 60.0) -> Any:
        """What a job produced. See Job.result."""
        return self.job(job_id(job)).result(timeout)

    def output(self, job: JobRef, timeout: float = 60.0) -> bytes:
        """The bytes of a result: response body, stdout, data, or JSON text."""
        return self._run(op.output(job_id(job), Deadline(timeout)))[0]

    def cancel(self, job: JobRef, timeout: float | None = None) -> JobInfo:
        """Ends a job that has not ended."""
        return self._run(op.cancel(job_id(job), self._deadline(timeout)))

    def retry(self, job: JobRef, timeout: float | None = None) -> JobInfo:
        """Makes a job ready again that ended without success."""
        return self._run(op.retry(job_id(job), self._deadline(timeout)))

    def delete(self, job: JobRef, timeout: float | None = None) -> None:
        """Forgets a job. FailedPrecondition while it runs, NotFound when it is gone."""
        self._run(op.delete(job_id(job), self._deadline(timeout)))

    def explain(self, job: JobRef, timeout: float | None = None) -> Explanation:
        """Why a job is not running now."""
        return self._run(op.explain(job_id(job), self._deadline(timeout)))

    def watch(self, job: JobRef, timeout: float = 3600.0) -> Iterator[Event]:
        """Each change of a job until its end, the state as it is now first. Streams that break are
        taken up again where they were. DeadlineExceeded after `timeout` seconds."""
        yield from self._follow(Following(job_id(job), Deadline(timeout)))

    def watch_queue(self, name: str, timeout: float = 3600.0) -> Iterator[QueueEvent]:
        """What happens in a queue, the queue as it is now first. Streams that break are taken up
        again where they were. DeadlineExceeded after `timeout` seconds."""
        yield from self._follow(FollowingQueue(name, Deadline(timeout)))

    def _follow(self, following: Followed[E]) -> Iterator[E]:
        while not following.ended:
            try:
                with self._connections.stream(following.request(), following.timeout()) as stream:
                    if following.opened(stream.status):
                        while not following.ended:
                            piece = stream.read(following.timeout())
                            yield from following.feed(piece)
                            if not piece:
                                break
                        continue
                    body = stream.read(following.timeout())
                if not following.ended:
                    reply = Reply(stream.status, stream.headers, body)
                    self._pause(following.refused(reply))
            except StreamBroken as broken:
                self._pause(following.broken(broken.how))

    def _pause(self, seconds: float) -> None:
        self._run(op.pause(seconds))

    # ---- many jobs ----

    def list(
        self,
        *,
        page_size: int = 0,
        timeout: float | None = None,
        **matching: Unpack[JobFilter],
    ) -> Iterator[JobInfo]:
        """All jobs that match (none given: all), newest first, page by page as you iterate;
        `timeout` is for each page."""
        token = ""
        while True:
            page = op.list_jobs(matching, page_size, token, self._deadline(timeout))
            found, token = self._run(page)
            yield from found
            if not token:
                return

    def cancel_many(self, *, timeout: float = 600.0, **matching: Unpack[JobFilter]) -> int:
        """Cancels all jobs that match; how many there were."""
        return self._run(op.bulk("cancel", matching, Deadline(timeout)))

    def retry_many(self, *, timeout: float = 600.0, **matching: Unpack[JobFilter]) -> int:
        """Makes all jobs ready again that match and ended without success; how many there were."""
        return self._run(op.bulk("retry", matching, Deadline(timeout)))

    def delete_many(self, *, timeout: float = 600.0, **matching: Unpack[JobFilter]) -> int:
        """Deletes all jobs that match and do not run; how many there were."""
        return self._run(op.bulk("delete", matching, Deadline(timeout)))

    # ---- queues, workers, server ----

    def queues(self, timeout: float | None = None) -> Sequence[QueueInfo]:
        """All queues by name."""
        return self._run(op.queues(self._deadline(timeout)))

    def queue(self, name: str, timeout: float | None = None) -> QueueInfo:
        """One queue."""
        return self._run(op.queue_call("GET", name, "", None, self._deadline(timeout)))

    def update_queue(
        self, name: str, *, timeout: float | None = None, **settings: Unpack[QueueSettings]
    ) -> QueueInfo:
        """Changes the settings given; None clears one."""
        body = op.queue_settings(settings)
        return self._run(op.queue_call("PATCH", name, "", body, self._deadline(timeout)))

    def pause_queue(self, name: str, timeout: float | None = None) -> QueueInfo:
        """Starts no more jobs of a queue."""
        return self._run(op.queue_call("POST", name, ":pause", {}, self._deadline(timeout)))

    def resume_queue(self, name: str, timeout: float | None = None) -> QueueInfo:
        """Ends a pause."""
        return self._run(op.queue_call("POST", name, ":resume", {}, self._deadline(timeout)))

    def purge_queue(self, name: str, timeout: float = 600.0) -> int:
        """Deletes the jobs of a queue that wait; how many there were."""
        return self._run(op.purge(name, Deadline(timeout)))

    def workers(self, timeout: float | None = None) -> Sequence[WorkerInfo]:
        """The workers heard of lately."""
        return self._run(op.workers(self._deadline(timeout)))

    def stats(self, timeout: float | None = None) -> Stats:
        """Counters of the server."""
        return self._run(op.stats(self._deadline(timeout)))

    def server_info(self, timeout: float | None = None) -> ServerInfo:
        """Version, health and caps of the server."""
        return self._run(op.info(self._deadline(timeout)))


def accepted(answers: Sequence[Any]) -> Any:
    """The answers of a batch; BatchError if some are errors."""
    errors = {n: answer for n, answer in enumerate(answers) if isinstance(answer, CallError)}
    if errors:
        raise BatchError([None if n in errors else job for n, job in enumerate(answers)], errors)
    return answers
