"""List: pages and filters, over the RPC and over HTTP."""

from google.protobuf import struct_pb2

import pytest

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.listing import listed_ids, pages
from harness.rpc import RpcError, duration
from harness.worker import failure, success


@pytest.fixture
def forty(rpc):
    """Forty jobs in two queues and two kinds; ids in order of submission."""
    request = messages.BatchSubmitRequest()
    for i in range(40):
        job = request.jobs.add(queue=f"q{i % 2}", kind="task" if i % 4 < 2 else "chore")
        job.args.CopyFrom(struct_pb2.Value(number_value=i))
        if i >= 30:
            job.delay.CopyFrom(duration(3600))
    return [result.job.id for result in rpc.jobs.BatchSubmit(request).results]


def test_jobs_come_newest_first(rpc, forty):
    assert listed_ids(rpc) == forty[::-1]


@pytest.mark.parametrize("size", [1, 7, 39, 40, 41, 1000, 100000])
def test_pages_hold_every_job_once(rpc, forty, size):
    found = [[job.id for job in page] for page in pages(rpc, page_size=size)]
    assert [job_id for page in found for job_id in page] == forty[::-1]
    assert all(len(page) <= size for page in found)


def test_filters_select_by_queue_kind_and_state(rpc, forty):
    def expected(keep):
        return [job_id for i, job_id in enumerate(forty) if keep(i)][::-1]

    assert listed_ids(rpc, queue="q1") == expected(lambda i: i % 2 == 1)
    assert listed_ids(rpc, kind="chore") == expected(lambda i: i % 4 >= 2)
    assert listed_ids(rpc, state=job_pb2.Job.SCHEDULED) == expected(lambda i: i >= 30)
    assert listed_ids(rpc, queue="q1", kind="task", state=job_pb2.Job.READY, page_size=3) == expected(
        lambda i: i % 4 == 1 and i < 30
    )
    assert listed_ids(rpc, queue="nobody") == []


def test_finished_jobs_are_found_by_their_state(rpc, forty, worker):
    done = worker.lease(5).assignments
    worker.report(*(success(one) for one in done))
    assert set(listed_ids(rpc, state=job_pb2.Job.SUCCEEDED)) == {one.job.id for one in done}


def test_jobs_submitted_meanwhile_do_not_disturb_the_pages(rpc, forty):
    first = rpc.jobs.List(messages.ListJobsRequest(page_size=20))
    job = job_pb2.Job(kind="task", args=struct_pb2.Value(bool_value=True))
    rpc.jobs.Submit(messages.SubmitRequest(job=job))
    second = rpc.jobs.List(messages.ListJobsRequest(page_size=20, page_token=first.next_page_token))
    assert [job.id for job in [*first.jobs, *second.jobs]] == forty[::-1]


def test_a_listed_job_is_a_basic_view(rpc, forty):
    (job,) = rpc.jobs.List(messages.ListJobsRequest(page_size=1)).jobs
    assert not job.HasField("args") and job.kind == "chore" and job.revision > 0


@pytest.mark.parametrize("end", [success, failure])
def test_a_listed_job_is_the_one_that_get_shows(api, worker, end):
    retry = {"maxAttempts": 3, "minBackoff": "0s", "maxBackoff": "0s"}
    job = api.submit({"kind": "task", "retry": retry})
    for outcome in (failure, failure, end):
        worker.report(outcome(worker.lease_one()))
    shown = api.get(f"/v1/jobs/{job['id']}").json()
    assert [attempt["number"] for attempt in shown["attempts"]][:2] == [1, 2]
    assert api.get("/v1/jobs").json() == {"jobs": [shown]}


def test_a_token_goes_with_its_filter_only(rpc, forty):
    first = rpc.jobs.List(messages.ListJobsRequest(page_size=5, queue="q1"))
    with pytest.raises(RpcError) as caught:
        rpc.jobs.List(messages.ListJobsRequest(queue="q0", page_token=first.next_page_token))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_negative_page_size_is_refused(rpc):
    with pytest.raises(RpcError) as caught:
        rpc.jobs.List(messages.ListJobsRequest(page_size=-1))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_pages_over_http_are_the_same(api, rpc, forty):
    found, token = [], ""
    while True:
        page = api.get(f"/v1/jobs?queue=q0&state=READY&kind=task&pageSize=4&pageToken={token}").json()
        found += [job["id"] for job in page.get("jobs", [])]
        token = page.get("nextPageToken", "")
        if not token:
            break
    assert found == listed_ids(rpc, queue="q0", state=job_pb2.Job.READY, kind="task") != []


def test_a_list_without_jobs_is_there_and_empty(api):
    assert api.get("/v1/jobs").json() == {"jobs": []}
    assert api.post("/v1/jobs:batch", {"jobs": []}).json() == {"results": []}
