"""What ties jobs together: unique keys, dependencies, labels."""

import uuid

import pytest

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.listing import listed_ids
from harness.rpc import duration
from harness.tasks import State, get, names, refused, state_of, submit, submit_many, task
from harness.worker import failure, leased, success

ONCE = job_pb2.RetryPolicy(max_attempts=1)


# ---- unique keys ----


def test_a_second_job_of_a_key_is_the_first_one(rpc, worker):
    first = submit(rpc, "first", unique_key="k")
    second = submit(rpc, "second", unique_key="k")
    assert second.id == first.id and second.duplicate and not first.duplicate
    assert names(worker.lease(10)) == ["first"]


def test_a_key_is_held_while_its_job_runs_and_free_when_it_has_ended(rpc, worker):
    first = submit(rpc, unique_key="k")
    one = worker.lease_one()
    assert submit(rpc, unique_key="k").id == first.id
    worker.report(success(one))
    assert submit(rpc, unique_key="k").id != first.id


@pytest.mark.parametrize("ending", ["Cancel", "Delete"])
def test_cancelling_or_deleting_frees_the_key(rpc, ending):
    first = submit(rpc, unique_key="k")
    getattr(rpc.jobs, ending)(getattr(messages, f"{ending}JobRequest")(id=first.id))
    assert not submit(rpc, unique_key="k").duplicate


def test_keys_belong_to_their_queue(rpc):
    ids = {submit(rpc, unique_key="k", queue=queue).id for queue in "abc"}
    assert len(ids) == 3
    assert submit(rpc, unique_key="K", queue="a").id not in ids


def test_an_id_is_looked_at_before_the_key(rpc):
    first = submit(rpc, unique_key="k")
    other = submit(rpc, "x", id=str(uuid.uuid4()), unique_key="other")
    assert submit(rpc, "x", id=other.id, unique_key="other").id == other.id
    assert submit(rpc, "y", id=str(uuid.uuid4()), unique_key="k").id == first.id


def test_a_key_within_a_batch_counts(rpc):
    first, second, other = submit_many(
        rpc, [task("a", unique_key="k"), task("b", unique_key="k"), task("c", unique_key="l")]
    )
    assert second.id == first.id and second.duplicate and other.id != first.id


def test_a_retry_while_another_job_has_the_key_is_refused_naming_it(rpc, worker):
    first = submit(rpc, unique_key="k", retry=ONCE)
    worker.report(failure(worker.lease_one()))
    second = submit(rpc, unique_key="k")
    error = refused(
        lambda: rpc.jobs.Retry(messages.RetryJobRequest(id=first.id)), "FAILED_PRECONDITION"
    )
    assert second.id in str(error)
    worker.report(success(worker.lease_one()))
    assert rpc.jobs.Retry(messages.RetryJobRequest(id=first.id)).state == State.READY
    assert submit(rpc, unique_key="k").id == first.id


def test_keys_are_held_over_a_crash(server, connect):
    first = submit(connect(server), unique_key="k")
    server.kill()
    server.restart()
    assert submit(connect(server), unique_key="k").id == first.id


def test_each_interface_takes_a_unique_key(api, cli, rpc):
    first = submit(rpc, unique_key="k").id
    answer = api.post("/v1/jobs", {"kind": "task", "args": 1, "uniqueKey": "k"})
    assert answer.status == 200 and answer.json()["id"] == first and answer.json()["duplicate"]
    assert cli.ok("submit", "task", "--unique-key", "k").text.strip() == first


# ---- dependencies ----


def test_a_job_runs_when_those_before_it_have_succeeded(rpc, worker):
    one, two = submit(rpc, "one"), submit(rpc, "two")
    last = submit(rpc, "last", after=[one.id, two.id])
    assert last.state == State.BLOCKED
    first = worker.lease(10).assignments
    assert [job.job.args.string_value for job in first] == ["one", "two"]
    worker.report(success(first[0]))
    assert state_of(rpc, last.id) == "BLOCKED" and not worker.lease().assignments
    worker.report(success(first[1]))
    assert worker.lease_one().job.id == last.id


