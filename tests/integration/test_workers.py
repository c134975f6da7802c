"""The worker protocol, step by step: leases, tokens, outcomes, acknowledgements."""

import pytest
from google.protobuf import struct_pb2

from errand.rpc.v1 import status_pb2
from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.rpc import RpcError, duration
from harness.waiting import wait_until
from harness.worker import failure, released, success


def submit(rpc, name="x", **fields):
    value = struct_pb2.Value(string_value=name)
    job = job_pb2.Job(kind="task", args=value, **fields)
    return rpc.jobs.Submit(messages.SubmitRequest(job=job))


def get(rpc, job_id):
    return rpc.jobs.Get(messages.GetJobRequest(id=job_id, view=job_pb2.FULL))


def test_an_assignment_has_all_that_a_worker_needs(rpc, worker):
    job = submit(rpc, "hello")
    one = worker.lease_one()
    assert one.job.id == job.id and one.job.args.string_value == "hello"
    assert one.attempt == 1 and one.token
    assert one.lease_expire_time.ToSeconds() > one.job.create_time.ToSeconds()
    running = get(rpc, job.id)
    assert running.state == job_pb2.Job.RUNNING and running.worker == worker.worker.id


def test_a_reported_success_is_the_result(rpc, worker):
    job = submit(rpc)
    answer = worker.report(success(worker.lease_one(), "42"))
    assert answer.accepted == 1 and answer.acked_outcome_sequence == 1 and not answer.rejected
    result = rpc.jobs.GetResult(messages.GetResultRequest(id=job.id))
    assert result.state == job_pb2.Job.SUCCEEDED and result.result.value.string_value == "42"


def test_a_job_leased_once_is_not_leased_again(rpc, server, worker, start_worker):
    submit(rpc)
    worker.lease_one()
    assert not start_worker(server, kinds=["task"]).lease().assignments
    assert not worker.lease().assignments


def test_the_same_lease_sequence_gets_the_same_jobs_again(rpc, worker):
    for name in "abc":
        submit(rpc, name)
    first = worker.lease(2, sequence=1)
    again = worker.lease(2, sequence=1)
    assert len(first.assignments) == 2
    assert sorted(one.token for one in again.assignments) == sorted(
        one.token for one in first.assignments
    )
    third = worker.lease(2, sequence=2)
    assert [one.job.args.string_value for one in third.assignments] == ["c"]


def test_a_repeated_lease_after_a_restart_gets_the_same_jobs(server, connect, start_worker):
    submit(connect(server))
    worker = start_worker(server, kinds=["task"])
    first = worker.lease(1, sequence=1)
    server.kill()
    server.restart()
    again = start_worker(server, kinds=["task"])
    again.worker.id = worker.worker.id
    repeated = again.lease(1, sequence=1)
    assert [one.job.id for one in repeated.assignments] == [one.job.id for one in first.assignments]
    assert again.report(success(repeated.assignments[0])).accepted == 1


def test_a_newer_lease_answers_an_older_parked_one_empty(rpc, worker):
    older = worker.rpc.start_raw(
        "/errand.v1.WorkerService/Lease",
        worker.lease_request(1, wait=60).SerializeToString(),
        timeout=90,
    )
    newer = worker.rpc.start_raw(
        "/errand.v1.WorkerService/Lease",
        worker.lease_request(1, wait=60).SerializeToString(),
        timeout=90,
    )
    assert older.result(60) is not None and not newer.done()
    submit(rpc)
    assert newer.result(60) is not None


def test_a_retryable_failure_is_tried_again_with_a_new_token(rpc, worker):
    job = submit(rpc, retry=job_pb2.RetryPolicy(min_backoff=duration(0.01)))
    first = worker.lease_one()
    worker.report(failure(first, "try once more"))
    second = worker.lease_one()
    assert second.job.id == job.id and second.attempt == 2 and second.token != first.token
    assert [attempt.error.message for attempt in get(rpc, job.id).attempts] == ["try once more"]


def test_a_void_token_can_not_change_the_job(rpc, worker):
    job = submit(rpc, retry=job_pb2.RetryPolicy(min_backoff=duration(0.01)))
    stale = worker.lease_one()
    worker.report(failure(stale))
    fresh = worker.lease_one()
    answer = worker.report(success(stale, "from a ghost"))
    assert answer.accepted == 0
    assert [(one.job_id, one.token) for one in answer.rejected] == [(job.id, stale.token)]
    assert get(rpc, job.id).state == job_pb2.Job.RUNNING
    assert worker.report(success(fresh, "real")).accepted == 1
    assert get(rpc, job.id).result.value.string_value == "real"


