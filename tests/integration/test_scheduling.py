"""When jobs start: delay, schedule time, priority, order."""

import datetime
import time

import pytest
from google.protobuf import struct_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages
from errand.v1.worker_service_pb2 import LeaseResponse
from harness.rpc import duration, open_response
from harness.worker import success


def task(name="x", **fields):
    value = struct_pb2.Value(string_value=name)
    return messages.SubmitRequest(job=job_pb2.Job(kind="task", args=value, **fields))


def test_a_delayed_job_starts_when_its_time_has_come(rpc, worker):
    start = time.time()
    job = rpc.jobs.Submit(task(delay=duration(1)))
    assert job.state == job_pb2.Job.SCHEDULED
    assert not worker.lease().assignments
    assert worker.lease_one().job.id == job.id
    assert time.time() - start >= 1


def test_a_schedule_time_holds_a_job_back_until_then(rpc, worker):
    request = task()
    request.job.schedule_time.FromDatetime(
        datetime.datetime.utcnow() + datetime.timedelta(seconds=1)
    )
    due = time.time() + 1
    job = rpc.jobs.Submit(request)
    assert job.state == job_pb2.Job.SCHEDULED
    assert worker.lease_one().job.id == job.id
    assert time.time() >= due - 0.05


def test_a_schedule_time_in_the_past_is_now(rpc, worker):
    request = task()
    request.job.schedule_time.FromDatetime(datetime.datetime(2001, 1, 1))
    assert rpc.jobs.Submit(request).state == job_pb2.Job.READY
    worker.lease_one()


def test_higher_priority_first_then_order_of_submission(rpc, worker):
    for name, priority in (("a", 0), ("b", -5), ("c", 7), ("d", 0), ("e", 7), ("f", 100)):
        rpc.jobs.Submit(task(name, priority=priority))
    order = []
    for _ in range(6):
        one = worker.lease_one()
        order.append(one.job.args.string_value)
        worker.report(success(one))
    assert order == ["f", "c", "e", "a", "d", "b"]


def test_a_job_submitted_later_overtakes_by_priority(rpc, worker):
    rpc.jobs.Submit(task("low"))
    first = worker.lease_one()
    rpc.jobs.Submit(task("low"))
    rpc.jobs.Submit(task("high", priority=1))
    worker.report(success(first))
    assert worker.lease_one().job.args.string_value == "high"


def test_a_worker_gets_jobs_of_its_queues_and_kinds_only(server, rpc, start_worker):
    for queue, kind in (("q1", "task"), ("q2", "task"), ("q1", "other")):
        request = task(f"{queue} {kind}", queue=queue)
        request.job.kind = kind
        rpc.jobs.Submit(request)
    picky = start_worker(server, queues=["q1"], kinds=["task"])
    assert picky.lease_one().job.args.string_value == "q1 task"
    assert not picky.lease().assignments
    other = start_worker(server, queues=["q1", "q2"], kinds=["other", "task"])
    assert {one.job.args.string_value for one in other.lease(10).assignments} == {
        "q2 task",
        "q1 other",
    }


def test_a_parked_lease_is_answered_when_a_job_comes(rpc, worker):
    request = worker.lease_request(5, wait=60)
    parked = worker.rpc.start_raw(
        "/errand.v1.WorkerService/Lease", request.SerializeToString(), timeout=90
    )
    worker.rpc.server.GetInfo()  # behind it on the same connection: the server has seen both
    job = rpc.jobs.Submit(task())
    answer = LeaseResponse.FromString(open_response(parked.result(60)))
    assert [one.job.id for one in answer.assignments] == [job.id]


@pytest.mark.parametrize("field", ["delay", "schedule_time"])
def test_a_scheduled_job_survives_a_restart(server, connect, start_worker, field):
    request = task()
    if field == "delay":
        request.job.delay.CopyFrom(duration(2))
    else:
        request.job.schedule_time.FromDatetime(
            datetime.datetime.utcnow() + datetime.timedelta(seconds=2)
        )
    job = connect(server).jobs.Submit(request)
    server.kill()
    server.restart()
    worker = start_worker(server, kinds=["task"])
    assert worker.lease_one().job.id == job.id
