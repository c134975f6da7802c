"""Waiting for results: thousands at once, and those who leave."""

import concurrent.futures
import socket

import pytest
from google.protobuf import struct_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages, server_service_pb2 as servers
from harness import sp
from harness.http_api import HttpApi
from harness.rpc import RpcError, duration, open_response
from harness.waiting import wait_until
from harness.worker import failure, success

WAITERS = 2000
GET_RESULT = "/errand.v1.JobService/GetResult"


def submit(rpc):
    job = job_pb2.Job(kind="task", args=struct_pb2.Value(bool_value=True))
    return rpc.jobs.Submit(messages.SubmitRequest(job=job)).id


def park(rpc, job_id, wait=55):
    request = messages.GetResultRequest(id=job_id, wait=duration(wait))
    return rpc.start_raw(GET_RESULT, request.SerializeToString(), timeout=90)


def waiting_calls(rpc):
    return rpc.server.GetStats(servers.GetStatsRequest()).waiting_calls


def state(future):
    return messages.GetResultResponse.FromString(open_response(future.result(60))).state


def test_a_waiter_is_answered_when_the_job_ends(rpc, worker):
    job_id = submit(rpc)
    waiting = park(rpc, job_id)
    one = worker.lease_one()
    assert not waiting.done()
    worker.report(success(one))
    assert state(waiting) == job_pb2.Job.SUCCEEDED


def test_a_wait_that_is_over_answers_with_the_state_so_far(rpc):
    assert state(park(rpc, submit(rpc), wait=0.05)) == job_pb2.Job.READY


def test_a_submit_whose_wait_is_over_tells_the_failed_attempts(start_server, connect, start_worker):
    server = start_server("--workers", "0")
    rpc, worker = connect(server), start_worker(server)
    job = job_pb2.Job(kind="task", args=struct_pb2.Value(bool_value=True))
    request = messages.SubmitRequest(job=job, wait=duration(55)).SerializeToString()
    metadata = {"request-id": "submit"}
    first = rpc.start_raw("/errand.v1.JobService/Submit", request, timeout=90, metadata=metadata)
    wait_until(lambda: waiting_calls(rpc) == 1, "it waits")
    worker.report(failure(worker.lease_one(), "the disk is full", retry_after=3600))
    again = rpc.start_raw("/errand.v1.JobService/Submit", request, timeout=90, metadata=metadata)
    told = job_pb2.Job.FromString(open_response(first.result(60)))  # its twin has replaced it
    assert told.state == job_pb2.Job.SCHEDULED and not told.duplicate
    assert told.error.message == "the disk is full" and len(told.attempts) == 1
    rpc.jobs.Cancel(messages.CancelJobRequest(id=told.id))
    assert job_pb2.Job.FromString(open_response(again.result(60))).state == job_pb2.Job.CANCELLED


def test_two_thousand_waiters_on_one_connection_are_all_answered(rpc, server, connect, worker):
    request = messages.BatchSubmitRequest()
    for _ in range(WAITERS):
        request.jobs.add(kind="task").args.bool_value = True
    ids = [result.job.id for result in rpc.jobs.BatchSubmit(request).results]
    waiting = [park(rpc, job_id) for job_id in ids]
    # Others are served meanwhile, on the same connection and on another one.
    assert rpc.server.GetInfo().health == "serving"
    assert connect(server).server.GetInfo().health == "serving"
    assert not any(future.done() for future in waiting)
    leased = []
    while len(leased) < WAITERS:
        answer = worker.lease(WAITERS - len(leased), wait=30)
        assert answer.assignments
        leased += answer.assignments
    worker.report(*(success(one) for one in leased))
    assert {state(future) for future in waiting} == {job_pb2.Job.SUCCEEDED}


def test_many_waiters_for_one_job_are_all_answered(rpc, worker):
    job_id = submit(rpc)
    waiting = [park(rpc, job_id) for _ in range(500)]
    worker.report(success(worker.lease_one()))
    assert {state(future) for future in waiting} == {job_pb2.Job.SUCCEEDED}


