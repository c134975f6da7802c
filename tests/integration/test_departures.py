"""HTTP clients that go while their requests wait at the server."""

import json
import uuid

import pytest

from errand.v1 import job_service_pb2 as messages, server_service_pb2 as servers
from harness.connect_api import ConnectApi
from harness.events import EventStream
from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.raw_http import RawHttp
from harness.tasks import submit
from harness.tokens import Tokens, bearer
from harness.waiting import wait_until

# Far less than a lease of 30 s, and than the time that any of these requests would wait.
SOON = 20


@pytest.fixture
def server(start_server):
    """Without workers of its own, whose calls would wait too."""
    return start_server("--workers", "0")


@pytest.fixture(params=["embedded", "alone"])
def front(request, server, tmp_path):
    """The URL of a gateway: within the server, and by itself."""
    if request.param == "embedded":
        yield server.http
    else:
        gateway = Gateway(server, tmp_path / "gateway.log")
        yield gateway.http
        gateway.stop()


class HttpWorker:
    """A worker over HTTP, each Lease on a connection of its own."""

    def __init__(self, url, headers=None):
        self.url = url
        self.headers = headers or {}
        self.worker = {"id": str(uuid.uuid4()), "kinds": ["task"], "concurrency": 10}
        self.sequence = 0

    def body(self, wait):
        self.sequence += 1
        lease = {
            "worker": self.worker, "maxJobs": 10, "wait": f"{wait}s", "leaseSequence": self.sequence,
        }
        return json.dumps(lease).encode()

    def park(self, wait=55):
        """A Lease that waits, on a connection that can be closed."""
        body = self.body(wait)
        connection = RawHttp(self.url)
        headers = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        headers += [f"{name}: {value}" for name, value in self.headers.items()]
        return connection.request("POST /v1/work:lease HTTP/1.1", headers, body)

    def lease(self, wait=SOON):
        answer = HttpApi(self.url).post("/v1/work:lease", self.body(wait), self.headers)
        assert answer.status == 200, answer
        return answer.json().get("assignments", [])


def waiting(rpc):
    return rpc.server.GetStats(servers.GetStatsRequest()).waiting_calls


def await_calls(rpc, count):
    wait_until(lambda: waiting(rpc) == count, f"{count} calls wait at the server", SOON)


def test_jobs_do_not_go_to_a_worker_that_has_left(front, rpc):
    left = HttpWorker(front).park()
    await_calls(rpc, 1)
    left.close()
    await_calls(rpc, 0)
    job = submit(rpc)
    (one,) = HttpWorker(front).lease()
    assert one["job"]["id"] == job.id and one["attempt"] == 1


def test_a_job_that_met_a_worker_as_it_left_goes_to_the_next_at_once(front, rpc):
    other = HttpWorker(front)
    for _ in range(10):
        left = HttpWorker(front).park()
        await_calls(rpc, 1)
        left.close()
        job = submit(rpc)
        (one,) = other.lease()
        assert one["job"]["id"] == job.id and 1 <= one["attempt"] <= 2
        seen = rpc.jobs.Get(messages.GetJobRequest(id=job.id))
        assert seen.attempt == one["attempt"] and not seen.attempts


def test_a_worker_of_a_limited_token_gives_back_too(start_server, tmp_path):
    """What it may serve is the server's to say, and its request is used again when it leaves."""
    tokens = Tokens(tmp_path / "errandd.yaml")
    queues = [f"queue-with-a-rather-long-name-{number}" for number in range(100)]
    limited = tokens.add("limited", "work", queues=queues)
    admin = bearer(tokens.add("admin", "admin", "submit", "read", "work"))
    server = start_server("--workers", "0", *tokens.flags)
    api, other = HttpApi(server.http), HttpWorker(server.http, admin)

    def is_waited():
        return int(api.get("/v1/server/stats", headers=admin).json().get("waitingCalls", 0)) == 1

    for number in range(10):
        left = HttpWorker(server.http, bearer(limited)).park()
        wait_until(is_waited, "the Lease waits", SOON)
        left.close()
        job = api.submit({"kind": "task", "queue": queues[number]}, headers=admin)
        (one,) = other.lease()
        assert one["job"]["id"] == job["id"] and 1 <= one["attempt"] <= 2


def test_a_worker_that_stays_keeps_what_it_was_given(front, rpc):
    stays = HttpWorker(front).park()
    await_calls(rpc, 1)
    left = HttpWorker(front).park()
    await_calls(rpc, 2)
    left.close()
    await_calls(rpc, 1)
    job = submit(rpc)
    status, _, body = stays.read_answer()
    (one,) = json.loads(body)["assignments"]
    assert status == 200 and one["job"]["id"] == job.id and one["attempt"] == 1
    assert not HttpWorker(front).lease(wait=0)
    stays.close()


def test_several_requests_of_one_connection_can_be_left(server, rpc):
    connection = RawHttp(server.http)
    for _ in range(3):
        connection.request(f"GET /v1/jobs/{submit(rpc).id}/result?wait=0.3s HTTP/1.1")
        assert connection.read_answer()[0] == 202
    connection.request(f"GET /v1/jobs/{submit(rpc).id}/result?wait=55s HTTP/1.1")
    await_calls(rpc, 1)
    connection.close()
    await_calls(rpc, 0)


@pytest.mark.parametrize("path", ["/v1/jobs/{}/result?wait=55s", "/v1/jobs/{}/output?wait=55s"])
def test_nothing_waits_for_a_client_that_left(front, rpc, path):
    job = submit(rpc)
    connection = RawHttp(front).request(f"GET {path.format(job.id)} HTTP/1.1")
    await_calls(rpc, 1)
    connection.close()
    await_calls(rpc, 0)


def test_a_submit_whose_client_left_is_stored(front, rpc):
    job_id = str(uuid.uuid4())
    body = json.dumps({"id": job_id, "kind": "task"}).encode()
    headers = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    connection = RawHttp(front).request("POST /v1/jobs?wait=55s HTTP/1.1", headers, body)
    await_calls(rpc, 1)
    connection.close()
    await_calls(rpc, 0)
    assert rpc.jobs.Get(messages.GetJobRequest(id=job_id)).id == job_id


@pytest.mark.parametrize("path", ["/v1/jobs/{}/events", "/v1/queues/default/events"])
def test_the_place_of_a_stream_that_was_left_is_free(start_server, connect, path):
    """Long before the next heartbeat would find out."""
    server = start_server("--http-streams", "1")
    path = path.format(submit(connect(server)).id)
    for _ in range(3):
        def is_open():
            stream = EventStream(server.http, path)
            stream.close()
            return stream.status == 200

        wait_until(is_open, "a place for a stream", SOON)


def test_the_place_of_a_connect_stream_that_was_left_is_free(start_server, connect):
    server = start_server("--http-streams", "1")
    submit(connect(server))
    wire = ConnectApi(server.http)
    for _ in range(3):
        def is_open():
            stream = wire.open_stream("/errand.v1.QueueService/Watch", {"queue": "default"})
            flags, _ = stream.next()
            stream.close()
            return flags == 0

        wait_until(is_open, "a place for a stream", SOON)
