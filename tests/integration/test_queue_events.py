"""What happens in a queue: Watch of QueueService, its event stream, its Connect stream."""

import base64
import json
import uuid

import pytest

from errand.v1 import job_service_pb2 as messages, queue_service_pb2 as queues
from harness.cli import Cli
from harness.connect_api import ConnectApi
from harness.errandd import SANITIZED
from harness.events import EventStream
from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.rpc import duration, open_response
from harness.tasks import State, refused, submit, submit_many, task, update
from harness.tokens import Tokens, TokenRpc, bearer
from harness.worker import released, success

QUEUE_WATCH = "/errand.v1.QueueService/Watch"


def request_for(queue="default", cursor="", wait=0):
    return queues.WatchQueueRequest(queue=queue, cursor=cursor, wait=duration(wait))


def watch(rpc, queue="default", cursor="", wait=0):
    return rpc.queues.Watch(request_for(queue, cursor, wait))


def start_watch(rpc, cursor, wait=50):
    return rpc.start_raw(QUEUE_WATCH, request_for("default", cursor, wait).SerializeToString())


def watched(future):
    return queues.WatchQueueResponse.FromString(open_response(future.result(60)))


def changes(answer):
    """What it tells of jobs: (id, state, attempt, deleted)."""
    jobs = [event.job for event in answer.events if event.HasField("job")]
    return [(one.id, State.State.Name(one.state), one.attempt, one.deleted) for one in jobs]


def depths(answer):
    return [dict(event.queue.depth) for event in answer.events if event.HasField("queue")]


def follow(rpc, cursor, enough):
    """Watches until enough was told; all events, none of them twice."""
    events = []
    while not enough(events):
        answer = watched(start_watch(rpc, cursor))
        assert answer.events, events
        cursor = answer.cursor
        events.extend(answer.events)
    assert len({event.cursor for event in events}) == len(events)
    return events, cursor


# ---- RPC ----


def test_a_watch_begins_with_the_queue_as_it_is(rpc):
    submit(rpc)
    answer = watch(rpc)
    assert depths(answer) == [{"READY": 1}] and not changes(answer)
    assert answer.cursor == answer.events[-1].cursor
    again = watch(rpc, cursor=answer.cursor)
    assert not again.events and again.cursor == answer.cursor


def test_each_change_of_each_job_is_told_in_order(rpc, worker):
    submit(rpc)
    cursor = watch(rpc).cursor
    jobs = submit_many(rpc, [task() for _ in range(3)])
    one = worker.lease_one()
    worker.report(released(one))
    worker.report(success(worker.lease_one()))
    rpc.jobs.Cancel(messages.CancelJobRequest(id=jobs[1].id))
    rpc.jobs.Delete(messages.DeleteJobRequest(id=jobs[1].id))

    def enough(events):
        return any(event.job.deleted for event in events)

    events, cursor = follow(rpc, cursor, enough)
    told = changes(queues.WatchQueueResponse(events=events))
    first = one.job.id
    assert told == [
        (jobs[0].id, "READY", 0, False),
        (jobs[1].id, "READY", 0, False),
        (jobs[2].id, "READY", 0, False),
        (first, "RUNNING", 1, False),
        (first, "READY", 1, False),
        (first, "RUNNING", 2, False),
        (first, "SUCCEEDED", 2, False),
        (jobs[1].id, "CANCELLED", 0, False),
        (jobs[1].id, "CANCELLED", 0, True),
    ]
    change = next(event.job for event in events if event.HasField("job"))
    assert change.kind == "task" and change.revision == 1 and change.HasField("time")
    # Any event is a place to go on from.
    middle = [event for event in events if event.HasField("job")][4]
    assert changes(watch(rpc, cursor=middle.cursor)) == told[5:]


