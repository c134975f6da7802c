"""`python -m errand worker`, as it is run in production."""

import os
import signal
import subprocess
import sys
import time

import pytest

import errand
from errand._processes import Supervisor

CODE = """
import os, time, errand

worker = errand.Worker({url!r}, concurrency=2, drain_timeout=20)
idle = errand.Worker({url!r})

@worker.task
def pid() -> int:
    return os.getpid()

@worker.task
def slow(seconds: float) -> str:
    errand.current().progress(1, 2)
    end = time.monotonic() + seconds
    while time.monotonic() < end and not errand.current().cancelled:
        time.sleep(0.005)
    return "done"

@worker.task
def deaf():
    errand.current().progress(1, 2)
    while True:
        time.sleep(0.01)
"""


class Program:
    """The worker of a module of its own, in processes of its own."""

    def __init__(self, folder, url):
        (folder / "shop.py").write_text(CODE.format(url=url))
        self.folder = folder
        self.process = None

    def start(self, *flags, name="shop:worker"):
        command = [sys.executable, "-m", "errand", "worker", name, *flags]
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stderr=log)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(60)

    def text(self):
        return (self.folder / "log").read_text()


@pytest.fixture
def program(errand_server, tmp_path):
    made = Program(tmp_path, errand_server.url)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def progress_of(job, eventually):
    eventually(lambda: job.get().progress, "progress")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_it(program, client, eventually, number):
    program.start()
    job = client.submit("slow", {"seconds": 1})
    progress_of(job, eventually)
    program.signal(number)
    assert program.wait() == 0, program.text()
    assert job.wait(5).result == "done"
    assert job.get().attempt == 1


def test_a_second_signal_gives_back_what_runs(program, client, eventually):
    program.start("--drain-timeout", "600")
    jobs = [client.submit("slow", {"seconds": 600}), client.submit("deaf")]
    for job in jobs:
        progress_of(job, eventually)
    program.signal(signal.SIGTERM)
    eventually(lambda: "draining" in program.text(), "the drain")
    program.signal(signal.SIGTERM)
    assert program.wait() == 0, program.text()
    assert [job.get().state for job in jobs] == [errand.State.READY] * 2


def test_the_drain_timeout_is_kept(program, client, eventually):
    program.start("--drain-timeout", "0.3")
    job = client.submit("deaf")
    progress_of(job, eventually)
    start = time.monotonic()
    program.signal(signal.SIGTERM)
    assert program.wait() == 0, program.text()
    assert time.monotonic() - start >= 0.3
    assert job.get().state is errand.State.READY


def test_a_process_that_dies_is_replaced(program, client, eventually):
    program.start("--processes", "2", "--concurrency", "1")

    def pids():
        return {worker.pid for worker in client.workers() if "pid" in worker.kinds}

    eventually(lambda: len(pids()) == 2, "both processes")
    jobs = client.submit_many([errand.job("pid") for _ in range(20)])
    assert {job.result(30) for job in jobs} <= pids()
    first, second = pids()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pids() - {first, second}, "another process")
    program.signal(signal.SIGTERM)
    assert program.wait() == 0, program.text()


@pytest.mark.parametrize(
    "name, says",
    [
        ("shop", "not MODULE:NAME"),
        ("no_such_shop:worker", "No module named"),
        ("shop:wrker", "has no attribute"),
        ("shop:pid", "not an errand.Worker"),
        ("shop:idle", "has no tasks"),
    ],
)
def test_a_wrong_name_is_told(program, name, says):
    assert program.start(name=name).wait() == 2
    assert says in program.text()


def test_a_wrong_name_ends_all_processes(program):
    assert program.start("--processes", "3", name="shop:wrker").wait() == 2


def test_a_number_that_is_none_is_told(program):
    assert program.start("--concurrency", "0").wait() == 2
    assert "found '0', expected a number from 1 on" in program.text()


def test_a_stop_at_the_moment_that_a_process_ends_is_no_error():
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    supervisor = Supervisor([], 1)
    supervisor._children[ended.pid] = (0, 0.0)
    supervisor._stop(signal.SIGTERM)


def test_queues_and_concurrency_are_taken_from_the_command_line(program, client, eventually):
    program.start("--queues", "a=3,b", "--concurrency", "7")

    def told():
        return [w for w in client.workers() if "pid" in w.kinds]

    (worker,) = eventually(told, "the worker")
    assert (worker.queues, worker.concurrency) == (["a=3", "b"], 7)


def test_the_package_tells_its_version():
    said = subprocess.run(
        [sys.executable, "-m", "errand", "--version"], capture_output=True, check=True
    )
    assert said.stdout.decode().strip() == errand.__version__


@pytest.mark.parametrize(
    "flag, value", [("--queues", ""), ("--queues", ","), ("--drain-timeout", "-1")]
)
def test_a_value_that_says_nothing_is_told(program, flag, value):
    assert program.start(f"{flag}={value}").wait() == 2
    assert f"argument {flag}: found {value!r}, expected" in program.text()
