"""errand-worker: several servers at once, and how it comes and goes."""

import re
import signal

import pytest
from google.protobuf import struct_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages, worker_service_pb2
from harness.fleet import WorkerProcess
from harness.rpc import duration
from harness.waiting import DEADLINE_SECONDS, wait_until

State = job_pb2.Job


@pytest.fixture
def start_program(tmp_path):
    """Starts errand-worker for servers; it may reach the origin of the test."""
    workers = []

    def start(servers, *flags):
        at = [part for server in servers for part in ("--server", server.rpc)]
        log = tmp_path / f"worker-{len(workers)}.log"
        workers.append(WorkerProcess(log, [*at, "--allow-private-addresses", *flags]))
        return workers[-1]

    yield start
    for worker in workers:
        if worker.is_running():
            worker.kill()
        assert "Sanitizer" not in worker.log_text(), worker.log_text()


@pytest.fixture
def two_servers(start_server):
    return [start_server("--workers", "0", data=name) for name in ("one", "two")]


def connections(worker, server):
    return len(re.findall(rf"^connected {re.escape(server.rpc)}$", worker.log_text(), re.M))


def wait_connected(worker, servers, times=1):
    wait_until(
        lambda: all(connections(worker, server) >= times for server in servers),
        "the worker is connected",
    )


def fetch(rpc, url, count=1, **fields):
    jobs = [job_pb2.Job(http=job_pb2.HttpRequest(url=url), **fields) for _ in range(count)]
    results = rpc.jobs.BatchSubmit(messages.BatchSubmitRequest(jobs=jobs)).results
    return [result.job.id for result in results]


def result_of(rpc, job_id):
    return rpc.jobs.GetResult(messages.GetResultRequest(id=job_id, wait=duration(50)))


def test_one_worker_serves_two_servers_and_learns_where_results_go(
    two_servers, connect, start_program, origin
):
    worker = start_program(two_servers)
    wait_connected(worker, two_servers)
    for server in two_servers:
        rpc = connect(server)
        for job_id in fetch(rpc, origin.url + "/ok", 20):
            assert result_of(rpc, job_id).result.http.status == 200
    worker.stop()


def test_no_outcome_is_lost_when_both_servers_are_killed_in_turns(
    two_servers, connect, start_program, origin
):
    worker = start_program(two_servers, "--concurrency", "8")
    wait_connected(worker, two_servers)
    ids = [fetch(connect(server), origin.url + "/ok", 300) for server in two_servers]
    for times, server in ((2, two_servers[0]), (2, two_servers[1]), (3, two_servers[0])):
        server.kill()
        server.restart(same_ports=True)
        wait_connected(worker, [server], times)
    for server, job_ids in zip(two_servers, ids):
        rpc = connect(server)
        for job_id in job_ids:
            assert result_of(rpc, job_id).state == State.SUCCEEDED
    worker.stop()


def test_one_busy_server_does_not_keep_the_other_from_the_slots(
    two_servers, connect, start_program, origin
):
    worker = start_program(two_servers, "--concurrency", "2")
    wait_connected(worker, two_servers)
    busy, quiet = (connect(server) for server in two_servers)
    fetch(busy, origin.url + "/slow/0.05", 200)
    (job_id,) = fetch(quiet, origin.url + "/ok")
    assert result_of(quiet, job_id).state == State.SUCCEEDED
    waiting = busy.jobs.List(messages.ListJobsRequest(state=State.READY, page_size=100)).jobs
    assert waiting, "the busy server was done before the quiet one had its turn"
    worker.stop()


def test_a_server_that_comes_back_elsewhere_for_its_results_is_found(
    two_servers, connect, start_program, origin
):
    server = two_servers[0]
    worker = start_program([server])
    wait_connected(worker, [server])
    server.kill()
    server.listen["rpc"] = server.rpc
    server.restart()
    wait_connected(worker, [server], 2)
    rpc = connect(server)
    assert result_of(rpc, fetch(rpc, origin.url + "/ok")[0]).state == State.SUCCEEDED
    worker.stop()


