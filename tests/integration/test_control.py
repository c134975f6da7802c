"""Cancel, Retry and Delete: of one job, and of all that match a filter."""

import socket
import time
import uuid

import pytest

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.rpc import duration, open_response
from harness.tasks import State, get, refused, state_of, submit, submit_many, task
from harness.waiting import wait_until
from harness.worker import failure, leased, success

ONCE = job_pb2.RetryPolicy(max_attempts=1)
SECOND = 1_000_000_000


def cancel(rpc, job_id):
    return rpc.jobs.Cancel(messages.CancelJobRequest(id=job_id))


def retry(rpc, job_id):
    return rpc.jobs.Retry(messages.RetryJobRequest(id=job_id))


def delete(rpc, job_id):
    return rpc.jobs.Delete(messages.DeleteJobRequest(id=job_id))


def fail(rpc, worker, **fields):
    job = submit(rpc, retry=ONCE, **fields)
    worker.report(failure(worker.lease_one()))
    assert state_of(rpc, job.id) == "FAILED"
    return job.id


# ---- cancel ----


def test_jobs_that_wait_are_cancelled(rpc, worker):
    blocker = submit(rpc, delay=duration(3600))
    ids = [
        submit(rpc).id,
        submit(rpc, delay=duration(3600)).id,
        submit(rpc, after=[blocker.id]).id,
    ]
    assert [state_of(rpc, job_id) for job_id in ids] == ["READY", "SCHEDULED", "BLOCKED"]
    for job_id in ids:
        ended = cancel(rpc, job_id)
        assert ended.state == State.CANCELLED and ended.HasField("finish_time")
        assert state_of(rpc, job_id) == "CANCELLED"
    assert not worker.lease(10).assignments