def test_a_parked_worker_gets_the_unblocked_job_at_once(rpc, worker, server, start_worker):
    first = submit(rpc)
    last = submit(rpc, after=[first.id])
    one = worker.lease_one()
    other = start_worker(server, kinds=["task"])
    parked = other.start_lease(wait=50)
    worker.report(success(one))
    assert leased(parked, seconds=30).assignments[0].job.id == last.id


@pytest.mark.parametrize("ending", ["failed", "cancelled", "deleted"])
def test_a_job_after_one_that_did_not_succeed_is_cancelled(rpc, worker, ending):
    first = submit(rpc, retry=ONCE)
    second = submit(rpc, after=[first.id])
    third = submit(rpc, after=[second.id])
    if ending == "failed":
        worker.report(failure(worker.lease_one()))
    elif ending == "cancelled":
        rpc.jobs.Cancel(messages.CancelJobRequest(id=first.id))
    else:
        rpc.jobs.Delete(messages.DeleteJobRequest(id=first.id))
    for job in (second, third):
        answer = rpc.jobs.GetResult(messages.GetResultRequest(id=job.id, wait=duration(30)))
        assert answer.state == State.CANCELLED and answer.HasField("error")
    assert first.id in get(rpc, second.id).error.message


def test_jobs_that_have_succeeded_hold_nobody_up(rpc, worker):
    first = submit(rpc)
    worker.report(success(worker.lease_one()))
    assert submit(rpc, after=[first.id]).state == State.READY
    rpc.jobs.Delete(messages.DeleteJobRequest(id=first.id))


def test_deleting_a_job_that_succeeded_is_harmless(rpc, worker):
    first, other = submit(rpc), submit(rpc, delay=duration(3600))
    last = submit(rpc, after=[first.id, other.id])
    worker.report(success(worker.lease_one()))
    rpc.jobs.Delete(messages.DeleteJobRequest(id=first.id))
    assert state_of(rpc, last.id) == "BLOCKED"


def test_a_job_after_one_that_has_failed_already_is_cancelled(rpc, worker):
    first = submit(rpc, retry=ONCE)
    worker.report(failure(worker.lease_one()))
    last = submit(rpc, after=[first.id])
    answer = rpc.jobs.GetResult(messages.GetResultRequest(id=last.id, wait=duration(30)))
    assert answer.state == State.CANCELLED


def test_unknown_and_malformed_ids_are_named(rpc):
    known = submit(rpc).id
    refused(lambda: submit(rpc, after=[known, str(uuid.uuid4())]), "INVALID_ARGUMENT", "job.after[1]")
    refused(lambda: submit(rpc, after=["17"]), "INVALID_ARGUMENT", "job.after[0]")


def test_a_job_can_not_wait_for_itself_or_a_later_one(rpc):
    one, two = str(uuid.uuid4()), str(uuid.uuid4())
    refused(lambda: submit(rpc, id=one, after=[one]), "INVALID_ARGUMENT", "job.after[0]")
    results = rpc.jobs.BatchSubmit(
        messages.BatchSubmitRequest(jobs=[task(id=one, after=[two]), task(id=two, after=[one])])
    ).results
    assert results[0].error.violations[0].field == "jobs[0].after[0]"
    assert results[1].HasField("error"), "it waits for a job that was refused"


def test_earlier_jobs_of_a_batch_may_be_named(rpc, worker):
    ids = [str(uuid.uuid4()) for _ in range(3)]
    submit_many(
        rpc, [task("a", id=ids[0]), task("b", id=ids[1], after=ids[:1]), task("c", id=ids[2], after=ids[:2])]
    )
    for name in "abc":
        one = worker.lease_one()
        assert one.job.args.string_value == name
        worker.report(success(one))


def test_one_job_may_release_a_thousand(rpc, worker):
    first = submit(rpc, "first")
    submit_many(rpc, [task(after=[first.id]) for _ in range(1000)])
    worker.report(success(worker.lease_one()))
    found = 0
    while found < 1000:
        found += len(worker.lease(1000, wait=30).assignments)
    assert found == 1000


