"""Clients that mean no good: answered or dropped within bounds, and nobody else is kept out."""

import json
import os
import random
import shutil
import socket
import urllib.parse

import pytest

from errand.v1 import job_pb2, worker_service_pb2
from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.raw_http import RawHttp
from harness.waiting import DEADLINE_SECONDS, wait_until
from harness.worker import released

HELD = {"kind": "task"}  # nobody runs it
POST = "POST /v1/jobs HTTP/1.1"
JSON_TYPE = "Content-Type: application/json"
BODY = b'{"kind":"task"}'
SMUGGLED = b"GET /v1/workers HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def start_gateway(server, tmp_path):
    """Starts gateways in front of the server; flags as on the command line."""
    gateways = []

    def start(*flags, wrapper=()):
        log = tmp_path / f"gateway{len(gateways)}.log"
        gateways.append(Gateway(server, log, *flags, wrapper=wrapper))
        return gateways[-1]

    yield start
    for gateway in gateways:
        gateway.stop()


def lives(url):
    return HttpApi(url).get("/healthz", timeout=DEADLINE_SECONDS).status == 200


# ---- slow and many ----


def test_a_header_that_drips_is_cut_off(start_gateway):
    gateway = start_gateway("--request-timeout", "1s")
    with RawHttp(gateway.http) as raw:
        raw.socket.settimeout(0.1)
        raw.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        def is_cut():
            try:
                raw.send("x")
                return raw.socket.recv(4096) == b""
            except TimeoutError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                return True

        wait_until(is_cut, "the connection's end")
    assert lives(gateway.http)


def test_headers_that_drip_on_every_connection_keep_nobody_out_for_long(start_gateway):
    gateway = start_gateway("--connections", "16", "--request-timeout", "1s")
    slow = [RawHttp(gateway.http) for _ in range(40)]
    for i, raw in enumerate(slow):
        raw.send("POST /v1/jobs HTTP/1.1\r\nHost: loc" if i % 2 else "G")
    assert lives(gateway.http)
    for raw in slow:
        raw.close()


def test_a_body_that_drips_is_answered_and_cut_off(start_gateway):
    gateway = start_gateway("--request-timeout", "1s")
    with RawHttp(gateway.http) as raw:
        raw.request(POST, [JSON_TYPE, "Content-Length: 1000"], b"{")
        status, headers, _ = raw.read_answer()
        assert status == 408 and headers["connection"] == "close"
        assert raw.is_closed()


def test_a_flood_of_connections_keeps_nobody_out(start_gateway):
    gateway = start_gateway("--connections", "32")
    flood = [RawHttp(gateway.http) for _ in range(400)]
    assert lives(gateway.http)
    for raw in flood[::2]:
        raw.send("GET /healthz HTTP/1.1\r\n")
    assert lives(gateway.http)
    for raw in flood:
        raw.close()
    assert lives(gateway.http)


def test_connections_that_come_and_go_leave_nothing_behind(start_gateway):
    gateway = start_gateway("--connections", "16")
    for i in range(500):
        with RawHttp(gateway.http) as raw:
            if i % 3:
                raw.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" if i % 2 else "\r\n")
    assert lives(gateway.http)


# ---- readers that do not read ----


