"""BatchSubmit: each job judged alone, all stored with one write."""

import uuid

import pytest
from google.protobuf import struct_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.listing import listed_ids
from harness.rpc import RpcError

VALUE = struct_pb2.Value(string_value="x")


def test_a_thousand_jobs_get_ids_in_order(rpc):
    request = messages.BatchSubmitRequest(jobs=[job_pb2.Job(kind="task", args=VALUE)] * 1000)
    answer = rpc.jobs.BatchSubmit(request)
    ids = [result.job.id for result in answer.results]
    assert len(set(ids)) == 1000
    assert listed_ids(rpc, page_size=1000) == ids[::-1]


def test_each_job_goes_to_its_queue_and_kind(rpc):
    queues, kinds = ["a", "a", "b", "b", "a", ""], ["one", "two", "two"]
    jobs = [job_pb2.Job(kind=kind, queue=queue) for queue in queues for kind in kinds]
    answer = rpc.jobs.BatchSubmit(messages.BatchSubmitRequest(jobs=jobs))
    made = [result.job for result in answer.results][::-1]
    for queue in ("a", "b", "default"):
        assert listed_ids(rpc, queue=queue) == [job.id for job in made if job.queue == queue]
    for kind in ("one", "two"):
        assert listed_ids(rpc, kind=kind) == [job.id for job in made if job.kind == kind]


def test_each_job_is_judged_alone(rpc):
    jobs = [
        job_pb2.Job(kind="task", args=VALUE),
        job_pb2.Job(kind="task", args=VALUE, priority=500),
        job_pb2.Job(http=job_pb2.HttpRequest(url="ftp://x/")),
        job_pb2.Job(kind="task", args=VALUE),
    ]
    results = rpc.jobs.BatchSubmit(messages.BatchSubmitRequest(jobs=jobs)).results
    assert [result.WhichOneof("outcome") for result in results] == ["job", "error", "error", "job"]
    assert results[1].error.violations[0].field == "jobs[1].priority"
    assert results[2].error.violations[0].field == "jobs[2].http.url"


def test_an_id_twice_in_one_batch_is_one_job(rpc):
    job = job_pb2.Job(id=str(uuid.uuid4()), kind="task", args=VALUE)
    other = job_pb2.Job(id=job.id, kind="task", args=VALUE, priority=1)
    results = rpc.jobs.BatchSubmit(messages.BatchSubmitRequest(jobs=[job, job, other])).results
    assert not results[0].job.duplicate and results[1].job.duplicate
    assert results[2].error.code == 6  # ALREADY_EXISTS


def test_a_repeated_batch_stores_nothing_twice(rpc):
    payload = messages.BatchSubmitRequest(
        jobs=[job_pb2.Job(kind="task", args=VALUE)] * 50
    ).SerializeToString()
    answers = []
    for _ in range(2):
        body = rpc.call_raw(
            "/errand.v1.JobService/BatchSubmit", payload, metadata={"request-id": "again"}
        )
        answers.append(messages.BatchSubmitResponse.FromString(body))
    first, second = ([result.job.id for result in answer.results] for answer in answers)
    assert first == second and len(set(first)) == 50
    assert all(result.job.duplicate for result in answers[1].results)


def test_too_many_jobs_at_once_are_refused(rpc):
    request = messages.BatchSubmitRequest(jobs=[job_pb2.Job(kind="task", args=VALUE)] * 10001)
    with pytest.raises(RpcError) as caught:
        rpc.jobs.BatchSubmit(request)
    assert caught.value.code in ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED")


def test_an_empty_batch_has_an_empty_answer(rpc):
    assert not rpc.jobs.BatchSubmit(messages.BatchSubmitRequest()).results


def test_a_batch_over_http_answers_for_each_job(api):
    jobs = [{"kind": "task", "args": 1}, {"kind": "a/b"}, {"kind": "task", "args": None}]
    answer = api.post("/v1/jobs:batch", {"jobs": jobs})
    assert answer.status == 200, answer
    results = answer.json()["results"]
    assert [list(result) for result in results] == [["job"], ["error"], ["job"]]
    assert results[1]["error"]["code"] == "INVALID_ARGUMENT"
