"""Several calls in one RPC message."""

import re
import uuid

import pytest

from errand.rpc.v1 import envelope_pb2
from errand.v1 import job_pb2, job_service_pb2, worker_service_pb2
from harness.http_api import HttpApi
from harness.rpc import CALL_SECONDS, RpcClient, RpcError, duration, open_response

SUBMIT = "/errand.v1.JobService/Submit"
GET = "/errand.v1.JobService/Get"
RESULT = "/errand.v1.JobService/GetResult"
LEASE = "/errand.v1.WorkerService/Lease"


class Together:
    """A server without workers, a connection, and calls that gather for one message."""

    def __init__(self, server):
        self.api = HttpApi(server.http)
        self.rpc = RpcClient(server.rpc)
        self.calls = []

    def add(self, method, request, request_id=None):
        call = envelope_pb2.Request(method=method, payload=request.SerializeToString())
        call.timeout.CopyFrom(duration(60))
        call.metadata["request-id"] = request_id or str(uuid.uuid4())
        self.calls.append(call.SerializeToString())

    def exchange(self):
        """The encoded answers."""
        whole = envelope_pb2.Request(calls=self.calls)
        self.calls = []
        body = self.rpc.connection.start(whole.SerializeToString()).result(CALL_SECONDS + 30)
        reply = envelope_pb2.Response.FromString(body)
        assert not reply.HasField("status")
        return reply.answers

    def jobs(self):
        return [job_pb2.Job.FromString(open_response(answer)) for answer in self.exchange()]

    def commits(self):
        text = self.api.get("/metrics").body.decode()
        return int(re.search(r"^errand_store_commit_seconds_count (\d+)$", text, re.MULTILINE)[1])


@pytest.fixture
def together(start_server):
    made = Together(start_server("--workers", "0"))
    yield made
    made.rpc.close()


def submit(**fields):
    return job_service_pb2.SubmitRequest(job=job_pb2.Job(kind="k", **fields))


def test_jobs_of_one_message_share_one_write(together):
    together.rpc.jobs.Submit(submit())
    before = together.commits()
    for priority in range(50):
        together.add(SUBMIT, submit(priority=priority))
    jobs = together.jobs()
    assert [job.priority for job in jobs] == list(range(50))
    assert len({job.id for job in jobs}) == 50
    # One, unless the server had something of its own to write.
    assert together.commits() - before <= 3


def test_a_message_that_comes_again_stores_nothing_twice(together):
    stored = []
    for _ in range(2):
        for number in range(10):
            together.add(SUBMIT, submit(), request_id=f"the same {number}")
        stored.append(together.jobs())
    assert [job.id for job in stored[0]] == [job.id for job in stored[1]]
    assert not any(job.duplicate for job in stored[0]) and all(job.duplicate for job in stored[1])


def test_calls_that_would_wait_are_answered_with_what_is_known(together):
    together.add(SUBMIT, submit())
    (job,) = together.jobs()
    together.add(RESULT, job_service_pb2.GetResultRequest(id=job.id, wait=duration(50)))
    waiting = submit()
    waiting.wait.CopyFrom(duration(50))
    together.add(SUBMIT, waiting)
    worker = worker_service_pb2.Worker(id=str(uuid.uuid4()), queues=["none"], kinds=["k"], concurrency=1)
    together.add(LEASE, worker_service_pb2.LeaseRequest(worker=worker, wait=duration(50), lease_sequence=1, max_jobs=1))
    result, stored, lease = (open_response(answer) for answer in together.exchange())
    assert job_service_pb2.GetResultResponse.FromString(result).state == job_pb2.Job.READY
    assert job_pb2.Job.FromString(stored).state == job_pb2.Job.READY
    assert not worker_service_pb2.LeaseResponse.FromString(lease).assignments


def test_a_refusal_is_of_its_call_alone(together):
    together.add(SUBMIT, submit())
    together.add(SUBMIT, submit(priority=1000))
    together.add(GET, job_service_pb2.GetJobRequest(id=str(uuid.uuid4())))
    good, wrong, missing = together.exchange()
    assert job_pb2.Job.FromString(open_response(good)).id
    for answer, code in ((wrong, "INVALID_ARGUMENT"), (missing, "NOT_FOUND")):
        with pytest.raises(RpcError) as caught:
            open_response(answer)
        assert caught.value.code == code