def test_a_made_up_token_is_rejected(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    forged = success(one)
    forged.token = bytes(len(one.token))
    assert len(worker.report(forged).rejected) == 1
    assert get(rpc, job.id).state == job_pb2.Job.RUNNING


def test_a_permanent_failure_ends_the_job_at_once(rpc, worker):
    job = submit(rpc)
    worker.report(failure(worker.lease_one(), "hopeless", retryable=False))
    ended = get(rpc, job.id)
    assert ended.state == job_pb2.Job.FAILED and ended.error.message == "hopeless"


def test_retry_after_of_an_outcome_is_honoured(rpc, worker):
    job = submit(rpc, retry=job_pb2.RetryPolicy(min_backoff=duration(0.01)))
    worker.report(failure(worker.lease_one(), retry_after=3600))
    waiting = get(rpc, job.id)
    assert waiting.state == job_pb2.Job.SCHEDULED
    assert waiting.next_attempt_time.ToSeconds() - waiting.create_time.ToSeconds() >= 3590


def test_a_released_job_is_ready_again_and_counts_nothing(rpc, worker):
    job = submit(rpc, retry=job_pb2.RetryPolicy(max_attempts=1))
    worker.report(released(worker.lease_one()))
    again = worker.lease_one()
    assert again.job.id == job.id and again.attempt == 2
    worker.report(success(again))
    assert get(rpc, job.id).state == job_pb2.Job.SUCCEEDED and not get(rpc, job.id).attempts


def test_an_assignment_missing_from_a_heartbeat_goes_back(rpc, worker):
    job = submit(rpc)
    lost = worker.lease_one()
    assert not worker.lease().assignments  # confirms the answer before
    worker.heartbeat()
    again = worker.lease_one()
    assert again.job.id == job.id and again.token != lost.token
    assert len(worker.report(success(lost)).rejected) == 1


def test_a_heartbeat_names_leases_that_are_not_held(rpc, worker):
    submit(rpc)
    one = worker.lease_one()
    worker.report(success(one))
    answer = worker.heartbeat(one)
    assert [(lost.job_id, lost.token) for lost in answer.lost] == [(one.job.id, one.token)]


def test_an_attempt_that_takes_too_long_is_voided_by_the_server(rpc, worker):
    # Voided attempt_timeout + 5 s after the lease, whatever the worker says.
    job = submit(
        rpc, attempt_timeout=duration(0.1), retry=job_pb2.RetryPolicy(min_backoff=duration(0.01))
    )
    late = worker.lease_one()
    again = worker.lease_one(wait=50)
    assert again.job.id == job.id and again.attempt == 2
    assert len(worker.report(success(late)).rejected) == 1
    assert get(rpc, job.id).attempts[0].error.code == 4


def test_a_pushed_batch_is_acknowledged_when_it_is_stored(rpc, worker):
    jobs = [submit(rpc, str(i)).id for i in range(10)]
    leased = worker.lease(10).assignments
    worker.push(worker.batch(*(success(one) for one in leased[:5])))
    worker.push(worker.batch(*(success(one) for one in leased[5:])))
    wait_until(lambda: worker.lease(0).acked_outcome_sequence == 2, "both are acknowledged")
    assert all(get(rpc, job_id).state == job_pb2.Job.SUCCEEDED for job_id in jobs)


def test_acknowledgements_are_contiguous(rpc, worker):
    for name in "abc":
        submit(rpc, name)
    batches = [worker.batch(success(one)) for one in worker.lease(3).assignments]
    worker.push(batches[0])
    worker.push(batches[2])
    wait_until(lambda: worker.lease().acked_outcome_sequence == 1, "the first is acknowledged")
    worker.push(batches[1])
    worker.push(batches[2])
    wait_until(lambda: worker.lease().acked_outcome_sequence == 3, "all are acknowledged")


def test_a_repeated_batch_is_acknowledged_and_applied_once(rpc, worker):
    job = submit(rpc)
    batch = worker.batch(success(worker.lease_one(), "first"))
    for _ in range(3):
        worker.push(batch)
    wait_until(lambda: worker.lease().acked_outcome_sequence == 1, "it is acknowledged")
    ended = get(rpc, job.id)
    worker.push(batch)
    assert worker.report().acked_outcome_sequence == 2
    assert get(rpc, job.id).revision == ended.revision


def test_rejected_outcomes_of_the_pipeline_are_named_and_acknowledged(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    worker.report(success(one))
    worker.push(worker.batch(success(one, "again")))
    told = []

    def acknowledged():
        answer = worker.lease()
        told.extend(answer.rejected)
        return answer.acked_outcome_sequence == 2

    wait_until(acknowledged, "the batch is acknowledged")
    assert {(one.job_id, one.token) for one in told} == {(job.id, one.token)}


def test_outcomes_pushed_before_a_crash_are_replayed(server, connect, start_worker):
    rpc = connect(server)
    job = submit(rpc)
    worker = start_worker(server, kinds=["task"])
    batch = worker.batch(success(worker.lease_one(), "kept"))
    server.kill()
    server.restart()
    again = start_worker(server, kinds=["task"])
    again.push(batch)
    rpc = connect(server)
    result = rpc.jobs.GetResult(messages.GetResultRequest(id=job.id, wait=duration(30)))
    assert result.state == job_pb2.Job.SUCCEEDED and result.result.value.string_value == "kept"


@pytest.mark.parametrize(
    "change",
    [
        lambda request: request.worker.ClearField("id"),
        lambda request: setattr(request.worker, "id", "17"),
        lambda request: setattr(request, "max_jobs", -1),
        lambda request: setattr(request, "lease_sequence", 0),
        lambda request: request.ClearField("worker"),
        lambda request: request.wait.FromSeconds(-1),
        lambda request: request.worker.queues.append("no spaces"),
    ],
)
def test_a_wrong_lease_request_is_refused(worker, change):
    request = worker.lease_request()
    change(request)
    with pytest.raises(RpcError) as caught:
        worker.rpc.workers.Lease(request)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_what_a_worker_says_of_a_failure_is_bounded(rpc, worker):
    job = submit(rpc)
    told = failure(worker.lease_one(), "\u00fc" * 100_000, retryable=False)
    told.failure.status.code = status_pb2.OK
    worker.report(told)
    error = get(rpc, job.id).error
    assert error.code == status_pb2.UNKNOWN
    assert error.message == "\u00fc" * 2048
