"""Following a job: progress, Watch, event streams, Explain."""

import uuid

import pytest

from errand.v1 import job_pb2, job_service_pb2 as messages, queue_service_pb2 as queues
from harness.events import EventStream
from harness.http_api import HttpApi
from harness.rpc import duration, open_response
from harness.tasks import (
    State,
    get,
    rate,
    refused,
    state_of,
    submit,
    submit_many,
    task,
    update,
)
from harness.waiting import wait_until
from harness.worker import failure, success

ONCE = job_pb2.RetryPolicy(max_attempts=1)


def watch(rpc, job_id, revision=0, wait=0):
    request = messages.WatchJobRequest(id=job_id, revision=revision, wait=duration(wait))
    return rpc.jobs.Watch(request)


def start_watch(rpc, job_id, revision, wait=50):
    request = messages.WatchJobRequest(id=job_id, revision=revision, wait=duration(wait))
    return rpc.start_raw("/errand.v1.JobService/Watch", request.SerializeToString())


def watched(future):
    return job_pb2.Job.FromString(open_response(future.result(30)))


# ---- progress and Watch ----


def test_progress_of_a_heartbeat_is_shown(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    worker.heartbeat(one, progress=(3, 10, "resizing"))
    progress = get(rpc, job.id).progress
    assert (progress.done, progress.total, progress.message) == (3, 10, "resizing")
    assert progress.HasField("update_time")


def test_http_jobs_report_bytes_by_themselves(api, origin):
    job = api.submit({"http": {"url": origin.url + "/half/3000000"}})

    def progress():
        return api.get("/v1/jobs/" + job["id"]).json().get("progress", {})

    wait_until(lambda: int(progress().get("done", 0)) > 1000000, "progress is told")
    assert progress()["total"] == "3000000"
    origin.released.set()
    assert api.result(job["id"])["state"] == "SUCCEEDED"


def test_watch_answers_at_once_without_a_revision(rpc):
    job = submit(rpc)
    now = watch(rpc, job.id, wait=50)
    assert now.id == job.id and now.state == State.READY and now.revision == job.revision
    assert not now.HasField("args")


def test_each_change_is_told(rpc, worker):
    job = submit(rpc)
    waiting = start_watch(rpc, job.id, job.revision)
    one = worker.lease_one()
    running = watched(waiting)
    assert running.state == State.RUNNING and running.revision > job.revision
    waiting = start_watch(rpc, job.id, running.revision)
    worker.heartbeat(one, progress=(1, 2, "half"))
    half = watched(waiting)
    assert half.progress.done == 1 and half.revision > running.revision
    waiting = start_watch(rpc, job.id, half.revision)
    worker.report(success(one))
    assert watched(waiting).state == State.SUCCEEDED


def test_changes_in_between_are_coalesced(rpc, worker):
    job = submit(rpc)
    worker.report(success(worker.lease_one()))
    assert watch(rpc, job.id, job.revision, wait=50).state == State.SUCCEEDED


def test_a_wait_that_is_over_answers_with_the_job_as_it_is(rpc):
    job = submit(rpc)
    assert watch(rpc, job.id, job.revision, wait=0.2).revision == job.revision
    assert watch(rpc, job.id, job.revision).revision == job.revision


def test_a_deleted_job_ends_its_watch(rpc):
    job = submit(rpc)
    waiting = start_watch(rpc, job.id, job.revision)
    rpc.jobs.Delete(messages.DeleteJobRequest(id=job.id))
    refused(lambda: watched(waiting), "NOT_FOUND")


def test_a_wrong_watch_is_refused(rpc):
    refused(lambda: watch(rpc, str(uuid.uuid4())), "NOT_FOUND")
    refused(lambda: watch(rpc, "17"), "INVALID_ARGUMENT", "id")
    refused(lambda: watch(rpc, submit(rpc).id, -1), "INVALID_ARGUMENT", "revision")
    refused(lambda: watch(rpc, submit(rpc).id, 0, -1), "INVALID_ARGUMENT", "wait")


def test_the_command_line_prints_each_change(cli, rpc, worker):
    job = submit(rpc)
    following = cli.start("watch", job.id)
    assert following.stdout.readline() == b"READY\n"
    one = worker.lease_one()
    assert following.stdout.readline() == b"RUNNING\n"
    worker.heartbeat(one, progress=(3, 10, "resizing"))
    assert following.stdout.readline() == b"RUNNING 3/10 resizing\n"
    worker.report(success(one))
    out, err = following.communicate(timeout=60)
    assert out == b"SUCCEEDED\n" and following.returncode == 0 and not err


def test_the_command_line_tells_a_job_without_success(cli, rpc, worker):
    job = submit(rpc, retry=ONCE)
    worker.report(failure(worker.lease_one(), "no such image"))
    finished = cli("watch", job.id)
    assert finished.status == 1 and finished.text == "FAILED UNKNOWN: no such image\n"
    (document,) = cli("watch", job.id, "-o", "json").documents
    assert document["state"] == "FAILED"
    assert cli("watch", str(uuid.uuid4())).status == 3


def test_the_attempts_of_a_job_are_remembered(rpc, worker):
    policy = job_pb2.RetryPolicy(max_attempts=3, min_backoff=duration(0.01))
    job = submit(rpc, retry=policy)
    for text in ("first", "second"):
        worker.report(failure(worker.lease_one(), text))
    worker.report(success(worker.lease_one()))
    attempts = get(rpc, job.id).attempts
    assert [(one.number, one.error.message) for one in attempts] == [(1, "first"), (2, "second")]
    assert all(one.worker == worker.worker.id and one.HasField("end_time") for one in attempts)


# ---- event streams ----


class Events(EventStream):
    """Of one job: the ids are its revisions."""

    def __init__(self, server, job_id, last_id=None):
        super().__init__(server.http, f"/v1/jobs/{job_id}/events", last_id)

    def next(self):
        event = super().next()
        return event and event._replace(id=int(event.id))


@pytest.fixture
def open_events(server):
    streams = []

    def start(job_id, last_id=None):
        streams.append(Events(server, job_id, last_id))
        return streams[-1]

    yield start
    for stream in streams:
        stream.close()


def test_changes_are_events_until_the_end(open_events, rpc, worker):
    job = submit(rpc)
    stream = open_events(job.id)
    assert stream.status == 200
    assert stream.response.getheader("content-type") == "text/event-stream"
    name, number, data = stream.next()
    assert name == "state" and data["state"] == "READY" and number == job.revision
    one = worker.lease_one()
    name, number, data = stream.next()
    assert name == "state" and data["state"] == "RUNNING"
    worker.heartbeat(one, progress=(3, 10, "resizing"))
    name, number, data = stream.next()
    assert name == "progress" and data["done"] == "3" and data["message"] == "resizing"
    worker.report(success(one))
    name, last, data = stream.next()
    assert name == "state" and data["state"] == "SUCCEEDED" and last > number
    assert stream.next() is None


def test_a_stream_is_resumed_where_it_broke_off(open_events, rpc, worker):
    job = submit(rpc)
    stream = open_events(job.id)
    _, seen, _ = stream.next()
    stream.close()
    resumed = open_events(job.id, seen)
    worker.report(success(worker.lease_one()))
    events = []
    while (event := resumed.next()) is not None:
        events.append(event)
    assert all(number > seen for _, number, _ in events)
    assert events[-1][2]["state"] == "SUCCEEDED"
    assert open_events(job.id, events[-1][1]).status == 204


def test_the_events_of_a_finished_job_are_its_state(open_events, rpc, worker):
    job = submit(rpc)
    worker.report(success(worker.lease_one()))
    stream = open_events(job.id)
    assert stream.next()[2]["state"] == "SUCCEEDED" and stream.next() is None


def test_a_deleted_job_ends_its_stream(open_events, rpc):
    job = submit(rpc)
    stream = open_events(job.id)
    stream.next()
    rpc.jobs.Delete(messages.DeleteJobRequest(id=job.id))
    assert stream.next() is None


def test_streams_that_can_not_be_are_refused(open_events, api):
    assert open_events(str(uuid.uuid4())).status == 404
    assert open_events("17").status == 400


def test_the_number_of_streams_is_capped(start_server, connect):
    server = start_server("--http-streams", "2")
    job = submit(connect(server))
    streams = [Events(server, job.id) for _ in range(3)]
    assert [stream.status for stream in streams] == [200, 200, 503]
    assert streams[2].response.getheader("retry-after")
    rpc = connect(server)
    rpc.jobs.Cancel(messages.CancelJobRequest(id=job.id))
    for stream in streams[:2]:
        assert stream.next()[2]["state"] == "READY"
        assert stream.next()[2]["state"] == "CANCELLED" and stream.next() is None
    assert HttpApi(server.http).get("/healthz").status == 200
    for stream in streams:
        stream.close()


def test_a_server_that_stops_ends_its_streams(server, open_events, connect):
    job = submit(connect(server))
    stream = open_events(job.id)
    assert stream.next()[2]["state"] == "READY"
    server.stop()
    assert stream.next() is None


# ---- Explain ----


def explain(rpc, job_id):
    return rpc.jobs.Explain(messages.ExplainJobRequest(id=job_id))


def reasons(rpc, job_id):
    return [messages.Reason.Type.Name(one.type) for one in explain(rpc, job_id).reasons]


def test_a_job_without_a_worker_is_told(rpc):
    job = submit(rpc)
    assert "NO_WORKER" in reasons(rpc, job.id)
    why = explain(rpc, job.id)
    assert why.id == job.id and why.state == State.READY and all(one.message for one in why.reasons)


def test_a_job_whose_time_has_not_come_is_told(rpc):
    job = submit(rpc, delay=duration(3600))
    (time,) = [one for one in explain(rpc, job.id).reasons if one.type == messages.Reason.TIME]
    assert time.until.ToSeconds() >= job.create_time.ToSeconds() + 3599


def test_dependencies_are_named(rpc):
    before = [submit(rpc).id for _ in range(3)]
    job = submit(rpc, after=before)
    (one,) = [one for one in explain(rpc, job.id).reasons if one.type == messages.Reason.DEPENDENCY]
    assert sorted(one.jobs) == sorted(before)


def test_a_job_that_waits_for_another_and_for_its_time_is_told_both(rpc):
    before = submit(rpc)
    late = submit(rpc, after=[before.id], delay=duration(3600))
    assert reasons(rpc, late.id) == ["DEPENDENCY", "TIME"]
    assert reasons(rpc, submit(rpc, after=[before.id]).id) == ["DEPENDENCY"]
    assert not explain(rpc, late.id).HasField("estimated_start_time")


def test_each_limit_of_the_queue_is_told(rpc, worker):
    worker.lease()
    rpc.queues.Pause(queues.PauseQueueRequest(queue="paused"))
    update(rpc, "full", max_running=1)
    update(rpc, "keyed", max_per_key=1)
    update(rpc, "slow", rate_limit=rate(1, 3600))
    expected = {
        "paused": "PAUSED",
        "full": "MAX_RUNNING",
        "keyed": "CONCURRENCY_KEY",
        "slow": "RATE_LIMIT",
    }
    for queue in expected:
        submit(rpc, queue=queue, concurrency_key="k")
    assert len(worker.lease(10).assignments) == 3
    for queue, reason in expected.items():
        assert reason in reasons(rpc, submit(rpc, queue=queue, concurrency_key="k").id), queue


def test_a_paused_queue_is_in_the_way_of_jobs_that_wait_for_something_else_too(rpc):
    rpc.queues.Pause(queues.PauseQueueRequest(queue="default"))
    later = submit(rpc, delay=duration(3600))
    assert reasons(rpc, later.id) == ["TIME", "PAUSED"]
    assert not explain(rpc, later.id).HasField("estimated_start_time")
    assert reasons(rpc, submit(rpc, after=[later.id]).id) == ["DEPENDENCY", "PAUSED"]


def test_the_estimate_counts_the_tokens_to_come(rpc, worker):
    update(rpc, "slow", rate_limit=rate(1, 10))
    jobs = [submit(rpc, queue="slow") for _ in range(4)]
    worker.lease_one()
    token, last = [explain(rpc, job.id).estimated_start_time.ToSeconds() for job in (jobs[1], jobs[3])]
    assert last - token in (20, 21)


def test_the_position_counts_the_jobs_before_it(rpc):
    ids = [job.id for job in submit_many(rpc, [task() for _ in range(20)])]
    high = submit(rpc, priority=5).id
    assert [explain(rpc, job_id).position for job_id in (high, ids[0], ids[19])] == [0, 1, 20]
    assert explain(rpc, ids[19]).position_exact
    assert "POSITION" in reasons(rpc, ids[19])


def test_a_running_or_finished_job_has_no_reasons(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    assert explain(rpc, job.id).state == State.RUNNING and not explain(rpc, job.id).reasons
    worker.report(success(one))
    assert explain(rpc, job.id).state == State.SUCCEEDED and not explain(rpc, job.id).reasons


def test_each_interface_explains(api, cli, rpc):
    rpc.queues.Pause(queues.PauseQueueRequest(queue="default"))
    job = submit(rpc)
    answer = api.get(f"/v1/jobs/{job.id}:explain").json()
    assert answer["id"] == job.id and "PAUSED" in [one["type"] for one in answer["reasons"]]
    assert cli.ok("explain", job.id, "-o", "json").documents == [answer]
    assert "PAUSED" in cli.ok("explain", job.id).text
    unknown = str(uuid.uuid4())
    assert api.get(f"/v1/jobs/{unknown}:explain").status == 404 and cli("explain", unknown).status == 3
    refused(lambda: explain(rpc, "17"), "INVALID_ARGUMENT", "id")
    assert state_of(rpc, job.id) == "READY"