def open_small(url):
    """A connection whose other end can send little ahead."""
    address = urllib.parse.urlsplit(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(DEADLINE_SECONDS)
    connection.connect((address.hostname, address.port))
    return connection


def test_a_large_answer_that_nobody_reads_is_given_up(start_gateway, api):
    big = {"kind": "task", "data": {"body": "A" * (8 << 20)}}
    job_id = api.submit(big)["id"]
    gateway = start_gateway("--connections", "8", "--request-timeout", "1s")
    stuck = [open_small(gateway.http) for _ in range(8)]
    for connection in stuck:
        connection.sendall(
            f"GET /v1/jobs/{job_id}?view=FULL HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        )
    # All threads are taken until the readers are given up.
    assert lives(gateway.http)
    for connection in stuck:
        connection.close()


def sip_from(connection, size):
    try:
        connection.recv(size, socket.MSG_DONTWAIT)
    except (BlockingIOError, ConnectionResetError):
        pass


@pytest.mark.parametrize("sip", [0, 3000], ids=["nothing", "sips"])
def test_an_event_stream_that_is_hardly_read_is_given_up(start_gateway, api, worker, sip):
    # Events as large as they get, so that the buffers on the way are full soon.
    labels = {f"label{i:02}": "x" * 200 for i in range(32)}
    gateway = start_gateway("--streams", "1", "--request-timeout", "1s")
    job_id = api.submit({"kind": "task", "labels": labels})["id"]
    connection = open_small(gateway.http)
    connection.sendall(f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    other = HttpApi(gateway.http)

    def is_given_up():
        # Each round is a lease and a release: two events for the one who does not read.
        for _ in range(50):
            worker.report(released(worker.lease_one()))
        if sip:
            sip_from(connection, sip)
        answer = other.request("HEAD", f"/v1/jobs/{job_id}/events")
        assert answer.status in (200, 503)
        return answer.status == 200

    wait_until(is_given_up, "the place of the stream", 100)
    connection.close()


# ---- heads that are too large ----


@pytest.mark.parametrize(
    "head",
    [
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: " + "x" * 20_000,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + "X-Many: y\r\n" * 5_000,
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + "X-Many: y\r\n" * 70,
        "GET /" + "x" * 20_000 + " HTTP/1.1\r\nHost: localhost",
        "GET /healthz?" + "x=y&" * 5_000 + " HTTP/1.1\r\nHost: localhost",
        "X" * 20_000 + " / HTTP/1.1\r\nHost: localhost",
    ],
    ids=["value", "fields-and-bytes", "fields", "path", "query", "method"],
)
def test_a_head_that_is_too_large_is_refused(shared_server, head):
    with RawHttp(shared_server.http) as raw:
        try:
            raw.send(head + "\r\n\r\n")
            answer = raw.read_answer()
        except (BrokenPipeError, ConnectionResetError):
            answer = None  # not even read to its end
        assert answer is None or answer[0] in (400, 413, 414, 431), answer
    assert lives(shared_server.http)


def test_a_head_without_an_end_is_dropped(shared_server):
    with RawHttp(shared_server.http) as raw:
        with pytest.raises((BrokenPipeError, ConnectionResetError, TimeoutError)):
            raw.socket.settimeout(5)
            raw.send("GET /healthz HTTP/1.1\r\n")
            for _ in range(100_000):
                raw.send("X-More: " + "x" * 1000 + "\r\n")
    assert lives(shared_server.http)


# ---- where a request ends ----


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 15", "Content-Length: 15"],
        ["Content-Length: 15", "Content-Length: 3"],
        ["Content-Length: 15, 15"],
        ["Content-Length: +15"],
        ["Content-Length: -1"],
        ["Content-Length: 0xf"],
        ["Content-Length: 15 15"],
        ["Content-Length: 99999999999999999999"],
        ["Content-Length : 15"],
        ["Content-Length: 15", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 15"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding:\x0bchunked"],
        ["X-Folded: a", " b", "Content-Length: 15"],
        ["X A: b", "Content-Length: 15"],
        [": b", "Content-Length: 15"],
    ],
)
def test_a_request_whose_end_is_in_doubt_hides_no_other(shared_server, fields):
    with RawHttp(shared_server.http) as raw:
        raw.request(POST, [JSON_TYPE, *fields], BODY + SMUGGLED)
        answer = raw.read_answer()
        assert answer is None or answer[0] in (400, 411, 413, 501), answer
        assert raw.is_closed()


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\n", b"-1\r\n", b"ffffffffffffffff\r\n", b"5\r\nabc", b"5;x\r\n\r\n\r\n", b" 5\r\nhello\r\n"],
)
def test_bad_chunks_end_the_connection(shared_server, chunks):
    with RawHttp(shared_server.http) as raw:
        raw.request(POST, [JSON_TYPE, "Transfer-Encoding: chunked"], chunks)
        raw.socket.shutdown(socket.SHUT_WR)
        answer = raw.read_answer()
        assert answer is None or answer[0] == 400, answer
        assert raw.is_closed()