def test_a_signal_drains_and_a_second_one_leaves_at_once(
    two_servers, connect, start_program, origin
):
    server = two_servers[0]
    worker = start_program([server])
    wait_connected(worker, [server])
    fetch(connect(server), origin.url + "/hang")
    origin.wait_for("/hang")
    worker.process.send_signal(signal.SIGTERM)
    wait_until(lambda: "worker_drains" in worker.log_text(), "it drains")
    assert worker.is_running()
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(DEADLINE_SECONDS) == -signal.SIGTERM


def test_a_drain_waits_for_its_jobs_and_gives_back_what_takes_too_long(
    two_servers, connect, start_program, origin
):
    server = two_servers[0]
    rpc = connect(server)
    worker = start_program([server], "--drain-timeout", "2s")
    wait_connected(worker, [server])
    (slow,) = fetch(rpc, origin.url + "/slow/1")
    (hanging,) = fetch(rpc, origin.url + "/hang")
    origin.wait_for("/hang")
    origin.wait_for("/slow/1")
    worker.stop()
    assert result_of(rpc, slow).state == State.SUCCEEDED
    job = rpc.jobs.Get(messages.GetJobRequest(id=hanging))
    assert job.state == State.READY and not job.attempts


def test_queues_kinds_and_concurrency_are_told_to_the_server(
    two_servers, connect, start_program, tmp_path
):
    server = two_servers[0]
    settings = tmp_path / "worker.yaml"
    settings.write_text("concurrency: 7\nqueues: [a=3, b]\nkinds: [http]\n")
    worker = start_program([server], "--config", str(settings), "--queues", "a=3,b=1")
    wait_connected(worker, [server])
    (shown,) = connect(server).workers.List(worker_service_pb2.ListWorkersRequest()).workers
    assert list(shown.queues) == ["a=3", "b=1"] and list(shown.kinds) == ["http"]
    assert shown.concurrency == 7
    worker.stop()


def test_sighup_takes_the_settings_of_the_log_and_names_the_others(
    two_servers, start_program, tmp_path
):
    settings = tmp_path / "worker.yaml"
    settings.write_text("log_format: text\n")
    worker = start_program([two_servers[0]], "--config", str(settings))
    wait_connected(worker, [two_servers[0]])
    settings.write_text("log_format: json\nconcurrency: 9\n")
    worker.process.send_signal(signal.SIGHUP)
    wait_until(lambda: '"event":"reloaded"' in worker.log_text(), "settings are loaded again")
    assert '"key":"concurrency"' in worker.log_text()
    worker.stop()


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--kinds", "task"], b"kinds"),
        (["--server", "tcp://127.0.0.1"], b"--server: found \"tcp://127.0.0.1\", expected"),
        (["--results", "tcp://127.0.0.1:1,tcp://127.0.0.1:2"], b"results"),
        (["--queues", ","], b"queues"),
        (["--queues", "mail,a b"], b'--queues: found "a b", expected'),
        (["--queues", "mail=0"], b'--queues: found "mail=0", expected'),
        (["--queues", "mail=3=4"], b'--queues: found "mail=3=4", expected'),
        (["--kinds", "exec"], b"kinds: found nothing to do, expected http"),
        (["--concurrency", "0"], b"kinds: found nothing to do, expected http"),
    ],
)
def test_settings_that_do_not_fit_are_refused(flags, says, tmp_path):
    worker = WorkerProcess(tmp_path / "log", flags)
    assert worker.process.wait(DEADLINE_SECONDS) == 2
    assert says in worker.log.read_bytes()


def test_a_worker_started_with_closed_streams_works(tmp_path, start_server, connect, origin):
    server = start_server("--workers", "0")
    closed = ("sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-')
    flags = ("--server", server.rpc, "--allow-private-addresses", "--log-level", "debug")
    worker = WorkerProcess(tmp_path / "closed.log", flags, closed)
    try:
        rpc = connect(server)
        (job_id,) = fetch(rpc, origin.url + "/ok")
        assert result_of(rpc, job_id).state == State.SUCCEEDED
        worker.stop()
    finally:
        if worker.is_running():
            worker.kill()
