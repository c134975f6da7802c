"""Errand: background jobs for other services. This is its client and worker for Python.

client = errand.Client("http://127.0.0.1:6780")
print(client.fetch("https://example.org/").result(timeout=30).body)
"""

from pkgutil import extend_path

# So that the messages that protoc makes (errand.v1) may be imported beside this package.
__path__ = extend_path(__path__, __name__)

from typing import TYPE_CHECKING, Any

from ._version import __version__
from .client import Client
from .context import Context, current
from .errors import (
    Aborted,
    AlreadyExists,
    BatchError,
    CallError,
    Cancelled,
    Code,
    DataLoss,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    JobCancelled,
    JobError,
    JobExpired,
    JobFailed,
    NotFound,
    OutOfRange,
    Permanent,
    PermissionDenied,
    ResourceExhausted,
    RetryLater,
    Status,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
    Violation,
)
from .handles import AsyncJob, Job
from .jobs import (
    Callback,
    JobOptions,
    JobSpec,
    Retry,
    command,
    data,
    fetch,
    job,
)
from .models import (
    Data,
    Event,
    ExecResult,
    Explanation,
    HttpResult,
    JobInfo,
    Outcome,
    Progress,
    ProgressMade,
    State,
    StateChange,
)
from .queues import (
    EventsMissing,
    JobChange,
    QueueChange,
    QueueEvent,
    QueueInfo,
    RateLimit,
    ServerInfo,
    Stats,
    WorkerInfo,
)
from .task import AsyncTask, Task
from .worker import Worker

if TYPE_CHECKING:
    from .aio import AsyncClient


def __getattr__(name: str) -> Any:
    """AsyncClient is imported when it is asked for: it needs aiohttp, the rest does not."""
    if name == "AsyncClient":
        from .aio import AsyncClient

        return AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Aborted", "AlreadyExists", "AsyncClient", "AsyncJob", "AsyncTask", "BatchError", "CallError",
    "Callback", "Cancelled", "Client", "Code", "Context", "Data", "DataLoss", "DeadlineExceeded",
    "Error", "Event", "EventsMissing", "ExecResult", "Explanation", "FailedPrecondition",
    "HttpResult", "Internal", "InvalidArgument", "Job", "JobCancelled", "JobChange", "JobError",
    "JobExpired", "JobFailed", "JobInfo", "JobOptions", "JobSpec", "NotFound", "OutOfRange",
    "Outcome", "Permanent", "PermissionDenied", "Progress", "ProgressMade", "QueueChange",
    "QueueEvent", "QueueInfo", "RateLimit", "ResourceExhausted", "Retry", "RetryLater",
    "ServerInfo", "State", "StateChange", "Stats", "Status", "Task", "Unauthenticated",
    "Unavailable", "Unimplemented", "Unknown", "Violation", "Worker", "WorkerInfo", "__version__",
    "command", "current", "data", "fetch", "job",
]  # fmt: skip
