"""Functions that run as jobs."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable, Generic, TypeVar, overload

from ._arguments import to_json
from .handles import Job
from .jobs import JobSpec, options_json

if sys.version_info >= (3, 10):
    from typing import ParamSpec
else:
    from typing_extensions import ParamSpec

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .jobs import JobOptions
    from .worker import Worker

P = ParamSpec("P")
R = TypeVar("R")


class BaseTask(Generic[P, R]):
    """A function that a worker runs as the handler of a kind.

    Its arguments and its value travel as JSON: whole numbers up to 2**53, no NaN, tuples arrive as
    lists. bytes may be returned too."""

    def __init__(
        self, worker: Worker, function: Callable[..., Any], kind: str, options: JobOptions
    ) -> None:
        functools.update_wrapper(self, function)
        self.kind = kind
        self.function = function
        self.signature = inspect.signature(function)
        self._worker = worker
        self._options = options
        self._body = {"kind": kind, **options_json(options)}

    def __repr__(self) -> str:
        return f"<errand.{type(self).__name__} {self.kind}>"

    def options(self, **options: Unpack[JobOptions]) -> BaseTask[P, R]:
        """The same task with other options: `resize.options(priority=5).submit(...)`."""
        merged: Any = {**self._options, **options}
        return type(self)(self._worker, self.function, self.kind, merged)

    def job(self, *args: P.args, **kwargs: P.kwargs) -> JobSpec[R]:
        """A job that calls the function so, to be submitted by any client. TypeError or ValueError
        for arguments that the function does not take or JSON can not tell."""
        call = to_json(self.signature, args, kwargs)
        return JobSpec({**self._body, "args": call} if call else self._body)

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """Submits a call. It is on disk when this returns. For asyncio, use
        `await client.submit(task.job(...))`."""
        return self._worker.client.submit(self.job(*args, **kwargs))

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> Job[R]:
        """submit, by the name that Celery gives it."""
        return self.submit(*args, **kwargs)


class Task(BaseTask[P, R]):
    """A plain function as a task. Calling it runs it here and now."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs the function here and now."""
        return self.function(*args, **kwargs)  # type: ignore[no-any-return]


class AsyncTask(BaseTask[P, R]):
    """An async function as a task. Calling and awaiting it runs it here and now."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        """Runs the function here and now, once awaited."""
        return self.function(*args, **kwargs)  # type: ignore[no-any-return]


class TaskDecorator:
    """What `worker.task(...)` with options gives."""

    def __init__(self, make: Callable[[Callable[..., Any]], Any]) -> None:
        self._make = make

    @overload
    def __call__(  # type: ignore[misc]
        self, function: Callable[P, Awaitable[R]]
    ) -> AsyncTask[P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R]) -> Task[P, R]: ...

    def __call__(self, function: Callable[..., Any]) -> Any:
        """The task that the function becomes."""
        return self._make(function)