def test_a_watch_that_waits_is_answered_by_a_change(rpc, worker):
    submit(rpc)
    waiting = start_watch(rpc, watch(rpc).cursor)
    other = submit(rpc, queue="other")
    job = submit(rpc)
    told = changes(watched(waiting))
    assert told == [(job.id, "READY", 0, False)] and other.id != job.id


def test_a_wait_that_is_over_is_answered_without_events(rpc):
    submit(rpc)
    cursor = watch(rpc).cursor
    answer = watch(rpc, cursor=cursor, wait=0.2)
    assert not answer.events and answer.cursor == cursor


def test_a_change_of_its_settings_is_told(rpc):
    submit(rpc)
    waiting = start_watch(rpc, watch(rpc).cursor)
    update(rpc, max_running=7)
    answer = watched(waiting)
    assert answer.events[-1].queue.max_running.value == 7


def test_the_queue_itself_is_told_a_few_times_a_second_only(rpc):
    submit(rpc)
    cursor = watch(rpc).cursor
    for _ in range(10):
        submit_many(rpc, [task() for _ in range(100)])

    def all_there(events):
        depth = [event.queue.depth["READY"] for event in events if event.HasField("queue")]
        return sum(event.HasField("job") for event in events) == 1000 and depth[-1] == 1001

    events, _ = follow(rpc, cursor, all_there)
    assert sum(event.HasField("queue") for event in events) <= 20


def test_a_wrong_watch_is_refused(rpc):
    refused(lambda: watch(rpc, "nobody"), "NOT_FOUND")
    refused(lambda: watch(rpc, ""), "INVALID_ARGUMENT", "queue")
    submit(rpc)
    refused(lambda: watch(rpc, wait=-1), "INVALID_ARGUMENT", "wait")
    for cursor in ("17", "x-1-1", "1-1-1-1", "-1-1-1", "1-1-11111111111111111", "1-ffffffffffffffff-1", "1-1-"):
        refused(lambda text=cursor: watch(rpc, cursor=text), "INVALID_ARGUMENT", "cursor")


def test_a_restart_is_told_as_a_reset(server, connect):
    rpc = connect(server)
    submit(rpc)
    cursor = watch(rpc).cursor
    server.kill()
    server.restart()
    rpc = connect(server)
    answer = watch(rpc, cursor=cursor, wait=50)
    assert answer.events[0].HasField("reset") and answer.events[0].reset.reason
    assert depths(answer) == [{"READY": 1}]
    # Who got no further than the reset still gets the queue.
    assert depths(watch(rpc, cursor=answer.events[0].cursor)) == [{"READY": 1}]
    assert not watch(rpc, cursor=answer.cursor).events


def test_what_is_not_kept_any_more_is_told_as_a_reset(start_server, connect):
    rpc = connect(start_server("--watch-history", "1000"))
    submit(rpc)
    cursor = watch(rpc).cursor
    submit_many(rpc, [task() for _ in range(2000)])
    answer = watch(rpc, cursor=cursor, wait=50)
    assert answer.events[0].HasField("reset") and not changes(answer)


def test_a_token_watches_its_queues_only(start_server, tmp_path):
    tokens = Tokens(tmp_path / "errandd.yaml")
    reader = tokens.add("reader", "read", queues=["default"])
    writer = tokens.add("writer", "submit")
    server = start_server(*tokens.flags)
    clients = [TokenRpc(server.rpc, text) for text in (reader, writer)]
    submit(clients[1])
    submit(clients[1], queue="other")
    assert depths(watch(clients[0])) == [{"READY": 1}]
    refused(lambda: watch(clients[0], "other"), "PERMISSION_DENIED")
    refused(lambda: watch(clients[0], "nobody"), "PERMISSION_DENIED")
    refused(lambda: watch(clients[1]), "PERMISSION_DENIED")
    assert EventStream(server.http, "/v1/queues/default/events").status == 401
    stream = EventStream(server.http, "/v1/queues/default/events", headers=bearer(reader))
    assert stream.next().name == "queue"
    stream.close()
    for client in clients:
        client.close()


