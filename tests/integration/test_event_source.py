"""A browser's EventSource: it comes again by itself, and misses nothing."""

import pytest

from harness.browser import CHROMIUM, Browser
from harness.forwarder import Forwarder
from harness.gateway import Gateway
from harness.tasks import submit
from harness.waiting import wait_until
from harness.worker import success

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed (Debian: chromium)")

QUEUE_EVENTS = ["job", "queue", "reset"]
JOB_EVENTS = ["state", "progress"]
SECONDS = 100  # a browser starts slowly on a busy machine


@pytest.fixture
def browser(tmp_path):
    one = Browser(tmp_path / "profile")
    yield one
    one.close()


def streams(url, job_id):
    return [
        ("queue", f"{url}/v1/queues/default/events", QUEUE_EVENTS),
        ("job", f"{url}/v1/jobs/{job_id}/events", JOB_EVENTS),
    ]


def await_seen(browser, stream, name, count):
    return wait_until(
        lambda: len(browser.seen(stream, name)) >= count and browser.seen(stream, name),
        f"{count} events {name} of the {stream}", SECONDS,
    )


def await_job(browser, job_id, state):
    wait_until(
        lambda: any(one["data"]["id"] == job_id and one["data"]["state"] == state
                    for one in browser.seen("queue", "job")),
        f"job {job_id} {state}", SECONDS,
    )


def changes(browser):
    """Each change of a job that the stream of the queue told."""
    return [(one["data"]["id"], one["data"]["state"]) for one in browser.seen("queue", "job")]


def assert_each_once(browser, expected):
    assert changes(browser) == expected
    assert not browser.seen("queue", "reset")
    for stream, names in (("queue", QUEUE_EVENTS), ("job", JOB_EVENTS)):
        ids = [one["id"] for one in browser.seen(stream, *names)]
        assert len(set(ids)) == len(ids), ids
    assert not [one for one in browser.seen("queue", "error") if one["closed"]]


def run_through(browser, rpc, worker, first, break_off):
    """Jobs change before the connection breaks off, meanwhile, and after."""
    expected = []

    def note(job_id, state):
        expected.append((job_id, state))

    await_seen(browser, "queue", "queue", 1)
    await_seen(browser, "job", "state", 1)
    before = submit(rpc).id
    note(before, "READY")
    await_job(browser, before, "READY")
    break_off()
    running = worker.lease_one()
    note(first, "RUNNING")
    meanwhile = submit(rpc).id
    note(meanwhile, "READY")
    await_job(browser, meanwhile, "READY")
    worker.report(success(running))
    note(first, "SUCCEEDED")
    after = submit(rpc).id
    note(after, "READY")
    await_job(browser, after, "READY")
    wait_until(lambda: browser.seen("job", "state")[-1]["data"]["state"] == "SUCCEEDED", "the end of the job", SECONDS)
    assert_each_once(browser, expected)
    states = [one["data"]["state"] for one in browser.seen("job", "state")]
    assert states[0] == "READY" and states[-1] == "SUCCEEDED" and len(set(states)) == len(states)


def test_a_browser_comes_again_when_its_connection_is_cut(start_server, connect, start_worker, browser):
    server = start_server("--origins", browser.origin)
    rpc, worker = connect(server), start_worker(server, kinds=["task"])
    first = submit(rpc).id
    forwarder = Forwarder(server.http)
    browser.show(streams(forwarder.url, first))
    run_through(browser, rpc, worker, first, forwarder.cut)
    again = forwarder.heads("Last-Event-ID")
    assert any("/v1/queues/default/events" in head for head in again), forwarder.sent
    assert any(f"/v1/jobs/{first}/events" in head for head in again), forwarder.sent
    # A job that has ended has nothing more to tell: the browser is told not to come again.
    wait_until(lambda: [one for one in browser.seen("job", "error") if one["closed"]], "the job's end", SECONDS)
    forwarder.close()


def test_a_browser_comes_again_when_the_gateway_is_killed(
    server, rpc, worker, browser, tmp_path
):
    first = submit(rpc).id
    log, flags = tmp_path / "gateway.log", ["--allowed-origins", browser.origin]
    gateways = [Gateway(server, log, *flags)]
    address = gateways[0].http.removeprefix("http://")
    browser.show(streams(gateways[0].http, first))

    def kill_and_start():
        gateways[0].process.kill()
        gateways[0].process.wait()
        gateways[0].process.stdout.close()
        gateways.append(Gateway(server, log, "--http", address, *flags))

    run_through(browser, rpc, worker, first, kill_and_start)
    gateways[1].stop()
