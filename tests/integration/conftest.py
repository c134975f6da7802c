"""Fixtures of the integration tests."""

import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness.cli import Cli  # noqa: E402
from harness.errandd import Errandd  # noqa: E402
from harness.http_api import HttpApi  # noqa: E402
from harness.origin import Origin  # noqa: E402
from harness.rpc import RpcClient  # noqa: E402
from harness.worker import ScriptedWorker  # noqa: E402

LOG_TAIL = 6000


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    setattr(item, "report_" + call.when, report.get_result())


def failed(request):
    report = getattr(request.node, "report_call", None)
    return report is None or report.failed


class Servers:
    """The servers of a test; each has to leave in good order when it is over."""

    def __init__(self, folder):
        self.folder = folder
        self.servers = []

    def start(self, *flags, data="data", launch_only=False, wrapper=()):
        log = self.folder / f"{len(self.servers)}.log"
        server = Errandd(self.folder / data, log, flags, wrapper)
        self.servers.append(server)
        if launch_only:
            server.launch()
            return server
        return server.start()

    def stop(self):
        for server in self.servers:
            if server.is_running():
                server.stop()
            server.check_log()

    def clean_up(self):
        for server in self.servers:
            if server.is_running():
                server.kill()

    def print_logs(self):
        for server in self.servers:
            print(f"--- log of errandd\n{server.log_text()[-LOG_TAIL:]}")


@pytest.fixture
def start_server(tmp_path, request):
    """Starts servers."""
    servers = Servers(tmp_path)
    yield servers.start
    try:
        servers.stop()
    finally:
        servers.clean_up()
        if failed(request):
            servers.print_logs()


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One server for many small cases that leave nothing behind that matters."""
    servers = Servers(tmp_path_factory.mktemp("shared"))
    yield servers.start()
    try:
        servers.stop()
    finally:
        servers.clean_up()


@pytest.fixture
def shared_api(shared_server):
    return HttpApi(shared_server.http)


@pytest.fixture
def server(start_server):
    return start_server()


@pytest.fixture
def api(server):
    return HttpApi(server.http)


@pytest.fixture
def cli(server):
    return Cli(server.rpc)


@pytest.fixture
def connect():
    """Opens RPC clients."""
    clients = []

    def open_client(server):
        clients.append(RpcClient(server.rpc))
        return clients[-1]

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture
def rpc(server, connect):
    return connect(server)


@pytest.fixture
def start_worker():
    """Makes scripted workers."""
    workers = []

    def make(server, **options):
        workers.append(ScriptedWorker(server, **options))
        return workers[-1]

    yield make
    for worker in workers:
        worker.close()


@pytest.fixture
def worker(server, start_worker):
    """A worker for jobs of kind `task`, which the built-in workers leave alone."""
    return start_worker(server, kinds=["task"])


@pytest.fixture
def origin():
    web = Origin()
    yield web
    web.close()


@pytest.fixture
def many_files():
    """Lets the test itself hold thousands of connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
