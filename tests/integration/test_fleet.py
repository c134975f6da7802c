"""A fleet on several hosts, over links that are slow, lossy and cut in mid-job."""

import subprocess

import pytest

from harness.certificates import Authority
from harness.errandd import Errandd
from harness.fleet import WorkerProcess
from harness.hosts import Network
from harness.http_api import HttpApi
from harness.origin import Origin
from harness.waiting import wait_until

WORKERS = ["one", "two", "three"]
JOBS = 120
HANGING = 4  # jobs at work on each host when things go wrong
LEASE_SECONDS = 30
END = {"SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"}


@pytest.fixture
def network():
    try:
        hosts = Network(["server", *WORKERS])
    except (OSError, subprocess.CalledProcessError) as why:
        pytest.skip(f"network namespaces or TAP devices are not permitted here: {why}")
    yield hosts
    hosts.close()


@pytest.fixture
def origin(network):
    web = Origin(network["here"].address)
    yield web
    web.close()


class Fleet:
    """One server and a worker on each of three hosts, which know each other by their certificates."""

    def __init__(self, network, folder):
        self.network = network
        self.folder = folder
        self.workers = {}
        host = network["server"]
        self.authority = Authority(folder)
        own = self.authority.sign("server", ["DNS:server"])
        flags = ["--workers", "0", "--insecure"]  # over HTTP, where the test itself asks
        flags += ["--tls-cert", own.cert, "--tls-key", own.key, "--tls-client-ca", self.authority.ca]
        self.server = Errandd(folder / "data", folder / "server.log", map(str, flags), host.wrapper)
        any_port = f"tls+tcp://{host.address}:0"
        self.server.listen = {"rpc": any_port, "results": any_port, "http": f"{host.address}:0"}
        self.server.start()

    def api(self):
        return HttpApi(self.server.http)

    def start_worker(self, name):
        own = self.authority.sign(name)
        flags = ["--server", self.server.rpc, "--concurrency", 2 * HANGING]
        flags += ["--tls-cert", own.cert, "--tls-key", own.key, "--tls-ca", self.authority.ca]
        flags += ["--tls-server-name", "server", "--allow-private-addresses"]
        log = self.folder / f"{name}.log"
        self.workers[name] = WorkerProcess(log, [str(flag) for flag in flags], self.network[name].wrapper)

    def close(self):
        for process in [*self.workers.values(), self.server]:
            if process.is_running():
                process.kill()

    def logs(self):
        return "\n".join(path.read_text(errors="replace")[-4000:] for path in self.folder.glob("*.log"))


@pytest.fixture
def fleet(network, tmp_path):
    machines = Fleet(network, tmp_path)
    yield machines
    machines.close()
    print(machines.logs())


def submit_jobs(api, origin, name):
    jobs = [
        {
            "queue": name,
            "http": {"url": f"{origin.url}/stall/{name}/{i}"},
            "callback": {"url": f"{origin.url}/deliver/{name}/{i}", "format": "RAW"},
        }
        for i in range(JOBS)
    ]
    results = api.post("/v1/jobs:batch", {"jobs": jobs}).json()["results"]
    return [one["job"]["id"] for one in results]


def all_ended(api, ids):
    jobs = [api.get(f"/v1/jobs/{job_id}").json() for job_id in ids]
    return jobs if all(job["state"] in END for job in jobs) else None


def parents_of_callbacks(api):
    found, token = [], ""
    while True:
        page = api.get(f"/v1/jobs?queue=callbacks&pageSize=200&pageToken={token}").json()
        found += [job["parent"] for job in page["jobs"]]
        token = page.get("nextPageToken")
        if not token:
            return found


def test_every_job_ends_once_whatever_happens_to_the_hosts(network, fleet, origin):
    for name in WORKERS:
        fleet.start_worker(name)
    unlucky = {network["two"].address, network["three"].address}
    origin.stalled = set(unlucky)
    ids = submit_jobs(fleet.api(), origin, "first")
    wait_until(
        lambda: all(origin.count_by_peer().get(peer, 0) >= HANGING for peer in unlucky),
        "jobs at work on the hosts that are about to go",
    )

    network["two"].link.is_cut = True
    fleet.workers["three"].kill()
    fleet.server.kill()
    fleet.server.restart(same_ports=True)

    ended = wait_until(
        lambda: all_ended(fleet.api(), ids), "the host that is left does the work", 4 * LEASE_SECONDS
    )
    assert {job["state"] for job in ended} == {"SUCCEEDED"}
    assert any(int(job["attempt"]) > 1 for job in ended)

    before = origin.count_by_peer()[network["two"].address]
    origin.let_go({network["one"].address})
    network["two"].link.is_cut = False
    more = submit_jobs(fleet.api(), origin, "second")
    wait_until(
        lambda: origin.count_by_peer()[network["two"].address] > before,
        "work for the host that came back",
        4 * LEASE_SECONDS,
    )
    origin.let_go()
    assert {job["state"] for job in wait_until(lambda: all_ended(fleet.api(), more), "the rest")} == {
        "SUCCEEDED"
    }
    assert all_ended(fleet.api(), ids) == ended
    parents = wait_until(
        lambda: (found := parents_of_callbacks(fleet.api())) and len(found) >= 2 * JOBS and found, "callbacks"
    )
    assert sorted(parents) == sorted(ids + more)
    for name in ("one", "two"):
        fleet.workers[name].stop()
    fleet.server.stop()
