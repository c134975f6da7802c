"""Handles of submitted jobs: what can be asked of a job without naming its id again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import Code, JobCancelled, JobError, JobExpired, JobFailed, Status
from .models import Data, Event, Explanation, JobInfo, Outcome, State

if TYPE_CHECKING:
    from .aio import AsyncClient
    from .client import Client

R = TypeVar("R", covariant=True)

_ENDINGS = {State.CANCELLED: JobCancelled, State.EXPIRED: JobExpired}
_UNTOLD = {State.CANCELLED: Status(Code.CANCELLED, "it was cancelled")}  # a job has no error then


def value_of(outcome: Outcome) -> Any:
    """What a job produced; JobFailed, JobCancelled or JobExpired when it did not succeed."""
    if outcome.state is not State.SUCCEEDED:
        status = outcome.error or _UNTOLD.get(outcome.state) or Status(Code.UNKNOWN)
        kind: type[JobError] = _ENDINGS.get(outcome.state, JobFailed)
        raise kind(outcome.id, outcome.state.value, status)
    return outcome.result.body if isinstance(outcome.result, Data) else outcome.result


class Job(Generic[R]):
    """A job. `info` is the job as it was when it was submitted, None if it was not by this handle.

    Calls raise CallError (NotFound when the server knows no such job), and end within `timeout`
    seconds, by default the client's."""

    def __init__(self, client: Client, id: str, info: JobInfo | None = None) -> None:
        self._client = client
        self.id = id
        self.info = info

    def __repr__(self) -> str:
        return f"<errand.Job {self.id}>"

    @property
    def duplicate(self) -> bool:
        """Whether the job was there already when it was submitted."""
        return self.info is not None and self.info.duplicate

    def result(self, timeout: float = 60.0) -> R:
        """What the job produced, waiting for it: the function's value for a task, any JSON value,
        bytes, HttpResult or ExecResult. JobError if it did not succeed, DeadlineExceeded (a
        TimeoutError) if it has not ended after `timeout` seconds."""
        return value_of(self.wait(timeout))  # type: ignore[no-any-return]

    def wait(self, timeout: float = 60.0) -> Outcome:
        """How the job ended, well or not. DeadlineExceeded after `timeout` seconds."""
        return self._client.wait(self.id, timeout)

    def output(self, timeout: float = 60.0) -> bytes:
        """The bytes of the result: response body, stdout, data, or JSON text."""
        return self._client.output(self.id, timeout)

    def get(self, full: bool = False, timeout: float | None = None) -> JobInfo:
        """The job as it is now; `full`: with its input and result."""
        return self._client.get(self.id, full, timeout)

    def watch(self, timeout: float = 3600.0) -> Iterator[Event]:
        """Each change until the end, the state as it is now first."""
        return self._client.watch(self.id, timeout)

    def cancel(self, timeout: float | None = None) -> JobInfo:
        """Ends the job if it has not ended."""
        return self._client.cancel(self.id, timeout)

    def retry(self, timeout: float | None = None) -> JobInfo:
        """Makes a job ready again that did not succeed."""
        return self._client.retry(self.id, timeout)

    def delete(self, timeout: float | None = None) -> None:
        """Forgets the job. FailedPrecondition while it runs."""
        self._client.delete(self.id, timeout)

    def explain(self, timeout: float | None = None) -> Explanation:
        """Why it is not running now."""
        return self._client.explain(self.id, timeout)


class AsyncJob(Generic[R]):
    """Job for asyncio."""

    def __init__(self, client: AsyncClient, id: str, info: JobInfo | None = None) -> None:
        self._client = client
        self.id = id
        self.info = info

    def __repr__(self) -> str:
        return f"<errand.AsyncJob {self.id}>"

    @property
    def duplicate(self) -> bool:
        """Whether the job was there already when it was submitted."""
        return self.info is not None and self.info.duplicate

    async def result(self, timeout: float = 60.0) -> R:
        """As Job.result."""
        return value_of(await self.wait(timeout))  # type: ignore[no-any-return]

    async def wait(self, timeout: float = 60.0) -> Outcome:
        """As Job.wait."""
        return await self._client.wait(self.id, timeout)

    async def output(self, timeout: float = 60.0) -> bytes:
        """As Job.output."""
        return await self._client.output(self.id, timeout)

    async def get(self, full: bool = False, timeout: float | None = None) -> JobInfo:
        """As Job.get."""
        return await self._client.get(self.id, full, timeout)

    def watch(self, timeout: float = 3600.0) -> AsyncIterator[Event]:
        """As Job.watch, for `async for`."""
        return self._client.watch(self.id, timeout)

    async def cancel(self, timeout: float | None = None) -> JobInfo:
        """As Job.cancel."""
        return await self._client.cancel(self.id, timeout)

    async def retry(self, timeout: float | None = None) -> JobInfo:
        """As Job.retry."""
        return await self._client.retry(self.id, timeout)

    async def delete(self, timeout: float | None = None) -> None:
        """As Job.delete."""
        await self._client.delete(self.id, timeout)

    async def explain(self, timeout: float | None = None) -> Explanation:
        """As Job.explain."""
        return await self._client.explain(self.id, timeout)
