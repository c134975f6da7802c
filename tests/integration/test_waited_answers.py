"""Who waits for the end of a job is told the same as who asks for it later, byte for byte."""

import concurrent.futures
import json
import uuid

import pytest
from google.protobuf import json_format, struct_pb2, timestamp_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages, server_service_pb2 as servers
from harness.http_api import HttpApi
from harness.rpc import duration, open_response
from harness.tasks import task
from harness.waiting import wait_until
from harness.worker import failure, released, success

SUBMIT = "/errand.v1.JobService/Submit"
GET = "/errand.v1.JobService/Get"
GET_RESULT = "/errand.v1.JobService/GetResult"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
QUICK = job_pb2.RetryPolicy(max_attempts=2, min_backoff=duration(0.01))

# Maps and objects are in no order here: they are stored in one.
VALUE = json_format.ParseDict({"z": [1, {"b": None, "a": True}], "a": "text"}, struct_pb2.Value())
LABELS = {"zone": "b", "alpha": "", "m": "x" * 100}
JOBS = {
    "plain": task(),
    "empty": job_pb2.Job(kind="task"),
    "object": job_pb2.Job(kind="task", args=VALUE),
    "bytes": job_pb2.Job(
        kind="task", data=job_pb2.Data(content_type="image/png", body=b"\0" * 70000)
    ),
    "labels": task(labels=LABELS, priority=3),
    "keys": task(unique_key="only one", concurrency_key="at once"),
    "named": task(id="01890000-0000-7000-8000-0000000000aa", queue="other", retry=QUICK),
    "short": task(retention=duration(60), attempt_timeout=duration(5)),
    "expiring": task(expire_time=timestamp_pb2.Timestamp(seconds=4000000000)),
    "delayed": task(delay=duration(0.01)),
    "callback": task(
        callback=job_pb2.Callback(
            url="http://127.0.0.1:1/",
            headers={"x-b": "2", "x-a": "1"},
            on=[job_pb2.Job.FAILED],
            secret=SECRET,
        )
    ),
    "called back": task(callback=job_pb2.Callback(url="http://127.0.0.1:1/", secret=SECRET)),
}


def at_once(worker, one):
    worker.report(success(one))


def by_pipeline(worker, one):
    worker.push(worker.batch(success(one)))


def with_bytes(worker, one):
    outcome = success(one)
    outcome.success.data.CopyFrom(job_pb2.Data(content_type="x/y", body=b"\xff" * 200000))
    worker.report(outcome)


def with_nothing(worker, one):
    outcome = success(one)
    outcome.success.Clear()
    worker.report(outcome)


def with_progress(worker, one):
    worker.heartbeat(one, progress=(3, 10, "resizing"))
    worker.report(success(one))


def after_a_failure(worker, one):
    worker.heartbeat(one, progress=(1, 10, "that does not count"))
    worker.report(failure(one, "out of paper", retry_after=0.001))
    worker.report(success(worker.lease_one()))


def after_a_return(worker, one):
    worker.report(released(one))
    worker.report(success(worker.lease_one()))


def for_good(worker, one):
    worker.report(failure(one, "out of ink", retryable=False))


WAYS = [
    at_once,
    by_pipeline,
    with_bytes,
    with_nothing,
    with_progress,
    after_a_failure,
    after_a_return,
    for_good,
]


def waiting_calls(rpc):
    return rpc.server.GetStats(servers.GetStatsRequest()).waiting_calls


class Answers:
    """A job that is waited for by a Submit and by a GetResult, and asked for when it has ended."""

    def __init__(self, rpc, job, metadata=None):
        self.rpc = rpc
        request = messages.SubmitRequest(job=job, wait=duration(50))
        self.id = job.id
        self.submitted = rpc.start_raw(SUBMIT, request.SerializeToString(), metadata=metadata)
        wait_until(lambda: waiting_calls(rpc) == 1, "the Submit waits")

    def park(self):
        request = messages.GetResultRequest(id=self.id, wait=duration(50)).SerializeToString()
        self.parked = self.rpc.start_raw(GET_RESULT, request)
        wait_until(lambda: waiting_calls(self.rpc) == 2, "the GetResult waits")

    def compare(self):
        whole = messages.GetJobRequest(id=self.id, view=job_pb2.FULL).SerializeToString()
        result = messages.GetResultRequest(id=self.id).SerializeToString()
        told = open_response(self.submitted.result(60))
        assert told == self.rpc.call_raw(GET, whole)
        assert open_response(self.parked.result(60)) == self.rpc.call_raw(GET_RESULT, result)
        return job_pb2.Job.FromString(told)