def test_a_long_chain_falls_when_its_head_is_cancelled(rpc):
    ids = [str(uuid.uuid4()) for _ in range(2000)]
    chain = [task(id=own, after=before) for own, before in zip(ids, [[]] + [[one] for one in ids])]
    submit_many(rpc, chain)
    rpc.jobs.Cancel(messages.CancelJobRequest(id=ids[0]))
    answer = rpc.jobs.GetResult(messages.GetResultRequest(id=ids[-1], wait=duration(50)))
    assert answer.state == State.CANCELLED


def test_dependencies_are_kept_over_a_crash(server, connect, start_worker):
    rpc = connect(server)
    first = submit(rpc, "first")
    last = submit(rpc, "last", after=[first.id])
    server.kill()
    server.restart()
    rpc = connect(server)
    assert state_of(rpc, last.id) == "BLOCKED"
    worker = start_worker(server, kinds=["task"])
    worker.report(success(worker.lease_one()))
    assert worker.lease_one().job.id == last.id


def test_each_interface_takes_dependencies(api, cli, rpc):
    first, second = submit(rpc).id, submit(rpc).id
    job = api.submit({"kind": "task", "args": 1, "after": [first, second]})
    assert job["state"] == "BLOCKED" and job["after"] == [first, second]
    job_id = cli.ok("submit", "task", "--after", first, "--after", second).text.strip()
    assert list(get(rpc, job_id).after) == [first, second]
    answer = api.post("/v1/jobs", {"kind": "task", "args": 1, "after": [str(uuid.uuid4())]})
    assert answer.status == 400 and answer.json()["violations"][0]["field"] == "after[0]"


# ---- labels ----


def ids_of(rpc, **fields):
    return set(listed_ids(rpc, **fields))


def test_jobs_are_found_by_a_label(rpc):
    red = submit(rpc, labels={"colour": "red", "size": "1"}).id
    blue = submit(rpc, labels={"colour": "blue", "size": "1"}, queue="q").id
    submit(rpc)
    assert ids_of(rpc, label="colour:red") == {red}
    assert ids_of(rpc, label="size:1") == {red, blue}
    assert ids_of(rpc, label="size:1", queue="q") == {blue}
    assert ids_of(rpc, label="size:1", state=State.RUNNING) == set()
    assert ids_of(rpc, label="colour:green") == ids_of(rpc, label="red:colour") == set()


def test_a_label_is_split_at_the_first_colon(rpc):
    job = submit(rpc, labels={"url": "http://x:80/"}).id
    assert ids_of(rpc, label="url:http://x:80/") == {job}


def test_pages_of_a_label_hold_every_job_once(rpc):
    jobs = [task(labels={"n": str(i % 3)}) for i in range(100)]
    ids = [job.id for job in submit_many(rpc, jobs)]
    assert listed_ids(rpc, label="n:1", page_size=7) == ids[1::3][::-1]


def test_labels_end_with_their_job(rpc):
    job = submit(rpc, labels={"a": "b"})
    rpc.jobs.Delete(messages.DeleteJobRequest(id=job.id))
    assert ids_of(rpc, label="a:b") == set()


@pytest.mark.parametrize("labels", [{str(i): "x" for i in range(33)}, {"": "x"}])
def test_wrong_labels_are_refused(shared_server, connect, labels):
    with_labels = {"labels": labels}
    error = refused(lambda: submit(connect(shared_server), **with_labels), "INVALID_ARGUMENT")
    assert error.fields[0].startswith("job.labels")


def test_each_interface_knows_labels(api, cli, rpc):
    job = api.submit({"kind": "task", "args": 1, "labels": {"team": "x"}})
    assert job["labels"] == {"team": "x"}
    other = cli.ok("submit", "task", "--label", "team=x", "-l", "eq=a=b").text.strip()
    assert dict(get(rpc, other).labels) == {"team": "x", "eq": "a=b"}
    listing = api.get("/v1/jobs?label=team:x").json()["jobs"]
    assert [one["id"] for one in listing] == [other, job["id"]]
    assert len(cli.ok("ls", "--label", "team:x", "-o", "json").documents) == 2
    assert api.get("/v1/jobs?label=team").status == 400
    assert "team=x" in cli.ok("get", other).text
