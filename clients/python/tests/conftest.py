"""Fixtures of the tests of the Python client. ERRANDD says which errandd they are run with."""

import asyncio
import pathlib
import sys
import time

import pytest

import errand

pytest_plugins = ["errand.pytest_plugin"]
sys.path.insert(0, str(pathlib.Path(__file__).parent))

DEADLINE = 60.0


@pytest.fixture
def errand_server_flags():
    """Each connection has a thread: tests beside each other need not have thousands."""
    return ["--http-connections=200"]


@pytest.fixture
def errand_server(errand_server):
    """The plugin's; under sanitizers it has to end without a report."""
    yield errand_server
    errand_server.stop()
    log = errand_server.log.read_text(errors="replace")
    assert "Sanitizer" not in log and "runtime error:" not in log, log


@pytest.fixture
def client(errand_server):
    with errand_server.client() as made:
        yield made


@pytest.fixture
def worker(errand_server):
    """A worker of the server that runs it; the test makes its tasks, and enters it."""
    return errand.Worker(errand_server.url, concurrency=4, drain_timeout=10)


@pytest.fixture
def run():
    """Runs a coroutine, with a deadline."""

    def run_it(coroutine):
        return asyncio.run(asyncio.wait_for(coroutine, DEADLINE))

    return run_it


@pytest.fixture
def eventually():
    """Waits for a condition, with a deadline."""

    def wait(condition, what="it"):
        end = time.monotonic() + DEADLINE
        while True:
            found = condition()
            if found:
                return found
            assert time.monotonic() < end, f"still waiting for {what}"
            time.sleep(0.01)

    return wait