def run(rpc, worker, job, way, metadata=None):
    waiting = Answers(rpc, job, metadata)
    one = worker.lease_one()
    waiting.id = one.job.id
    waiting.park()
    way(worker, one)
    return waiting.compare()


@pytest.fixture
def quiet_server(start_server):
    return start_server("--workers", "0")  # whose calls would wait too


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_who_waited_is_told_what_is_stored(quiet_server, connect, start_worker, way):
    job = run(connect(quiet_server), start_worker(quiet_server, kinds=["task"]), task(), way)
    assert job.attempt == (2 if way in (after_a_failure, after_a_return) else 1)
    assert len(job.attempts) == (way in (after_a_failure, for_good))
    assert job.HasField("progress") == (way is with_progress)
    assert job.HasField("result") == (way not in (for_good, with_nothing))


def test_who_waited_is_told_of_every_field(quiet_server, connect, start_worker):
    rpc, worker = connect(quiet_server), start_worker(quiet_server, kinds=["task"])
    for name, job in JOBS.items():
        told = run(rpc, worker, job, at_once)
        assert told.state == job_pb2.Job.SUCCEEDED, name
        assert told.callback.secret == "", name
        assert told.result.value.string_value == "done", name


def test_who_waited_is_told_of_the_trace(quiet_server, connect, start_worker):
    rpc, worker = connect(quiet_server), start_worker(quiet_server, kinds=["task"])
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    told = run(rpc, worker, task(), at_once, metadata={"traceparent": trace})
    assert told.traceparent == trace


def test_who_waited_for_a_job_that_was_there_is_told_so(quiet_server, connect, start_worker):
    rpc, worker = connect(quiet_server), start_worker(quiet_server, kinds=["task"])
    job = task(unique_key="only one", labels=LABELS)
    first = rpc.jobs.Submit(messages.SubmitRequest(job=job))
    waiting = Answers(rpc, task("another", unique_key="only one"))
    worker.report(success(worker.lease_one()))
    told = job_pb2.Job.FromString(open_response(waiting.submitted.result(60)))
    assert told.duplicate
    told.duplicate = False
    whole = rpc.jobs.Get(messages.GetJobRequest(id=first.id, view=job_pb2.FULL))
    assert told == whole and told.args.string_value == "x"


def test_who_waited_for_a_job_tried_again_by_hand_is_told_what_is_stored(
    quiet_server, connect, start_worker
):
    rpc, worker = connect(quiet_server), start_worker(quiet_server, kinds=["task"])
    job = task(id=str(uuid.uuid4()))
    rpc.jobs.Submit(messages.SubmitRequest(job=job))
    for_good(worker, worker.lease_one())
    rpc.jobs.Retry(messages.RetryJobRequest(id=job.id))
    waiting = Answers(rpc, job)
    waiting.park()
    at_once(worker, worker.lease_one())
    told = job_pb2.Job.FromString(open_response(waiting.submitted.result(60)))
    assert told.duplicate and len(told.attempts) == 1 and told.attempt == 2
    result = messages.GetResultRequest(id=job.id).SerializeToString()
    assert open_response(waiting.parked.result(60)) == rpc.call_raw(GET_RESULT, result)


def test_who_waited_over_http_is_told_the_same(quiet_server, connect, start_worker):
    api, worker = HttpApi(quiet_server.http), start_worker(quiet_server, kinds=["task"])
    rpc = connect(quiet_server)
    job = {"kind": "task", "args": {"b": 1, "a": [2]}, "labels": LABELS}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        submitted = pool.submit(api.post, "/v1/jobs?wait=50s", job)
        one = worker.lease_one()
        path = f"/v1/jobs/{one.job.id}"
        result = pool.submit(api.get, path + "/result?wait=50s")
        wait_until(lambda: waiting_calls(rpc) == 2, "both wait")
        with_bytes(worker, one)
        told = submitted.result(60).json()
    assert told == api.get(path + "?view=FULL").json()
    assert json.dumps(result.result(60).json()) == json.dumps(api.get(path + "/result").json())
