"""tls+tcp://: certificates of the server and of its clients, from every program."""

import contextlib
import re
import shutil
import signal
import subprocess

import pytest

from harness.certs import Authority
from harness.cli import Cli
from harness.errandd import BIN, clean_environment
from harness.fleet import WorkerProcess
from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.tokens import Tokens
from harness.waiting import wait_until

TLS = {"rpc": "tls+tcp://127.0.0.1:0", "results": "tls+tcp://127.0.0.1:0", "http": "127.0.0.1:0"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="module")
def server_pair(authority):
    return authority.sign("server")


@pytest.fixture(scope="module")
def client_pair(authority):
    return authority.sign("client")


@pytest.fixture
def start_tls(start_server):
    """Starts a server whose addresses are TLS; its certificate is for the name localhost."""

    def start(pair, *flags, **options):
        server = start_server(launch_only=True, **options)
        server.kill()
        server.listen = dict(TLS)
        server.flags = ["--tls-cert", str(pair[0]), "--tls-key", str(pair[1]), *map(str, flags)]
        server.start()
        for name in ("rpc", "results"):
            server.urls[name] = server.urls[name].replace("127.0.0.1", "localhost")
        return server

    return start


def calls(server, *flags, timeout="20s", url=None):
    cli = Cli(url or server.rpc)
    cli.command[1:] = ["--timeout", timeout]
    return cli(*flags, "stats")


def assert_unreachable(finished, reason):
    assert finished.status == 4, finished
    assert reason in finished.err, finished


def ca(authority):
    return ["--tls-ca", authority.file]


def pair_flags(pair):
    return ["--tls-cert", pair[0], "--tls-key", pair[1]]


def test_the_real_port_is_told(start_tls, server_pair, authority):
    server = start_tls(server_pair)
    assert re.fullmatch(r"tls\+tcp://localhost:[1-9]\d*", server.rpc)
    assert re.fullmatch(r"tls\+tcp://localhost:[1-9]\d*", server.results)
    assert calls(server, *ca(authority)).status == 0


def test_another_authority_is_not_trusted(start_tls, server_pair, other_authority):
    finished = calls(start_tls(server_pair), *ca(other_authority), timeout="2s")
    assert_unreachable(finished, "a certificate is not trusted")


def test_another_host_name_is_not_trusted(start_tls, authority):
    server = start_tls(authority.sign("elsewhere", "elsewhere.example"))
    finished = calls(server, *ca(authority), timeout="2s")
    assert_unreachable(finished, "a certificate is not trusted")
    named = ["--tls-server-name", "elsewhere.example"]
    assert calls(server, *ca(authority), *named).status == 0


def test_a_server_without_tls_is_told_apart_from_one_that_is_away(start_server, authority):
    server = start_server()
    server.urls["rpc"] = "tls+" + server.rpc
    assert_unreachable(calls(server, *ca(authority), timeout="2s"), "does not speak TLS")


def test_a_certificate_that_has_run_out_is_not_trusted(start_tls, authority):
    finished = calls(start_tls(authority.sign("old", days=-1)), *ca(authority), timeout="2s")
    assert_unreachable(finished, "a certificate is not trusted")


def test_a_client_needs_a_certificate_where_the_server_asks_for_one(
    start_tls, server_pair, client_pair, authority, other_authority
):
    server = start_tls(server_pair, "--tls-client-ca", authority.file)
    trust = ca(authority)
    assert calls(server, *trust, *pair_flags(client_pair)).status == 0
    assert_unreachable(calls(server, *trust, timeout="2s"), "ended the TLS handshake")
    stranger = pair_flags(other_authority.sign("stranger"))
    assert_unreachable(calls(server, *trust, *stranger, timeout="2s"), "a certificate is not")
    old = pair_flags(authority.sign("old-client", days=-1))
    assert_unreachable(calls(server, *trust, *old, timeout="2s"), "a certificate is not")


def test_a_client_without_tls_gets_no_answer(start_tls, server_pair):
    server = start_tls(server_pair)
    finished = calls(server, timeout="2s", url=server.rpc.removeprefix("tls+"))
    assert finished.status == 4, finished


def test_wrong_files_are_told_at_once(start_tls, server_pair, client_pair, authority, tmp_path):
    server = start_tls(server_pair)
    nothing = tmp_path / "nothing.pem"
    finished = calls(server, "--tls-ca", nothing)
    assert finished.status == 2 and str(nothing) in finished.err, finished
    nothing.write_text("nothing")
    finished = calls(server, "--tls-ca", nothing)
    assert finished.status == 2 and str(nothing) in finished.err, finished
    finished = calls(server, *ca(authority), "--tls-cert", client_pair[0])
    assert finished.status == 2 and "tls.key" in finished.err, finished
    finished = calls(server, *ca(authority), *pair_flags((client_pair[0], server_pair[1])))
    assert finished.status == 2 and "private key" in finished.err, finished