def test_waiters_that_leave_take_nothing_with_them(rpc, server, connect, worker):
    job_id = submit(rpc)
    for _ in range(5):
        stranger = connect(server)
        for _ in range(100):
            park(stranger, job_id)
        stranger.server.GetInfo()
        stranger.close()
    staying = park(rpc, job_id)
    worker.report(success(worker.lease_one()))
    assert state(staying) == job_pb2.Job.SUCCEEDED


def test_a_repeated_wait_replaces_its_twin(start_server, connect):
    rpc = connect(start_server("--workers", "0"))  # whose calls would wait too
    request = messages.GetResultRequest(id=submit(rpc), wait=duration(55)).SerializeToString()

    def wait_as(request_id):
        metadata = {"request-id": request_id}
        return rpc.start_raw(GET_RESULT, request, timeout=90, metadata=metadata)

    first, other = wait_as("same"), wait_as("another")
    wait_until(lambda: waiting_calls(rpc) == 2, "both wait")
    second = wait_as("same")
    assert state(first) == job_pb2.Job.READY
    wait_until(lambda: waiting_calls(rpc) == 2, "the second one waits in its place")
    job_id = messages.GetResultRequest.FromString(request).id
    rpc.jobs.Cancel(messages.CancelJobRequest(id=job_id))
    assert state(second) == state(other) == job_pb2.Job.CANCELLED


def test_waiting_is_the_same_over_http(api, rpc, worker):
    job_id = submit(rpc)
    answer = api.get(f"/v1/jobs/{job_id}/result?wait=0.05s")
    assert answer.status == 202 and answer.json()["state"] == "READY"
    worker.report(success(worker.lease_one(), "yes"))
    answer = api.get(f"/v1/jobs/{job_id}/result?wait=30s")
    assert answer.status == 200 and answer.json()["result"]["value"] == "yes"
    output = api.get(f"/v1/jobs/{job_id}/output")
    assert output.json() == "yes" and output.content_type == "application/json"


def test_an_http_waiter_that_leaves_does_not_disturb_others(api, server, rpc, worker):
    job_id = submit(rpc)
    for _ in range(50):
        with socket.create_connection(sp.address(server.http), 30) as leaver:
            leaver.sendall(
                f"GET /v1/jobs/{job_id}/result?wait=50s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
            )
    worker.report(success(worker.lease_one()))
    assert api.get(f"/v1/jobs/{job_id}/result?wait=30s").status == 200


def test_waiters_are_told_when_the_server_stops(server, rpc, connect):
    waiting = park(connect(server), submit(rpc))
    server.stop()
    wait_until(waiting.done, "the waiter is told")
    with pytest.raises(RpcError) as refused:
        state(waiting)
    assert refused.value.code == "UNAVAILABLE"


@pytest.mark.parametrize(
    "path, job",
    [
        ("/v1/jobs?wait=50s", {"kind": "task"}),
        ("/errand.v1.JobService/Submit", {"job": {"kind": "task"}, "wait": "50s"}),
    ],
)
def test_a_submit_that_waits_when_the_server_stops_tells_of_its_job(start_server, connect, path, job):
    server = start_server("--workers", "0")
    rpc = connect(server)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(HttpApi(server.http).post, path, job)
        wait_until(lambda: waiting_calls(rpc) == 1, "it waits")
        server.stop()
        answer = waiting.result(60)
    assert answer.status in (200, 201), answer
    server.restart()
    assert HttpApi(server.http).get(f"/v1/jobs/{answer.json()['id']}").json()["state"] == "READY"


def test_a_waiter_sees_the_result_of_a_job_that_is_not_kept(api, origin):
    job = {"http": {"url": origin.url + "/ok?body=brief"}, "retention": "0s"}
    whole = api.post("/v1/jobs?wait=50s", job).json()
    assert whole["state"] == "SUCCEEDED" and whole["result"]["http"]["status"] == 200
    wait_until(lambda: api.get("/v1/jobs/" + whole["id"]).status == 404, "the job is purged")