# ---- what must not come back ----

INJECTED = "%0d%0aX-Injected:%20yes%0d%0a"


@pytest.mark.parametrize(
    "path",
    [
        "/" + INJECTED,
        "/v1/jobs/" + INJECTED,
        "/v1/jobs?queue=" + INJECTED,
        "/v1/jobs?" + INJECTED + "=1",
        "/v1/queues/" + INJECTED,
        "/errand.v1.JobService/" + INJECTED,
        "/errand.v1.JobService/Get?encoding=json&message=" + INJECTED,
        "/openapi.json" + INJECTED,
    ],
)
def test_nothing_of_a_path_becomes_a_header(shared_server, path):
    with RawHttp(shared_server.http) as raw:
        raw.request(f"GET {path} HTTP/1.1", ["Connection: close"])
        status, headers, _ = raw.read_answer()
        assert "x-injected" not in headers and 400 <= status < 500


@pytest.mark.parametrize("name", ["Prefer", "Idempotency-Key", "Origin", "Accept", "If-None-Match", "Connect-Timeout-Ms"])
@pytest.mark.parametrize("value", ["a\rX-Injected: yes", "a\x00b", "\xff\xfe", "a\x0bX-Injected: yes", "wait=1\r"])
def test_nothing_of_a_header_becomes_another(shared_server, name, value):
    with RawHttp(shared_server.http) as raw:
        raw.request(
            POST, [JSON_TYPE, f"{name}: {value}", f"Content-Length: {len(BODY)}", "Connection: close"], BODY
        )
        answer = raw.read_answer()
        if answer is not None:
            assert "x-injected" not in answer[1]
            assert not any("\r" in field for field in answer[1].values())


def test_a_result_can_not_bring_headers_of_its_own(api, worker):
    job_id = api.submit(HELD)["id"]
    one = worker.lease_one()
    result = job_pb2.Result()
    result.data.body = b"<script>alert(1)</script>"
    result.data.content_type = "text/html\r\nX-Injected: yes"
    worker.report(
        worker_service_pb2.Outcome(job_id=job_id, token=one.token, success=result)
    )
    answer = api.get(f"/v1/jobs/{job_id}/output")
    assert answer.headers["x-injected"] is None
    assert answer.headers["x-content-type-options"] == "nosniff"


# ---- paths ----