def test_the_command_line_follows_a_queue(cli, rpc, worker):
    assert cli("queue", "watch", "nobody").status == 3
    update(rpc, max_running=5)
    following = cli.start("queue", "watch", "default")
    assert following.stdout.readline() == b"queue default\n"
    job = submit(rpc)
    assert following.stdout.readline().decode() == f"job {job.id} task READY\n"
    worker.report(success(worker.lease_one()))
    lines = []
    while lines[-1:] != ["queue default SUCCEEDED=1"]:
        lines.append(following.stdout.readline().decode().rstrip("\n"))
    assert [line for line in lines if line.startswith("job ")] == [
        f"job {job.id} task RUNNING", f"job {job.id} task SUCCEEDED",
    ]
    following.kill()
    following.communicate()
    following = cli.start("queue", "watch", "default", "-o", "json")
    document = json.loads(following.stdout.readline())
    assert document["queue"]["depth"] == {"SUCCEEDED": "1"} and document["cursor"]
    following.kill()
    following.communicate()


def test_the_command_line_goes_on_after_a_restart(server, connect):
    submit(connect(server))
    following = Cli(server.rpc).start("queue", "watch", "default")
    assert following.stdout.readline() == b"queue default READY=1\n"
    server.stop()
    server.restart(same_ports=True)
    assert following.stdout.readline() == b"queue default READY=1\n"
    job = submit(connect(server))
    assert following.stdout.readline().decode() == f"job {job.id} task READY\n"
    following.kill()
    _, err = following.communicate()
    assert b"some events are missing" in err


# ---- event streams ----


@pytest.fixture
def open_events(server):
    streams = []

    def start(queue="default", last_id=None):
        streams.append(EventStream(server.http, f"/v1/queues/{queue}/events", last_id))
        return streams[-1]

    yield start
    for stream in streams:
        stream.close()


def is_depth(**wanted):
    return lambda event: event.name == "queue" and \
        {state: int(count) for state, count in event.data.get("depth", {}).items()} == wanted


def test_a_queue_is_a_stream_of_events(open_events, rpc, worker):
    update(rpc, max_running=5)
    stream = open_events()
    assert stream.status == 200
    assert stream.response.getheader("content-type") == "text/event-stream"
    first = stream.next()
    assert first.name == "queue" and first.data["name"] == "default" and first.data["maxRunning"] == 5
    job = submit(rpc)
    worker.report(success(worker.lease_one()))
    events = stream.until(is_depth(SUCCEEDED=1))
    jobs = [event.data for event in events if event.name == "job"]
    assert [(one["id"], one["state"]) for one in jobs] == [
        (job.id, "READY"), (job.id, "RUNNING"), (job.id, "SUCCEEDED"),
    ]
    assert jobs[1]["kind"] == "task" and jobs[1]["attempt"] == 1 and jobs[1]["time"]
    assert len({event.id for event in [first, *events]}) == len(events) + 1


def test_a_stream_is_resumed_without_loss(open_events, rpc):
    submit(rpc)
    stream = open_events()
    stream.next()
    told, last_id = [], stream.last_id
    jobs = [submit(rpc).id for _ in range(3)]
    while len(told) < len(jobs):  # it breaks off behind each event
        event = open_events(last_id=last_id).next()
        last_id = event.id
        if event.name == "job":
            told.append(event.data["id"])
    assert told == jobs


def test_a_stream_is_resumed_with_a_reset_at_another_server(open_events, server, connect):
    submit(connect(server))
    stream = open_events()
    stream.next()
    server.kill()
    server.restart()
    resumed = EventStream(server.http, "/v1/queues/default/events", stream.last_id)
    assert [resumed.next().name, resumed.next().name] == ["reset", "queue"]
    resumed.close()


def test_the_cursor_may_be_in_the_query_too(api, open_events, rpc, server):
    submit(rpc)
    first = open_events().next()
    job = submit(rpc)
    stream = EventStream(server.http, f"/v1/queues/default/events?cursor={first.id}")
    assert stream.next().data["id"] == job.id
    stream.close()


