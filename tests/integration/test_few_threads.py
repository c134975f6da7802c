"""Where the system limits threads, as for containers and services: fewer connections, all served."""

import os
import pathlib
import shutil
import tempfile

import pytest

from harness import errandd
from harness.http_api import HttpApi

# The limit is for all threads of a user: one that nobody else has, nor another test beside this one.
# Root has no such limit.
USER = 20000 + os.getpid() % 40000


class Limited(errandd.Errandd):
    """A server of another user, who may have so many threads."""

    def __init__(self, place, threads):
        for part in (place, place / "data"):
            part.mkdir(exist_ok=True)
            os.chown(part, USER, USER)
        shutil.copy(errandd.BIN / "errandd", place)
        limit = ["prlimit", f"--nproc={threads}:{threads}"]
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        connections = ["--http-connections", "400"]
        super().__init__(place / "data", place / "log", connections, [*limit, *user])
        self.program = str(place / "errandd")

    def command(self):
        own = str(errandd.BIN / "errandd")
        return [self.program if part == own else part for part in super().command()]


@pytest.fixture
def limited():
    """Starts one. Its folder is where every user may look."""
    if os.geteuid() != 0:
        pytest.skip("only root can start a server of another user")
    place = pathlib.Path(tempfile.mkdtemp(prefix="errand-"))
    place.chmod(0o755)
    servers = []

    def make(threads):
        servers.append(Limited(place, threads))
        return servers[-1]

    yield make
    for server in servers:
        if server.is_running():
            server.stop()
        print(server.log_text())
        server.check_log()
    shutil.rmtree(place)


def test_with_few_threads_there_are_fewer_connections_and_all_are_served(limited):
    server = limited(150).start()
    assert "http_connections wanted=400" in server.log_text()
    apis = [HttpApi(server.http) for _ in range(20)]
    ids = [api.submit({"kind": "nobody-does-this", "args": n})["id"] for n, api in enumerate(apis)]
    for job_id, api in zip(ids, apis):
        assert api.get(f"/v1/jobs/{job_id}").json()["state"] == "READY"


def test_threads_are_left_for_jobs(limited, origin):
    api = HttpApi(limited(150).start().http)
    url = origin.url.replace("127.0.0.1", "localhost")  # a name is looked up by another thread
    ids = [api.submit({"http": {"url": f"{url}/ok?body={n}"}})["id"] for n in range(20)]
    for job_id in ids:
        job = api.get(f"/v1/jobs/{job_id}/result?wait=60s").json()
        assert job["state"] == "SUCCEEDED", job


def test_with_hardly_any_threads_it_says_so_and_ends(limited):
    server = limited(40)
    server.launch()
    server.process.stdout.read()
    assert server.wait() != 0
    assert "threads more for this process" in server.log_text()