@pytest.mark.parametrize(
    "target",
    [
        "/../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/./v1/jobs",
        "/v1//jobs",
        "/v1/../v1/jobs",
        "/v1/jobs/..",
        "/v1/jobs/%2e%2e",
        "/v1/jobs/\\..\\",
        "/v1/jobs/%5c..",
        "/V1/jobs",
        "/v1/jobs;x=1",
        "/v1/jobs%3fqueue=a",
        "/v1%2fjobs",
        "/~root",
        "/.htpasswd",
        "/cgi-bin/x.cgi",
        "/index.php",
        "http://evil.example/v1/jobs",
        "*",
        "v1/jobs",
        "/v1/jobs#fragment",
    ],
)
def test_a_path_is_taken_as_it_stands(shared_server, target):
    with RawHttp(shared_server.http) as raw:
        raw.request(f"GET {target} HTTP/1.1", ["Connection: close"])
        answer = raw.read_answer()
        assert answer is None or 400 <= answer[0] < 500, answer
        assert answer is None or b"root:" not in answer[2]


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/jobs/\x00",
        b"/v1/jobs/a\x00b",
        b"/healthz\x00.html",
        b"/v1/jobs/%00",
        b"/v1/jobs?queue=%00",
        b"/v1/jobs/\xff",
        b"/v1/jobs/%ff",
        b"/v1/jobs?queue=%ff",
        b"/v1/jobs?queue=\xc3\x28",
        b"/v1/jobs/%c0%af",
        b"/v1/jobs/%ed%a0%80",
        b"/v1/jobs/%u0041",
        b"/v1/jobs/%",
        b"/v1/jobs/%4",
        b"/v1/jobs/\x7f",
        b"/v1/jobs/\x01",
    ],
)
def test_nul_and_broken_characters_in_a_target_are_refused(shared_server, target):
    with RawHttp(shared_server.http) as raw:
        host = raw.host.encode()
        raw.send(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        answer = raw.read_answer()
        assert answer is None or 400 <= answer[0] < 500, answer
    assert lives(shared_server.http)


def send_uris_of_cve_2025_55763(url):
    """civetweb writes a redirect to a directory into a buffer that is too small."""
    rand = random.Random(55763)
    for size in (1, 255, 256, 1023, 1024, 2047, 2048, 4095, 4096, 8191, 12_000, 16_000):
        for filling in ("a", "%2f", "/", "/.", "%20", "\xe4", '"', "<", "?a", "&", "%"):
            target = "/" + (filling * size)[:size] + rand.choice(["", "/", "/.."])
            with RawHttp(url) as raw:
                raw.request(f"GET {target} HTTP/1.1", ["Connection: close"])
                try:
                    answer = raw.read_answer()
                except (BrokenPipeError, ConnectionResetError):
                    answer = None
                assert answer is None or 400 <= answer[0] < 500 or target == "/", (target, answer)


def test_uris_that_overflow_the_redirect_of_a_directory_do_no_harm(server):
    send_uris_of_cve_2025_55763(server.http)
    assert lives(server.http)


def send_noise(url, count):
    rand = random.Random(7)
    words = [b"GET ", b"POST ", b"/v1/jobs", b" HTTP/1.1\r\n", b"Host: localhost\r\n", b"\r\n", b": ", b"\x00", b"%00"]
    words += [b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"0", b"{", b"\xff\xfe", b"Expect: 100-continue\r\n"]
    for _ in range(count):
        noise = b"".join(rand.choice(words) for _ in range(rand.randrange(1, 30)))
        with RawHttp(url) as raw:
            try:
                raw.send(noise)
                raw.socket.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                continue
            while raw.more():
                pass
            assert raw.buffer == b"" or raw.buffer.startswith(b"HTTP/1.1 "), (noise, raw.buffer)


def test_noise_is_answered_or_dropped(server):
    send_noise(server.http, 300)
    assert lives(server.http)
    assert json.loads(HttpApi(server.http).get("/v1/jobs").body) is not None


def test_the_http_library_stays_within_its_memory(start_gateway):
    """Sanitizers see our code only; valgrind sees civetweb's too. An error is told by its exit."""
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    if os.environ.get("ERRAND_TEST_SANITIZER"):
        pytest.skip("valgrind can not run what is built with sanitizers")
    valgrind = ["valgrind", "-q", "--error-exitcode=9", "--fair-sched=yes"]
    gateway = start_gateway("--connections", "8", "--request-timeout", "5s", wrapper=valgrind)
    send_uris_of_cve_2025_55763(gateway.http)
    send_noise(gateway.http, 100)
    for target in ("/v1/jobs", "/../etc/passwd", "/%00", "/errand.v1.JobService/List?message=e30&base64=1&encoding=json"):
        with RawHttp(gateway.http) as raw:
            raw.request(f"GET {target} HTTP/1.1", ["Accept-Encoding: gzip", "Connection: close"])
            raw.read_answer()
    with RawHttp(gateway.http) as raw:
        raw.request(POST, [JSON_TYPE, "Transfer-Encoding: chunked"], b"f\r\n" + BODY + b"\r\n0\r\n\r\n")
        assert raw.read_answer()[0] == 201
    assert lives(gateway.http)
