"""HTTPS from the gateway, embedded and alone: the same API over TLS 1.2 and later."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import urllib.parse
from concurrent import futures

import pytest

from harness.certs import Authority
from harness.errandd import BIN, clean_environment
from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.raw_http import RawHttp
from harness.tokens import Tokens
from harness.waiting import wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def pair(authority):
    return authority.sign("web")


@pytest.fixture(scope="module")
def trust(authority):
    return ssl.create_default_context(cafile=authority.file)


def https_flags(pair):
    return ["--http-tls-cert", str(pair[0]), "--http-tls-key", str(pair[1])]


class HttpsApi(HttpApi):
    def __init__(self, url, context):
        super().__init__(url)
        self.context = context
        self.port = urllib.parse.urlsplit(url).port

    def connect(self, timeout=90):
        return http.client.HTTPSConnection("localhost", self.port, timeout=timeout, context=self.context)


@pytest.fixture
def secure(start_server, pair):
    server = start_server(*https_flags(pair))
    assert server.http.startswith("https://127.0.0.1:"), server.http
    return server


@pytest.fixture
def https(secure, trust):
    return HttpsApi(secure.http, trust)


def test_the_api_is_served_over_tls(https, origin):
    job = https.submit({"http": {"url": origin.url + "/ok"}})
    assert https.result(job["id"])["state"] == "SUCCEEDED"
    large = {"kind": "task", "args": "x" * 5_000_000}
    stored = https.submit(large)
    assert https.get(f"/v1/jobs/{stored['id']}?view=FULL").json()["args"] == large["args"]
    assert https.post("/v1/jobs", b"x" * (17 << 20)).status == 413


def test_the_dashboard_comes_over_tls(https):
    page = https.get("/")
    assert page.status == 200 and page.content_type == "text/html"
    assert b"http://" not in page.body
    for path in ("/dashboard.js", "/dashboard.css", "/metrics", "/openapi.json", "/healthz", "/readyz"):
        assert https.get(path).status == 200, path


def test_events_come_over_tls(https):
    job = https.submit({"kind": "task", "delay": "3600s"})
    connection = https.connect()
    connection.request("GET", f"/v1/jobs/{job['id']}/events")
    stream = connection.getresponse()
    assert stream.status == 200 and stream.getheader("content-type") == "text/event-stream"
    assert b"SCHEDULED" in read_event(stream)
    https.post(f"/v1/jobs/{job['id']}:cancel", {})
    assert b"CANCELLED" in read_event(stream)
    assert stream.read() == b""  # it ends with the job
    connection.close()


def read_event(stream):
    lines = []
    while True:
        line = stream.readline()
        assert line, lines
        if line == b"\n" and any(text.startswith(b"data") for text in lines):
            return b"".join(lines)
        lines.append(line)


def test_a_connection_is_kept_and_many_are_served_at_once(https):
    connection = https.connect()
    for _ in range(20):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
    statuses = []

    def ask():
        statuses.append(https.get("/healthz").status)

    threads = [threading.Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 32
    connection.close()


def shown(url, context):
    """The certificate that the server shows."""
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 60) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            return wrapped.getpeercert(binary_form=True)


def shake_hands(url, context):
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((address.hostname, address.port), 60) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as wrapped:
            return wrapped.version()


def test_old_versions_of_tls_are_refused(secure, authority, trust):
    def only(version):
        context = ssl.create_default_context(cafile=authority.file)
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        return context

    with pytest.warns(DeprecationWarning):
        old = [only(ssl.TLSVersion.TLSv1), only(ssl.TLSVersion.TLSv1_1)]
    for context in old:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            shake_hands(secure.http, context)
    assert shake_hands(secure.http, only(ssl.TLSVersion.TLSv1_2)) == "TLSv1.2"
    assert shake_hands(secure.http, trust) == "TLSv1.3"


def test_what_is_no_tls_does_no_harm(secure, https):
    for junk in (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x00" * 4000, b"\x80\x00"):
        with RawHttp(secure.http) as raw:
            with contextlib.suppress(OSError):  # it may be gone already
                raw.send(junk)
                raw.socket.shutdown(socket.SHUT_WR)
            while raw.more():
                pass
            assert b"200 OK" not in raw.buffer
    assert https.get("/healthz").status == 200


@pytest.fixture
def small(server, pair, tmp_path):
    """A gateway that serves few connections at once."""
    gateway = Gateway(server, tmp_path / "gateway.log", *https_flags(pair), "--connections", "16")
    yield gateway
    gateway.stop()


def test_handshakes_that_never_come_keep_nobody_out_for_long(small, trust):
    https = HttpsApi(small.http, trust)
    silent = [RawHttp(small.http) for _ in range(40)]
    try:
        with futures.ThreadPoolExecutor(8) as pool:
            # Less than the time in which a head has to arrive.
            asked = [pool.submit(https.get, "/healthz", timeout=25) for _ in range(8)]
        assert [one.result().status for one in asked] == [200] * 8
    finally:
        for raw in silent:
            raw.close()


def test_handshakes_that_fail_are_no_connections_that_are_counted(small, trust):
    https = HttpsApi(small.http, trust)
    for _ in range(40):
        with RawHttp(small.http) as raw, contextlib.suppress(OSError):
            raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while raw.more():
                pass

    def is_kept():
        return https.get("/healthz").headers.get("connection", "keep-alive") != "close"

    wait_until(is_kept, "a connection is kept", 20)


def test_the_http_library_stays_within_its_memory_over_tls(server, pair, trust, tmp_path):
    """Made for another OpenSSL as it is: valgrind sees both. An error is told by its exit."""
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    if os.environ.get("ERRAND_TEST_SANITIZER"):
        pytest.skip("valgrind can not run what is built with sanitizers")
    valgrind = ["valgrind", "-q", "--error-exitcode=9", "--fair-sched=yes"]
    limits = ["--connections", "8", "--request-timeout", "10s"]
    gateway = Gateway(server, tmp_path / "gateway.log", *https_flags(pair), *limits, wrapper=valgrind)
    api = HttpsApi(gateway.http, trust)
    for path in ("/healthz", "/v1/jobs", "/openapi.json", "/%00", "/../x"):
        assert api.get(path).status in (200, 400, 404), path
    assert api.submit({"kind": "task", "args": "x" * 300_000})["state"] == "READY"
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""):
        with RawHttp(gateway.http) as raw:
            raw.send(junk)
    with contextlib.suppress(ssl.SSLError, OSError):
        shake_hands(gateway.http, ssl.create_default_context())  # does not trust it
    assert api.get("/healthz").status == 200
    gateway.stop()


def test_a_client_checks_the_certificate(secure, tmp_path):
    other = Authority(tmp_path, "other")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(secure.http, ssl.create_default_context(cafile=other.file))


def test_a_gateway_alone_serves_https_before_a_server_over_tls(start_server, authority, pair, trust, tmp_path):
    """Certificates both ways, and the token of each request goes through."""
    tokens = Tokens(tmp_path / "errandd.yaml")
    tokens.add("app", "submit", "read")
    tokens.add("gate", "read")
    ca = ["--tls-client-ca", str(authority.file)]
    server = start_server(launch_only=True)
    server.kill()
    server.listen = {"rpc": "tls+tcp://127.0.0.1:0", "results": "tls+tcp://127.0.0.1:0", "http": "off"}
    server.flags = ["--tls-cert", str(pair[0]), "--tls-key", str(pair[1]), *ca, *tokens.flags]
    server.start()
    own = authority.sign("gateway-client")
    file = tmp_path / "token"
    file.write_text(tokens.texts["gate"])
    gateway = Gateway(
        server, tmp_path / "gateway.log", *https_flags(pair), "--token-file", str(file),
        "--tls-ca", str(authority.file), "--tls-cert", str(own[0]), "--tls-key", str(own[1]),
        "--tls-server-name", "localhost",
    )  # fmt: skip
    try:
        api = HttpsApi(gateway.http, trust)
        assert api.get("/readyz").status == 200
        bearer = {"authorization": f"Bearer {tokens.texts['app']}"}
        job = api.submit({"kind": "task"}, headers=bearer)
        assert api.get(f"/v1/jobs/{job['id']}", headers=bearer).json()["state"] == "READY"
        assert api.get("/v1/jobs").status == 401  # the gateway's own is not lent
    finally:
        gateway.stop()


@pytest.mark.parametrize("alone", [False, True])
def test_a_renewed_certificate_is_shown_after_a_sighup(start_server, authority, trust, tmp_path, alone):
    pair = authority.sign("renewed")
    server = start_server(*([] if alone else https_flags(pair)))
    gateway = Gateway(server, tmp_path / "gateway.log", *https_flags(pair)) if alone else None
    front, log = (gateway, gateway.log) if alone else (server, server.log)
    try:
        first = shown(front.http, trust)
        pair[0].write_text("nothing")
        front.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reload_failed" in log.read_text(), "the failure to be logged")
        assert shown(front.http, trust) == first
        authority.sign("renewed")
        front.process.send_signal(signal.SIGHUP)
        wait_until(lambda: shown(front.http, trust) != first, "the new certificate")
    finally:
        if alone:
            gateway.stop()


@pytest.mark.parametrize("program", ["errandd", "errand-gateway"])
def test_wrong_files_are_told_at_the_start(program, authority, pair, tmp_path):
    def check(*flags):
        done = subprocess.run(
            [BIN / program, "--check-config", *map(str, flags)],
            capture_output=True,
            text=True,
            env=clean_environment(),
        )
        return done.returncode, done.stderr

    cert, key = "--http-tls-cert", "--http-tls-key"
    other = authority.sign("other")
    nothing = tmp_path / "nothing.pem"
    assert check(cert, pair[0], key, pair[1]) == (0, "")
    for flags, words in (
        ([cert, pair[0]], ["http_tls.key", "private key"]),
        ([key, pair[1]], ["http_tls.cert", "certificate"]),
        ([cert, nothing, key, pair[1]], ["http_tls.cert", "nothing.pem", "No such file"]),
        ([cert, pair[0], key, nothing], ["http_tls.key", "nothing.pem", "No such file"]),
        ([cert, pair[0], key, other[1]], ["http_tls.key", "mismatch"]),
        ([cert, pair[1], key, pair[1]], ["http_tls.cert", "can not be used"]),
        ([cert, pair[0], key, pair[0]], ["http_tls.key", "can not be used"]),
        ([cert, tmp_path, key, pair[1]], ["http_tls.cert", "can not"]),
    ):
        status, said = check(*flags)
        assert status == 2 and all(word in said for word in words), (flags, said)
    nothing.write_text("nothing")
    status, said = check(cert, nothing, key, pair[1])
    assert status == 2 and "http_tls.cert" in said, said


def test_tokens_over_tls_are_not_said_to_be_readable(start_server, pair, tmp_path):
    tokens = Tokens(tmp_path / "errandd.yaml")
    tokens.add("ci", "submit")
    server = start_server(launch_only=True)
    server.kill()
    server.listen["http"] = "0.0.0.0:0"
    server.flags = [*https_flags(pair), *tokens.flags]
    server.start()
    assert server.http.startswith("https://0.0.0.0:")
    assert "unencrypted" not in server.log_text()
