"""Connections that stand about, and requests that are not whole."""

import socket

import pytest

from harness import sp
from harness.errandd import SANITIZED
from harness.http_api import HttpApi

IDLE = 2000


@pytest.fixture
def roomy(start_server):
    """A server with as many connections as it has by itself, but under sanitizers."""
    return start_server() if SANITIZED else start_server("--http-connections", "2560")


def http_connection(server):
    return socket.create_connection(sp.address(server.http), 60)


def test_two_thousand_idle_connections_keep_nobody_out(roomy, many_files, origin):
    idle = [http_connection(roomy) for _ in range(IDLE)]
    api = HttpApi(roomy.http)
    try:
        job = api.submit({"http": {"url": origin.url + "/ok"}})
        assert api.result(job["id"])["state"] == "SUCCEEDED"
    finally:
        for connection in idle:
            connection.close()


def test_two_thousand_kept_alive_connections_keep_nobody_out(roomy, many_files):
    idle = []
    try:
        for _ in range(IDLE):
            connection = http_connection(roomy)
            idle.append(connection)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert HttpApi(roomy.http).get("/v1/jobs").status == 200
    finally:
        for connection in idle:
            connection.close()


def test_two_thousand_idle_rpc_connections_keep_nobody_out(start_server, many_files, connect):
    # Few HTTP connections: the limit of open files is not theirs alone.
    server = start_server("--http-connections", "8")
    idle = [sp.connect(server.rpc, sp.REQ, sp.REP) for _ in range(IDLE)]
    try:
        assert connect(server).server.GetInfo().health == "serving"
    finally:
        for connection in idle:
            connection.close()


def test_half_a_request_disturbs_nobody(server, api):
    halves = (
        b"",
        b"POST",
        b"POST /v1/jobs HTTP/1.1\r\n",
        b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
    )
    open_halves = [http_connection(server) for _ in halves for _ in range(20)]
    for i, connection in enumerate(open_halves):
        connection.sendall(halves[i % len(halves)])
    assert api.get("/healthz").status == 200
    for connection in open_halves:
        connection.close()
    assert api.get("/v1/jobs").json().get("jobs", []) == []


def test_a_request_cut_off_in_its_body_is_not_stored(server, api):
    with http_connection(server) as connection:
        connection.sendall(
            b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b'Content-Length: 60\r\n\r\n{"kind": "k", "args": 1}'
        )
        connection.shutdown(socket.SHUT_WR)
        connection.recv(4096)
    assert api.get("/v1/jobs").json().get("jobs", []) == []


def test_a_connection_serves_many_requests(server):
    with http_connection(server) as connection:
        reader = connection.makefile("rb")
        for _ in range(100):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
            size = 0
            while (line := reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            reader.read(size)


def test_garbage_on_the_http_port_harms_nobody(server, api):
    for text in (b"\0" * 5000, b"\r\n" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01"):
        with http_connection(server) as connection:
            try:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(4096)
            except OSError:
                pass
    assert api.get("/healthz").status == 200


def test_health_and_readiness_are_there(server, api):
    assert api.get("/healthz").status == 200
    assert api.get("/readyz").status == 200
    assert HttpApi(server.http).get("/v1/server").json()["health"] == "serving"