def test_streams_that_can_not_be_are_refused(open_events, api, rpc):
    assert open_events("nobody").status == 404
    assert open_events("no%20name").status == 400
    submit(rpc)
    assert open_events(last_id="17").status == 400
    assert api.get("/v1/queues/default/events?wait=5s").status == 400
    assert api.get("/v1/queues/default/events", headers={"accept": "application/json"}).status == 406
    assert api.post("/v1/queues/default/events", {}).status == 405


def test_streams_of_queues_count_with_all_others(start_server, connect):
    server = start_server("--http-streams", "2")
    job = submit(connect(server))
    paths = ["/v1/queues/default/events", f"/v1/jobs/{job.id}/events", "/v1/queues/default/events"]
    streams = [EventStream(server.http, path) for path in paths]
    assert [stream.status for stream in streams] == [200, 200, 503]
    assert streams[2].response.getheader("retry-after")
    _, _, end = ConnectApi(server.http).stream(QUEUE_WATCH, {"queue": "default"})
    assert end["error"]["code"] == "unavailable", end
    assert HttpApi(server.http).get("/healthz").status == 200
    for stream in streams:
        stream.close()


def test_many_streams_do_not_starve_requests(start_server, many_files, connect):
    """So many are allowed, and all else is answered meanwhile."""
    most = 60 if SANITIZED else 1000
    server = start_server("--http-streams", str(most), "--http-connections", str(2 * most + 50))
    submit(connect(server))
    streams = [EventStream(server.http, "/v1/queues/default/events") for _ in range(most + 8)]
    assert [stream.status for stream in streams] == [200] * most + [503] * 8
    job = HttpApi(server.http).submit({"kind": "task"})
    for stream in streams[:most]:
        assert stream.next().name == "queue"
        assert stream.next().data["id"] == job["id"]
    for stream in streams:
        stream.close()


def test_a_stream_through_a_gateway_of_its_own(server, connect, tmp_path):
    rpc = connect(server)
    submit(rpc)
    gateway = Gateway(server, tmp_path / "gateway.log")
    stream = EventStream(gateway.http, "/v1/queues/default/events")
    assert stream.next().name == "queue"
    job = submit(rpc)
    assert stream.next().data["id"] == job.id
    stream.close()
    gateway.stop()


# ---- Connect ----


def test_a_connect_stream_tells_what_happens(server, rpc):
    submit(rpc)
    wire = ConnectApi(server.http)
    stream = wire.open_stream(QUEUE_WATCH, {"queue": "default"})
    flags, message = stream.next()
    assert flags == 0 and message["events"][0]["queue"]["depth"] == {"READY": "1"}
    job = submit(rpc)
    flags, message = stream.next()
    assert flags == 0 and message["events"][0]["job"]["id"] == job.id
    stream.close()
    # And goes on behind any of them.
    cursor = message["events"][0]["cursor"]
    later = submit(rpc)
    stream = wire.open_stream(QUEUE_WATCH, {"queue": "default", "cursor": cursor})
    told = []
    while not told:
        _, message = stream.next()
        told = [event["job"]["id"] for event in message["events"] if "job" in event]
    assert told == [later.id]
    stream.close()


def test_a_connect_stream_of_no_queue_is_refused(server):
    wire = ConnectApi(server.http)
    for queue, code in ((str(uuid.uuid4()), "not_found"), ("", "invalid_argument")):
        _, sent, end = wire.stream(QUEUE_WATCH, {"queue": queue})
        assert not sent and end["error"]["code"] == code


def test_a_stream_is_not_read_by_get(server):
    message = base64.urlsafe_b64encode(b"{}").decode()
    answer = HttpApi(server.http).get(f"{QUEUE_WATCH}?connect=v1&encoding=json&base64=1&message={message}")
    assert answer.status == 405