def test_a_worker_and_a_gateway_work_over_tls(
    start_tls, server_pair, client_pair, authority, origin, tmp_path
):
    tokens = Tokens(tmp_path / "errandd.yaml")
    tokens.add("pool", "work")
    tokens.add("app", "submit", "read")
    server = start_tls(
        server_pair, "--tls-client-ca", authority.file, "--workers", "0", *tokens.flags
    )
    file = tmp_path / "token"
    file.write_text(tokens.texts["pool"])
    tls = [str(word) for word in [*ca(authority), *pair_flags(client_pair)]]
    worker = WorkerProcess(
        tmp_path / "worker.log",
        ["--server", server.rpc, "--results", server.results, "--token-file", str(file)]
        + [*tls, "--allow-private-addresses"],
    )
    with contextlib.ExitStack() as ending:
        ending.callback(worker.kill)
        gateway = Gateway(server, tmp_path / "gateway.log", *tls, "--connections", "200")
        ending.callback(gateway.stop)
        api = HttpApi(gateway.http)
        headers = {"authorization": f"Bearer {tokens.texts['app']}"}
        job = api.submit({"http": {"url": origin.url + "/ok"}}, headers=headers)
        answer = api.get(f"/v1/jobs/{job['id']}/result?wait=50s", headers=headers)
        assert answer.json()["state"] == "SUCCEEDED", (answer, worker.log_text())
        assert api.get("/v1/jobs").status == 401
        worker.stop()
    assert "Sanitizer" not in worker.log_text()


def test_a_worker_says_why_it_can_not_connect(start_tls, server_pair, other_authority, tmp_path):
    server = start_tls(server_pair)
    worker = WorkerProcess(
        tmp_path / "worker.log", ["--server", server.rpc, "--tls-ca", str(other_authority.file)]
    )
    try:
        wait_until(lambda: "a certificate is not trusted" in worker.log_text(), "the reason")
    finally:
        worker.kill()


def put_pair(pair, target):
    for source, file in zip(pair, target):
        shutil.copyfile(source, file)


def test_sighup_reads_the_certificates_again(
    start_tls, server_pair, authority, other_authority, tmp_path
):
    pair = tmp_path / "server.crt", tmp_path / "server.key"
    put_pair(server_pair, pair)
    server = start_tls(pair)
    assert calls(server, *ca(authority)).status == 0
    put_pair(other_authority.sign("next"), pair)
    server.signal(signal.SIGHUP)
    wait_until(lambda: "certificates_renewed" in server.log_text(), "new certificates")
    finished = calls(server, *ca(other_authority))
    assert finished.status == 0, finished
    assert_unreachable(calls(server, *ca(authority), timeout="2s"), "is not trusted")


def test_certificates_that_can_not_be_used_leave_the_old_ones(
    start_tls, server_pair, authority, tmp_path
):
    pair = tmp_path / "server.crt", tmp_path / "server.key"
    put_pair(server_pair, pair)
    server = start_tls(pair)
    pair[1].write_text("half a fi")
    server.signal(signal.SIGHUP)
    wait_until(lambda: " reloaded " in server.log_text(), "the reload")
    assert "reload_failed" in server.log_text()
    assert str(pair[1]) in server.log_text()
    for _ in range(3):
        assert calls(server, *ca(authority)).status == 0


def check(*flags):
    done = subprocess.run(
        [str(BIN / "errandd"), "--check-config", *map(str, flags)],
        capture_output=True,
        text=True,
        env=clean_environment(),
    )
    return done.returncode, done.stderr


def test_a_server_does_not_start_without_its_certificate(server_pair, authority, tmp_path):
    rpc = ["--rpc", "tls+tcp://127.0.0.1:0"]
    status, said = check(*rpc)
    assert status == 2 and "tls.cert" in said
    status, said = check(*rpc, "--tls-cert", server_pair[0])
    assert status == 2 and "tls.key" in said
    status, said = check(*rpc, "--tls-cert", tmp_path / "none.pem", "--tls-key", server_pair[1])
    assert status == 2 and "none.pem" in said
    other = authority.sign("other-server")
    assert check(*rpc, *pair_flags((server_pair[0], other[1])))[0] == 2
    assert check(*rpc, *pair_flags(server_pair)) == (0, "")
    assert check(*rpc, *pair_flags(server_pair), "--tls-client-ca", server_pair[1])[0] == 2


# ---- addresses that other hosts can reach ----


def test_an_open_server_does_not_start_by_mistake(server_pair, authority, tmp_path):
    for flag, address in (
        ("--rpc", "tcp://0.0.0.0:0"),
        ("--results", "tcp://[::]:0"),
        ("--http", "0.0.0.0:0"),
        ("--http", "example.org:80"),
    ):
        status, said = check(flag, address)
        assert status == 2 and address in said, said
        assert "tokens" in said and "insecure" in said, said
        assert check(flag, address, "--insecure") == (0, "")
    tokens = Tokens(tmp_path / "errandd.yaml")
    tokens.add("ci", "submit")
    for flag, address in (("--rpc", "tcp://0.0.0.0:0"), ("--http", "0.0.0.0:0")):
        assert check(flag, address, *tokens.flags) == (0, "")

    tls = ["--rpc", "tls+tcp://0.0.0.0:0", *pair_flags(server_pair)]
    assert check(*tls)[0] == 2  # encrypted, but for everybody
    assert check(*tls, "--tls-client-ca", authority.file) == (0, "")
    assert check(*tls, "--tls-client-ca", authority.file, "--http", "0.0.0.0:0")[0] == 2


def test_what_is_exposed_is_logged(start_server, tmp_path):
    tokens = Tokens(tmp_path / "errandd.yaml")
    server = start_server("--results", "tcp://0.0.0.0:0", "--insecure")
    assert "exposed" in server.log_text() and "everybody" in server.log_text()
    tokens.add("ci", "submit")
    server = start_server("--results", "tcp://0.0.0.0:0", *tokens.flags, data="other")
    assert "unencrypted" in server.log_text()
