"""What can go wrong: calls that fail, jobs that do not succeed, and what workers raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any

from ._encoding import Seconds, parse_duration, seconds


class Code(str, Enum):
    """Kinds of failure, with the names of gRPC."""

    OK = "OK"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    DATA_LOSS = "DATA_LOSS"
    UNAUTHENTICATED = "UNAUTHENTICATED"

    @classmethod
    def named(cls, name: object) -> Code:
        """The code of this name; UNKNOWN for one that this version does not know."""
        return cls(name) if name in cls.__members__ else cls.UNKNOWN


@dataclass(frozen=True)
class Violation:
    """One wrong field of a request: its path (`job.http.url`), and what is wrong with it."""

    field: str
    description: str


@dataclass(frozen=True)
class Status:
    """Why a call or an attempt failed. `retry_delay`: when trying again makes sense."""

    code: Code
    message: str = ""
    violations: Sequence[Violation] = ()
    retry_delay: timedelta | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Status:
        """A status as the server writes it."""
        delay = body.get("retryDelay")
        return cls(
            Code.named(body.get("code", "OK")),
            str(body.get("message", "")),
            violations_from(body.get("violations")),
            None if delay is None else parse_duration(delay),
        )


def violations_from(items: Any) -> tuple[Violation, ...]:
    """The violations of a status or a problem document; none when they are malformed."""
    if not isinstance(items, list):
        return ()
    return tuple(
        Violation(str(item.get("field", "")), str(item.get("description", "")))
        for item in items
        if isinstance(item, dict)
    )


class Error(Exception):
    """Anything that this package raises of its own."""


class CallError(Error):
    """A call failed. There is a subclass for each code."""

    code = Code.UNKNOWN

    def __init__(self, status: Status) -> None:
        super().__init__(f"{status.code.value}: {status.message}")
        self.code = status.code
        self.message = status.message
        self.violations = status.violations
        self.retry_delay = status.retry_delay


class Cancelled(CallError):
    """The call was given up; in a worker: the job was cancelled, or its lease is lost."""


class Unknown(CallError):
    """A failure that fits no other code."""


class InvalidArgument(CallError):
    """The request is wrong; `violations` names the fields."""


class DeadlineExceeded(CallError, TimeoutError):
    """There was no answer, or the job did not end, within the time given."""


class NotFound(CallError):
    """No such job, queue or worker."""


class AlreadyExists(CallError):
    """A job with this id exists and is another one."""


class PermissionDenied(CallError):
    """The token does not allow this."""


class ResourceExhausted(CallError):
    """A cap was reached: a full queue (`retry_delay` says when to come again), a size."""


class FailedPrecondition(CallError):
    """The job or queue is not in a state for that."""


class Aborted(CallError):
    """A conflict; it may be tried again."""


class OutOfRange(CallError):
    """A value is out of range."""


class Unimplemented(CallError):
    """The server does not do that."""


class Internal(CallError):
    """A defect in the server."""


class Unavailable(CallError):
    """The server could not be reached, or can not answer now. Calls try again by themselves."""


class DataLoss(CallError):
    """Data is damaged."""


class Unauthenticated(CallError):
    """The token is missing or not valid."""


_CLASSES = {
    Code.CANCELLED: Cancelled,
    Code.UNKNOWN: Unknown,
    Code.INVALID_ARGUMENT: InvalidArgument,
    Code.DEADLINE_EXCEEDED: DeadlineExceeded,
    Code.NOT_FOUND: NotFound,
    Code.ALREADY_EXISTS: AlreadyExists,
    Code.PERMISSION_DENIED: PermissionDenied,
    Code.RESOURCE_EXHAUSTED: ResourceExhausted,
    Code.FAILED_PRECONDITION: FailedPrecondition,
    Code.ABORTED: Aborted,
    Code.OUT_OF_RANGE: OutOfRange,
    Code.UNIMPLEMENTED: Unimplemented,
    Code.INTERNAL: Internal,
    Code.UNAVAILABLE: Unavailable,
    Code.DATA_LOSS: DataLoss,
    Code.UNAUTHENTICATED: Unauthenticated,
}


def call_error(status: Status) -> CallError:
    """The exception of a status."""
    return _CLASSES.get(status.code, Unknown)(status)


class JobError(Error):
    """A job ended without success: its `job_id`, its `state`, and why (`status`)."""

    def __init__(self, job_id: str, state: str, status: Status) -> None:
        super().__init__(f"job {job_id} is {state}: {status.message or status.code.value}")
        self.job_id = job_id
        self.state = state
        self.status = status


class JobFailed(JobError):
    """Its attempts are used up, or it failed for good."""


class JobCancelled(JobError):
    """It was cancelled, or a job that it waited for did not succeed."""


class JobExpired(JobError):
    """It was not started by its expire time."""


class BatchError(Error):
    """Some jobs of a batch were refused: `errors` by their place. `jobs` has None there."""

    def __init__(self, jobs: Sequence[Any], errors: Mapping[int, CallError]) -> None:
        place, first = next(iter(errors.items()))
        super().__init__(f"{len(errors)} of {len(jobs)} jobs were refused; job {place}: {first}")
        self.jobs = jobs
        self.errors = errors


class Permanent(Error):
    """Raised by a task: it failed, and no further attempt would help."""


class RetryLater(Error):
    """Raised by a task: it failed, and may be tried again after this time, or its backoff."""

    def __init__(self, after: Seconds, message: str = "") -> None:
        super().__init__(message or f"try again in {seconds(after):g} s")
        self.after = seconds(after)
