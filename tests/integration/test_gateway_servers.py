"""errand-gateway with several addresses of one store: calls go on when one of them goes."""

import subprocess
import threading

import pytest

from harness.errandd import BIN, clean_environment
from harness.forwarder import Forwarder
from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.waiting import wait_until


@pytest.fixture
def two_ways(server):
    ways = [Forwarder(server.rpc), Forwarder(server.rpc)]
    yield ways
    for way in ways:
        way.close()


@pytest.fixture
def gateway(server, two_ways, tmp_path):
    class Both:
        rpc = ",".join(way.url for way in two_ways)

    made = Gateway(Both, tmp_path / "gateway.log")
    yield made
    made.stop()


def submit_all(api, count):
    answers = []
    for i in range(count):
        answers.append(api.post("/v1/jobs", {"kind": "task"}, headers={"idempotency-key": f"k{i}"}))
    return answers


def test_calls_go_on_when_one_of_two_addresses_goes(gateway, two_ways):
    api = HttpApi(gateway.http)
    assert api.get("/readyz").status == 200
    first = [answer.status for answer in submit_all(api, 20)]
    assert first == [201] * 20
    two_ways[0].close()
    again = submit_all(api, 30)
    assert [answer.status for answer in again] == [200] * 20 + [201] * 10, again
    assert api.get("/readyz").status == 200


def test_calls_under_way_survive_the_loss_of_their_address(gateway, two_ways, api):
    """A waiting call is asked again on the other address, which knows the same jobs."""
    through = HttpApi(gateway.http)
    job = through.submit({"kind": "task", "delay": "3600s"})
    answers = []

    def wait():
        answers.append(through.get(f"/v1/jobs/{job['id']}/result?wait=50s"))

    before = two_ways[0].bytes
    assert before > 0  # the way taken so far
    waiter = threading.Thread(target=wait)
    waiter.start()
    wait_until(lambda: two_ways[0].bytes > before, "the call to be on its way")
    two_ways[0].close()
    api.post(f"/v1/jobs/{job['id']}:cancel", {})
    waiter.join(60)
    assert answers[0].status == 200 and answers[0].json()["state"] == "CANCELLED", answers


def test_without_any_server_it_is_alive_but_not_ready(gateway, two_ways):
    api = HttpApi(gateway.http)
    assert api.get("/readyz").status == 200
    for way in two_ways:
        way.close()
    answer = api.get("/readyz")
    assert answer.status == 503 and b"tcp://" not in answer.body and b"127.0.0.1" not in answer.body, answer
    assert api.get("/healthz").status == 200
    answer = api.get("/v1/jobs")
    assert answer.status == 503 and b"127.0.0.1" not in answer.body, answer
    assert answer.headers["retry-after"] == "1"
    answer = api.post("/errand.v1.ServerService/GetInfo", {})
    assert answer.status == 503 and answer.headers["retry-after"] == "1"
    assert [one["type"] for one in answer.json()["details"]] == ["google.rpc.RetryInfo"]
    assert "127.0.0.1" in gateway.log.read_text()  # there the reason stands


def test_a_server_that_drains_is_not_ready(server, gateway, api):
    through = HttpApi(gateway.http)
    assert through.get("/readyz").status == 200
    server.stop()
    assert through.get("/readyz").status == 503


def check(*flags):
    command = [BIN / "errand-gateway", "--check-config", *map(str, flags)]
    done = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    return done.returncode, done.stderr


def test_no_server_at_all_is_told_at_the_start(tmp_path):
    settings = tmp_path / "gateway.yaml"
    settings.write_text("server: []\n")
    status, said = check("--config", settings)
    assert status == 2 and "server: found none, expected the address of a server" in said, said


@pytest.mark.parametrize("address", ["http://x:1", "tcp://127.0.0.1"])
def test_an_address_that_is_none_is_told_at_the_start(address):
    status, said = check("--server", "tcp://127.0.0.1:1", "--server", address)
    assert status == 2 and f'--server: found "{address}", expected' in said and "HOST:PORT" in said, said


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--http", "off"], "http: found off, expected HOST:PORT"),
        (["--token-file", "NOTHING"], "token_file: "),
        (["--server", "tls+tcp://127.0.0.1:1", "--tls-ca", "NOTHING"], "NOTHING"),
        (["--allowed-origins", "https://a.example/"], '--allowed-origins: found "https://a.example/", expected'),
    ],
)
def test_what_can_not_be_used_is_told_before_the_start(tmp_path, flags, says):
    missing = str(tmp_path / "nothing")
    status, said = check(*[flag.replace("NOTHING", missing) for flag in flags])
    assert status == 2 and says.replace("NOTHING", missing) in said, said