def test_a_worker_with_a_parked_lease_is_told_at_once(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    parked = worker.start_lease(max_jobs=0, wait=50)
    assert cancel(rpc, job.id).state == State.CANCELLED
    answer = leased(parked, seconds=30)
    assert [(ref.job_id, ref.token) for ref in answer.cancel] == [(job.id, one.token)]
    assert not answer.assignments


def test_the_token_of_a_cancelled_job_is_void(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    cancel(rpc, job.id)
    answer = worker.report(success(one))
    assert answer.accepted == 0 and [ref.job_id for ref in answer.rejected] == [job.id]
    assert state_of(rpc, job.id) == "CANCELLED"


def test_a_cancellation_is_repeated_until_the_job_is_gone(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    worker.heartbeat(one)
    cancel(rpc, job.id)
    for _ in range(3):
        assert [ref.job_id for ref in worker.heartbeat(one).cancel] == [job.id]
    assert not worker.heartbeat().cancel


def test_an_http_transfer_is_aborted(api):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        port = listener.getsockname()[1]
        job = api.submit({"http": {"url": f"http://127.0.0.1:{port}/"}})
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            while b"\r\n\r\n" not in connection.recv(65536):
                pass
            assert api.post(f"/v1/jobs/{job['id']}:cancel", {}).json()["state"] == "CANCELLED"
            assert connection.recv(65536) == b""


def test_a_waiter_learns_of_the_cancellation(rpc, worker):
    job = submit(rpc)
    request = messages.GetResultRequest(id=job.id, wait=duration(50))
    waiting = rpc.start_raw("/errand.v1.JobService/GetResult", request.SerializeToString())
    cancel(rpc, job.id)
    answer = messages.GetResultResponse.FromString(open_response(waiting.result(30)))
    assert answer.state == State.CANCELLED and not answer.HasField("result")


def test_a_finished_job_is_answered_as_it_is(rpc, worker):
    job = submit(rpc)
    worker.report(success(worker.lease_one()))
    before = get(rpc, job.id)
    assert cancel(rpc, job.id).state == State.SUCCEEDED
    assert cancel(rpc, job.id).state == State.SUCCEEDED
    assert get(rpc, job.id) == before


def test_a_cancelled_job_makes_its_callback(api, origin):
    job = api.submit(
        {"kind": "task", "args": 1, "callback": {"url": origin.url + "/deliver/cancelled"}}
    )
    api.post(f"/v1/jobs/{job['id']}:cancel", {})
    (delivery,) = origin.wait_for("/deliver/cancelled")
    assert b'"job.cancelled"' in delivery.body


def test_a_cancelled_job_stays_cancelled_over_a_crash(server, connect):
    rpc = connect(server)
    job = submit(rpc)
    cancel(rpc, job.id)
    server.kill()
    server.restart()
    assert state_of(connect(server), job.id) == "CANCELLED"


# ---- retry ----


def test_a_failed_job_runs_again(rpc, worker):
    job_id = fail(rpc, worker)
    again = retry(rpc, job_id)
    assert again.state == State.READY and not again.HasField("finish_time")
    one = worker.lease_one()
    assert one.job.id == job_id and one.attempt == 2
    worker.report(success(one, "at last"))
    job = get(rpc, job_id)
    assert job.state == State.SUCCEEDED and job.result.value.string_value == "at last"
    assert [attempt.number for attempt in job.attempts] == [1]


def test_a_retried_job_has_its_attempts_again(rpc, worker):
    policy = job_pb2.RetryPolicy(max_attempts=2, min_backoff=duration(0.01))
    job = submit(rpc, retry=policy)
    for _ in range(2):
        worker.report(failure(worker.lease_one()))
    assert state_of(rpc, job.id) == "FAILED"
    retry(rpc, job.id)
    worker.report(failure(worker.lease_one()))
    assert state_of(rpc, job.id) in ("SCHEDULED", "READY")
    worker.report(success(worker.lease_one()))
    assert state_of(rpc, job.id) == "SUCCEEDED"


def test_a_cancelled_job_runs_again(rpc, worker):
    job = submit(rpc)
    cancel(rpc, job.id)
    assert retry(rpc, job.id).state == State.READY
    worker.report(success(worker.lease_one()))
    assert state_of(rpc, job.id) == "SUCCEEDED"


def test_a_retry_that_came_twice_is_one(rpc, worker):
    job_id = fail(rpc, worker)
    request = messages.RetryJobRequest(id=job_id)
    twin = {"metadata": {"request-id": "retry-1"}}
    assert rpc.jobs.Retry(request, **twin).state == State.READY
    worker.report(success(worker.lease_one()))
    assert rpc.jobs.Retry(request, **twin).state == State.SUCCEEDED


def test_only_what_ended_without_success_is_retried(rpc, worker):
    done = submit(rpc)
    worker.report(success(worker.lease_one()))
    for job_id in (done.id, submit(rpc).id, submit(rpc, delay=duration(3600)).id):
        refused(lambda job_id=job_id: retry(rpc, job_id), "FAILED_PRECONDITION")


# ---- delete ----


def test_a_deleted_job_is_gone(rpc, worker):
    finished = submit(rpc)
    worker.report(success(worker.lease_one()))
    for job_id in (finished.id, submit(rpc).id, submit(rpc, delay=duration(3600)).id):
        assert delete(rpc, job_id).id == job_id
        refused(lambda job_id=job_id: get(rpc, job_id), "NOT_FOUND")
        refused(lambda job_id=job_id: delete(rpc, job_id), "NOT_FOUND")
    assert not rpc.jobs.List().jobs and not worker.lease().assignments


def test_a_running_job_is_not_deleted(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    refused(lambda: delete(rpc, job.id), "FAILED_PRECONDITION")
    worker.report(success(one))
    delete(rpc, job.id)


def test_an_id_that_was_deleted_may_be_submitted_again(rpc):
    job_id = str(uuid.uuid4())
    submit(rpc, "first", id=job_id)
    delete(rpc, job_id)
    assert not submit(rpc, "second", id=job_id).duplicate
    assert get(rpc, job_id).args.string_value == "second"


# ---- all of them ----


def test_a_callback_is_tried_again_by_hand(api, origin):
    url = origin.url + "/flaky/1/by-hand?retry-after=3600"
    job = api.submit({"kind": "task", "args": 1, "callback": {"url": url}})
    api.post(f"/v1/jobs/{job['id']}:cancel", {})

    def callback():
        (one,) = api.get("/v1/jobs?queue=callbacks").json()["jobs"]
        return one

    wait_until(lambda: callback()["state"] == "SCHEDULED", "the first delivery")
    assert callback()["parent"] == job["id"]
    assert api.post(f"/v1/jobs/{callback()['id']}:cancel", {}).json()["state"] == "CANCELLED"
    assert api.post(f"/v1/jobs/{callback()['id']}:retry", {}).json()["state"] == "READY"
    wait_until(lambda: callback()["state"] == "SUCCEEDED", "the second delivery")
    first, second = origin.wait_for("/flaky/1/by-hand", 2)
    assert b'"job.cancelled"' in second.body and first.headers["webhook-id"] == callback()["id"]


@pytest.mark.parametrize("method, verb", [("Cancel", cancel), ("Retry", retry), ("Delete", delete)])
def test_unknown_and_malformed_ids_are_told_apart(shared_server, connect, method, verb):
    rpc = connect(shared_server)
    refused(lambda: verb(rpc, str(uuid.uuid4())), "NOT_FOUND")
    refused(lambda: verb(rpc, "17"), "INVALID_ARGUMENT", "id")
    refused(lambda: verb(rpc, ""), "INVALID_ARGUMENT", "id")


def test_each_interface_cancels_retries_and_deletes(api, cli, rpc):
    job_id = submit(rpc).id
    assert cli.ok("cancel", job_id).text == f"{job_id} CANCELLED\n"
    assert api.post(f"/v1/jobs/{job_id}:retry", {}).json()["state"] == "READY"
    assert api.request("POST", f"/v1/jobs/{job_id}:cancel").json()["state"] == "CANCELLED"
    assert cli.ok("retry", job_id, "-o", "json").documents[0]["state"] == "READY"
    assert cli.ok("rm", job_id).text.startswith(job_id)
    assert api.request("DELETE", f"/v1/jobs/{job_id}").status == 404
    assert cli("rm", job_id).status == 3
    other = submit(rpc).id
    answer = api.request("DELETE", f"/v1/jobs/{other}")
    assert answer.status == 200 and answer.json()["id"] == other
    assert api.post(f"/v1/jobs/{other}:cancel", {}).status == 404


def test_the_command_line_goes_on_after_a_bad_id_and_tells(cli, rpc):
    first, last = submit(rpc).id, submit(rpc).id
    finished = cli("cancel", first, str(uuid.uuid4()), last)
    assert finished.status == 3 and "NOT_FOUND" in finished.err
    assert finished.text == f"{first} CANCELLED\n{last} CANCELLED\n"


# ---- bulk ----


def everything(rpc, worker):
    """Jobs of two queues in most of the states."""
    for queue in ("a", "b"):
        fail(rpc, worker, queue=queue)
    for queue in ("a", "b"):
        submit_many(rpc, [task(queue=queue) for _ in range(3)])
        submit(rpc, queue=queue, delay=duration(3600))


def test_a_filter_cancels_what_matches_and_counts_it(rpc, worker):
    everything(rpc, worker)
    running = worker.lease(6).assignments
    request = messages.CancelManyRequest(filter=messages.JobFilter(queue="a"))
    assert rpc.jobs.CancelMany(request).count == 4
    states = sorted(State.State.Name(job.state) for job in rpc.jobs.List().jobs if job.queue == "a")
    assert states == ["CANCELLED"] * 4 + ["FAILED"]
    untouched = [job for job in rpc.jobs.List().jobs if job.queue == "b"]
    assert not any(job.state == State.CANCELLED for job in untouched)
    assert rpc.jobs.CancelMany(request).count == 0
    stopped = sorted(ref.job_id for ref in worker.heartbeat(*running).cancel)
    assert stopped == sorted(one.job.id for one in running if one.job.queue == "a")


def test_a_filter_retries_what_matches(rpc, worker):
    everything(rpc, worker)
    request = messages.RetryManyRequest(filter=messages.JobFilter(state=State.FAILED, queue="b"))
    assert rpc.jobs.RetryMany(request).count == 1
    assert rpc.jobs.RetryMany(request).count == 0
    (failed,) = rpc.jobs.List(messages.ListJobsRequest(state=State.FAILED)).jobs
    assert failed.queue == "a"


def test_a_filter_deletes_what_matches_but_running_jobs(rpc, worker):
    everything(rpc, worker)
    running = worker.lease(1).assignments[0].job.id
    request = messages.DeleteManyRequest(filter=messages.JobFilter(kind="task"))
    assert rpc.jobs.DeleteMany(request).count == 9
    assert [job.id for job in rpc.jobs.List().jobs] == [running]


def test_filters_are_combined(rpc, worker):
    submit_many(rpc, [task(queue="a", labels={"team": "x"}) for _ in range(2)])
    submit_many(rpc, [task(queue="b", labels={"team": "x"}) for _ in range(3)])
    submit(rpc, queue="a", labels={"team": "y"})
    selected = messages.JobFilter(queue="a", label="team:x")
    assert rpc.jobs.CancelMany(messages.CancelManyRequest(filter=selected)).count == 2
    selected = messages.JobFilter(label="team:x", state=State.READY)
    assert rpc.jobs.DeleteMany(messages.DeleteManyRequest(filter=selected)).count == 3


def test_thousands_of_jobs_go_while_others_are_served(rpc, worker, connect, server):
    for _ in range(4):
        submit_many(rpc, [task(queue="heap") for _ in range(5000)])
    request = messages.CancelManyRequest(filter=messages.JobFilter(queue="heap"))
    going = rpc.start_raw("/errand.v1.JobService/CancelMany", request.SerializeToString())
    other = connect(server)
    served = 0
    while not going.done() or served < 3:
        submit(other, queue="quick")
        served += 1
    answer = messages.CancelManyResponse.FromString(open_response(going.result(60)))
    assert answer.count == 20000
    assert not rpc.jobs.List(messages.ListJobsRequest(queue="heap", state=State.READY)).jobs
    assert len(worker.lease(1000).assignments) == min(served, 1000)


def test_an_empty_filter_is_refused(rpc, api):
    for verb in ("Cancel", "Retry", "Delete"):
        request = getattr(messages, f"{verb}ManyRequest")
        for empty in (request(), request(filter=messages.JobFilter())):
            refused(lambda: getattr(rpc.jobs, f"{verb}Many")(empty), "INVALID_ARGUMENT", "filter")
    for verb in ("cancel", "retry", "delete"):
        for body in ({}, {"filter": {}}):
            assert api.post(f"/v1/jobs:{verb}", body).status == 400
    label = messages.JobFilter(label="no colon")
    refused(
        lambda: rpc.jobs.CancelMany(messages.CancelManyRequest(filter=label)),
        "INVALID_ARGUMENT",
        "filter.label",
    )


def test_each_interface_takes_filters(api, cli, rpc):
    submit_many(rpc, [task(queue="a", labels={"run": "7"}) for _ in range(4)])
    assert cli.ok("cancel", "--queue", "a", "--label", "run:7").text == "4\n"
    body = {"filter": {"queue": "a", "state": "CANCELLED"}}
    assert api.post("/v1/jobs:retry", body).json() == {"count": "4"}
    assert cli.ok("rm", "--kind", "task", "--state", "ready", "-o", "json").documents == [{"count": "4"}]
    assert api.post("/v1/jobs:delete", body).json() == {}
    assert cli.ok("retry", "-q", "a").text == "0\n"


# ---- expiry ----


def expiring(seconds_from_now):
    job = task()
    job.expire_time.FromNanoseconds(time.time_ns() + round(seconds_from_now * SECOND))
    return job


def test_a_job_that_did_not_start_in_time_is_expired(rpc, worker):
    job = rpc.jobs.Submit(messages.SubmitRequest(job=expiring(0.5)))
    assert job.state == State.READY
    answer = rpc.jobs.GetResult(messages.GetResultRequest(id=job.id, wait=duration(30)))
    assert answer.state == State.EXPIRED
    assert not worker.lease().assignments


def test_a_job_that_started_in_time_does_not_expire(rpc, worker):
    job = rpc.jobs.Submit(messages.SubmitRequest(job=expiring(1)))
    one = worker.lease_one()
    late = rpc.jobs.Submit(messages.SubmitRequest(job=expiring(1)))
    rpc.jobs.GetResult(messages.GetResultRequest(id=late.id, wait=duration(30)))
    assert state_of(rpc, late.id) == "EXPIRED" and state_of(rpc, job.id) == "RUNNING"
    worker.report(success(one))
    assert state_of(rpc, job.id) == "SUCCEEDED"


def test_a_scheduled_or_blocked_job_expires_too(rpc):
    for fields in ({"delay": duration(3600)}, {"after": [submit(rpc).id]}):
        job = expiring(0.3)
        for name, value in fields.items():
            (job.after.extend if name == "after" else job.delay.CopyFrom)(value)
        stored = rpc.jobs.Submit(messages.SubmitRequest(job=job))
        answer = rpc.jobs.GetResult(messages.GetResultRequest(id=stored.id, wait=duration(30)))
        assert answer.state == State.EXPIRED


def test_an_expired_job_that_is_retried_may_start_again(rpc, worker):
    job = rpc.jobs.Submit(messages.SubmitRequest(job=expiring(0.2)))
    rpc.jobs.GetResult(messages.GetResultRequest(id=job.id, wait=duration(30)))
    assert retry(rpc, job.id).state == State.READY
    assert worker.lease_one().job.id == job.id


def test_jobs_expired_while_the_server_was_down_are_expired_after(server, connect):
    job = connect(server).jobs.Submit(messages.SubmitRequest(job=expiring(0.5)))
    server.kill()
    server.restart()
    rpc = connect(server)
    wait_until(lambda: state_of(rpc, job.id) == "EXPIRED", "it expires")


def test_the_command_line_takes_an_expiry_from_now(cli, api):
    job_id = cli.ok("submit", "task", "--expire", "300ms").text.strip()
    assert cli("wait", job_id).text == f"{job_id} EXPIRED\n"
    job_id = cli.ok("submit", "task", "--expire", "2099-01-31T12:00:00Z").text.strip()
    assert api.get(f"/v1/jobs/{job_id}").json()["expireTime"] == "2099-01-31T12:00:00Z"
