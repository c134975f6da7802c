"""Starts: what follows from where a server listens, and starts that fail."""

import os
import signal
import socket
import subprocess

import pytest

from harness.errandd import BIN
from harness.http_api import HttpApi
from harness.waiting import wait_until

ONCE = {"maxAttempts": 1}


# Whoever can push results from elsewhere is no caller of this machine.
def test_results_from_elsewhere_keep_jobs_from_private_addresses(start_server, origin):
    server = start_server("--results", "tcp://0.0.0.0:0", "--insecure")
    api = HttpApi(server.http)
    job = api.submit({"http": {"url": origin.url + "/ok"}, "retry": ONCE})
    result = api.result(job["id"])
    assert result["state"] == "FAILED", result
    assert not origin.requests("/ok")


def test_a_start_that_fails_does_not_wait_for_jobs(start_server, origin):
    server = start_server("--workers", "0")
    HttpApi(server.http).submit({"http": {"url": origin.url + "/hang"}})
    server.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server.listen["http"] = f"127.0.0.1:{taken.getsockname()[1]}"
        server.flags = ["--drain-timeout", "1h"]
        server.launch()
        assert server.wait() not in (0, None)


def test_no_file_or_socket_takes_the_place_of_a_standard_stream(start_server):
    server = start_server(wrapper=("sh", "-c", 'exec "$0" "$@" <&- 2>&-'))
    HttpApi(server.http).get("/no/such/page")
    for stream in (0, 2):
        assert os.readlink(f"/proc/{server.process.pid}/fd/{stream}") == "/dev/null"


@pytest.mark.parametrize("program", ["errandd", "errand-worker", "errand-gateway"])
@pytest.mark.parametrize("question", ["--help", "--version", "--check-config"])
def test_an_answer_that_can_not_be_written_is_an_error(program, question):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BIN / program, question], stdout=full, stderr=subprocess.PIPE, timeout=60
        )
    assert done.returncode == 1 and b"can not write to standard output" in done.stderr


# As a shell starts what it has in its background.
def test_a_second_sigint_leaves_at_once_even_if_the_signal_was_ignored_before(start_server, origin):
    ignoring = ("sh", "-c", "trap '' INT; exec \"$0\" \"$@\"")
    server = start_server("--drain-timeout", "1h", wrapper=ignoring)
    HttpApi(server.http).submit({"http": {"url": origin.url + "/hang"}})
    origin.wait_for("/hang")
    server.signal(signal.SIGINT)
    wait_until(lambda: "worker_drains" in server.log_text(), "it drains")
    server.signal(signal.SIGINT)
    assert server.wait() == -signal.SIGINT
