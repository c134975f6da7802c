"""Each call of the server as a flow, for both clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from . import _flow
from ._encoding import Seconds, duration_text
from ._flow import Deadline, Flow, Reply, segment
from .errors import CallError, FailedPrecondition, NotFound, Status, call_error
from .jobs import JobSpec
from .models import Explanation, JobInfo, Outcome, State
from .queues import QueueInfo, RateLimit, ServerInfo, Stats, WorkerInfo

MAX_WAIT = 50.0  # seconds; the server takes 60
SPARE = 1.0  # seconds that the answer to a wait may come later
SILENCE = 10.0  # seconds later than that: the connection is dead, though nobody has said so


def _job_path(job_id: str, verb: str = "") -> str:
    return f"/v1/jobs/{segment(job_id)}{verb}"


def submit(spec: JobSpec[Any], key: str, deadline: Deadline) -> Flow[JobInfo]:
    """Stores a job; `key` makes repeats harmless."""
    headers = {"Idempotency-Key": key}
    wanted = _flow.request("POST", "/v1/jobs", spec.body, headers=headers)
    return _flow.call(wanted, deadline, JobInfo.from_json)


def submit_many(
    specs: Sequence[bytes], key: str, deadline: Deadline
) -> Flow[list[JobInfo | CallError]]:
    """Stores jobs, each as JSON, with one call: a JobInfo or the error of each, in order."""
    body = b'{"jobs":[' + b",".join(specs) + b"]}"
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    wanted = _flow.Request("POST", "/v1/jobs:batch", body, headers)
    return _flow.call(wanted, deadline, _batch_results)


def _batch_results(body: Any) -> list[JobInfo | CallError]:
    return [
        JobInfo.from_json(item["job"])
        if "job" in item
        else call_error(Status.from_json(item["error"]))
        for item in body["results"]
    ]


def pause(seconds: float) -> Flow[None]:
    """Does nothing for so long."""
    yield _flow.Sleep(seconds)


def get(job_id: str, full: bool, deadline: Deadline) -> Flow[JobInfo]:
    """A job as it is now."""
    query = {"view": "FULL" if full else None}
    wanted = _flow.request("GET", _job_path(job_id), query=query)
    return _flow.call(wanted, deadline, JobInfo.from_json)


def _waiting(job_id: str, what: str, deadline: Deadline) -> Flow[Reply]:
    """Asks until the job has ended; what comes after the deadline is DeadlineExceeded."""
    backoff = _flow.Backoff()
    while True:
        left = deadline.left()
        wait = min(MAX_WAIT, max(0.0, left))
        wanted = _flow.request("GET", _job_path(job_id, what), query={"wait": duration_text(wait)})
        # One more moment, so that a job that has ended is told of even when no time is left.
        until = Deadline(max(left, 0.0) + SPARE)
        reply = yield from _flow.send(wanted, until, patience=wait + SILENCE)
        if reply.status != 202:
            return reply
        if deadline.left() <= 0:
            raise deadline.error(f"job {job_id} has not ended")
        if left - deadline.left() < wait / 2:  # so many wait that the server answers at once
            yield _flow.Sleep(min(backoff.next(), max(0.0, deadline.left())))


def wait(job_id: str, deadline: Deadline) -> Flow[Outcome]:
    """The outcome of a job, once it has ended."""
    reply = yield from _waiting(job_id, "/result", deadline)
    return Outcome.from_json(reply.json())


def output(job_id: str, deadline: Deadline) -> Flow[tuple[bytes, str]]:
    """The bytes of a result, and their content type."""
    reply = yield from _waiting(job_id, "/output", deadline)
    return reply.body, reply.headers.get("content-type", "")


def cancel(job_id: str, deadline: Deadline) -> Flow[JobInfo]:
    """Ends an unfinished job."""
    wanted = _flow.request("POST", _job_path(job_id, ":cancel"), {})
    return _flow.call(wanted, deadline, JobInfo.from_json)


def retry(job_id: str, deadline: Deadline) -> Flow[JobInfo]:
    """Makes an ended job ready again. One that a lost call made ready already is no error."""
    repeats: list[Any] = []
    wanted = _flow.request("POST", _job_path(job_id, ":retry"), {})
    try:
        reply = yield from _flow.send(wanted, deadline, repeats)
    except FailedPrecondition:
        if not repeats:
            raise
        return (yield from get(job_id, False, deadline))
    return JobInfo.from_json(reply.json())


def delete(job_id: str, deadline: Deadline) -> Flow[None]:
    """Forgets a job. One that a lost call deleted already is no error."""
    repeats: list[Any] = []
    try:
        yield from _flow.send(_flow.request("DELETE", _job_path(job_id)), deadline, repeats)
    except NotFound:
        if not repeats:
            raise


def explain(job_id: str, deadline: Deadline) -> Flow[Explanation]:
    """Why a job is not running."""
    wanted = _flow.request("GET", _job_path(job_id, ":explain"))
    return _flow.call(wanted, deadline, Explanation.from_json)


class JobFilter(TypedDict, total=False):
    """Jobs that match everything given. `label` is `key:value`."""

    queue: str
    state: State | str
    kind: str
    label: str


def filter_json(matching: Mapping[str, Any]) -> dict[str, Any]:
    """A filter as the server reads it, without what is None."""
    body = {name: value for name, value in matching.items() if value is not None}
    for name in body:
        if name not in JobFilter.__annotations__:
            raise TypeError(f"jobs are not found by {name!r}")
    if "state" in body:
        body["state"] = State(body["state"]).value
    return body


def list_jobs(
    matching: JobFilter, page_size: int, token: str, deadline: Deadline
) -> Flow[tuple[list[JobInfo], str]]:
    """One page of jobs, newest first, and the token of the next one."""
    query = {**filter_json(matching), "pageSize": page_size or None, "pageToken": token or None}
    wanted = _flow.request("GET", "/v1/jobs", query=query)
    body = (yield from _flow.send(wanted, deadline)).json()
    jobs = [JobInfo.from_json(item) for item in body.get("jobs", ())]
    return jobs, body.get("nextPageToken", "")


def bulk(verb: str, matching: JobFilter, deadline: Deadline) -> Flow[int]:
    """Cancels, retries or deletes all that match; how many there were."""
    body = filter_json(matching)
    if not body:
        raise ValueError("at least one of queue, state, kind and label has to be given")
    wanted = _flow.request("POST", f"/v1/jobs:{verb}", {"filter": body})
    return _flow.call(wanted, deadline, lambda body: int(body.get("count", 0)))


def _all_pages(path: str, member: str, deadline: Deadline) -> Flow[list[Any]]:
    items: list[Any] = []
    token: str | None = None
    while True:
        query = {"pageSize": 1000, "pageToken": token}
        body = (yield from _flow.send(_flow.request("GET", path, query=query), deadline)).json()
        items += body.get(member, ())
        token = body.get("nextPageToken") or None
        if token is None:
            return items


def queues(deadline: Deadline) -> Flow[list[QueueInfo]]:
    """All queues by name."""
    items = yield from _all_pages("/v1/queues", "queues", deadline)
    return [QueueInfo.from_json(item) for item in items]


def workers(deadline: Deadline) -> Flow[list[WorkerInfo]]:
    """The workers heard of lately."""
    items = yield from _all_pages("/v1/workers", "workers", deadline)
    return [WorkerInfo.from_json(item) for item in items]


def queue_call(method: str, name: str, verb: str, body: Any, deadline: Deadline) -> Flow[QueueInfo]:
    """A call that answers with the queue."""
    wanted = _flow.request(method, f"/v1/queues/{segment(name)}{verb}", body)
    return _flow.call(wanted, deadline, QueueInfo.from_json)


class QueueSettings(TypedDict, total=False):
    """What a queue may be told; None clears a setting."""

    rate_limit: RateLimit | None
    max_running: int | None
    max_per_key: int | None
    max_depth: int | None
    aging: Seconds | None
    """One point of priority is worth this much waiting."""
    hold_on_retry_after: bool | None
    """An answer with Retry-After holds back the whole queue."""


_SETTINGS = {
    "rate_limit": "rateLimit",
    "max_running": "maxRunning",
    "max_per_key": "maxPerKey",
    "max_depth": "maxDepth",
    "aging": "aging",
    "hold_on_retry_after": "holdOnRetryAfter",
}


def queue_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as the server reads them; None clears one."""
    body: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise TypeError(f"there is no setting {name!r}")
        if isinstance(value, RateLimit):
            value = {"count": value.count, "per": duration_text(value.per), "burst": value.burst}
        elif isinstance(value, timedelta) or (name == "aging" and value is not None):
            value = duration_text(value)
        body[_SETTINGS[name]] = value
    return body


def purge(name: str, deadline: Deadline) -> Flow[int]:
    """Deletes the jobs of a queue that wait; how many there were."""
    wanted = _flow.request("POST", f"/v1/queues/{segment(name)}:purge", {})
    return _flow.call(wanted, deadline, lambda body: int(body.get("count", 0)))


def stats(deadline: Deadline) -> Flow[Stats]:
    """Counters of the server."""
    return _flow.call(_flow.request("GET", "/v1/server/stats"), deadline, Stats.from_json)


def info(deadline: Deadline) -> Flow[ServerInfo]:
    """Version, health and caps of the server."""
    return _flow.call(_flow.request("GET", "/v1/server"), deadline, ServerInfo.from_json)
