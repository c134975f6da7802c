"""The Connect protocol as a client without a library sees it."""

import base64
import gzip
import json
import signal
import socket
import uuid
import zlib

import pytest

from errand.rpc.v1 import status_pb2
from errand.v1 import job_pb2, job_service_pb2
from google.protobuf import duration_pb2
from harness.connect_api import (
    COMPRESSED,
    ConnectApi,
    all_methods,
    decode_unpadded,
    envelope,
    take_envelopes,
)
from harness.raw_http import RawHttp
from harness.tokens import Tokens, bearer, new_token
from harness.waiting import wait_until
from harness.worker import success

JOBS = "/errand.v1.JobService/"
FETCH = {"job": {"http": {"url": "http://127.0.0.1:1/"}}}
HELD = {"job": {"kind": "task"}}  # nobody runs it
JSON_TYPE = {"content-type": "application/json"}


@pytest.fixture
def shared(shared_server):
    return ConnectApi(shared_server.http)


@pytest.fixture
def wire(server):
    return ConnectApi(server.http)


def failed(answer, status, code):
    """An error as the protocol has it; gives its JSON."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json", answer
    error = answer.json()
    assert error["code"] == code, error
    assert error["message"], error
    return error


# ---- unary calls ----


def test_a_call_in_json(shared):
    answer = shared.call(JOBS + "Submit", HELD, {"connect-protocol-version": "1"})
    assert answer.status == 200 and answer.headers["content-type"] == "application/json"
    job = answer.json()
    assert job["state"] == "READY" and uuid.UUID(job["id"])
    again = shared.call(JOBS + "Get", {"id": job["id"]})
    assert again.json()["id"] == job["id"]


def test_a_call_in_binary(shared):
    request = job_service_pb2.SubmitRequest()
    request.job.kind = "task"
    request.job.data.body = b"\x00\xff"
    answer = shared.call(JOBS + "Submit", request.SerializeToString())
    assert answer.status == 200 and answer.headers["content-type"] == "application/proto"
    job = job_pb2.Job.FromString(answer.body)
    assert job.state == job_pb2.Job.READY
    get = job_service_pb2.GetJobRequest(id=job.id, view=job_pb2.FULL)
    shown = job_pb2.Job.FromString(shared.call(JOBS + "Get", get.SerializeToString()).body)
    assert shown.data.body == b"\x00\xff"


def test_an_empty_binary_message_is_one(shared):
    answer = shared.call(JOBS + "List", b"")
    assert answer.status == 200
    job_service_pb2.ListJobsResponse.FromString(answer.body)


def test_every_method_is_there(shared):
    paths = list(all_methods())
    assert len(paths) >= 25
    for path, method, _ in paths:
        if method.server_streaming:
            answer, _, end = shared.stream(path, {"noSuchField": 1})
            assert answer.status == 200 and end["error"]["code"] == "invalid_argument", (path, end)
        else:
            failed(shared.call(path, {"noSuchField": 1}), 400, "invalid_argument")


def test_exactly_the_methods_without_side_effects_answer_get(shared):
    for path, method, reads in all_methods():
        answer = shared.ask(path, '{"noSuchField":1}')
        if reads and not method.server_streaming:
            failed(answer, 400, "invalid_argument")
        else:
            assert answer.status == 405, (path, answer)
            assert "POST" in answer.headers["allow"] and "GET" not in answer.headers["allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/errand.v1.JobService/Nothing",
        "/errand.v1.JobService/submit",
        "/errand.v1.JobService/",
        "/errand.v1.JobService",
        "/errand.v1.NoService/Get",
        "/errand.v1.JobService/Get/",
        "/errand.v1.",
    ],
)
def test_an_unknown_method_is_unimplemented(shared, path):
    failed(shared.call(path, {}), 404, "unimplemented")


def test_other_http_methods_are_told_the_right_ones(shared):
    for method in ("PUT", "DELETE", "PATCH", "HEAD"):
        answer = shared.request(method, JOBS + "Get")
        assert answer.status == 405 and answer.headers["allow"] == "GET, POST, OPTIONS", answer
        answer = shared.request(method, JOBS + "Submit")
        assert answer.status == 405 and answer.headers["allow"] == "POST, OPTIONS", answer


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/xml",
        "application/grpc",
        "application/connect+json",
        "application/json; charset=latin1",
        "application/proto; charset=utf-8",
        "application/jsonx",
        "",
    ],
)
def test_an_unknown_codec_is_415_and_names_the_known_ones(shared, kind):
    answer = shared.request("POST", JOBS + "Get", b"{}", {"content-type": kind})
    assert answer.status == 415
    assert answer.headers["accept-post"] == "application/json, application/proto"


def test_json_may_say_that_it_is_utf8(shared):
    for kind in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
        answer = shared.request("POST", JOBS + "List", b"{}", {"content-type": kind})
        assert answer.status == 200 and answer.headers["content-type"] == "application/json"


def test_what_can_not_be_decoded_is_an_invalid_argument(shared):
    for body in (b"", b"{", b"[]", b"null", b'{"id":1}', b"\xff"):
        answer = shared.request("POST", JOBS + "Get", body, JSON_TYPE)
        failed(answer, 400, "invalid_argument")
    for body in (b"\x0a", b"\x0a\x05ab", b"\x0a\x01\xff", b"\x0a\x01\x00", b"\x0b"):
        failed(shared.call(JOBS + "Get", body), 400, "invalid_argument")


# ---- errors ----


def test_a_wrong_field_is_a_bad_request_detail(shared):
    error = failed(
        shared.call(JOBS + "Submit", {"job": {"kind": "k", "priority": 101}}), 400, "invalid_argument"
    )
    (detail,) = error["details"]
    assert detail["type"] == "google.rpc.BadRequest"
    (violation,) = detail["debug"]["fieldViolations"]
    assert violation["field"] == "job.priority" and violation["description"]
    # BadRequest {1: FieldViolation {1: field, 2: description}}, as FieldViolation of ours is too.
    value = decode_unpadded(detail["value"])
    assert value[0] == 0x0A and value[1] == len(value) - 2
    told = status_pb2.FieldViolation.FromString(value[2:])
    assert told.field == violation["field"] and told.description == violation["description"]
    assert not detail["value"].endswith("=")


def test_a_full_queue_says_when_to_come_again(wire):
    queue = {"queue": {"name": "small", "maxDepth": "1"}, "updateMask": "maxDepth"}
    assert wire.call("/errand.v1.QueueService/Update", queue).status == 200
    job = {"job": {"kind": "task", "queue": "small"}}
    assert wire.call(JOBS + "Submit", job).status == 200
    answer = wire.call(JOBS + "Submit", job)
    error = failed(answer, 429, "resource_exhausted")
    (detail,) = [one for one in error["details"] if one["type"] == "google.rpc.RetryInfo"]
    value = decode_unpadded(detail["value"])
    assert value[0] == 0x0A
    delay = duration_pb2.Duration.FromString(value[2:])
    seconds = delay.seconds + delay.nanos / 1e9
    assert detail["debug"]["retryDelay"].endswith("s")
    assert float(detail["debug"]["retryDelay"][:-1]) == pytest.approx(seconds)
    assert int(answer.headers["retry-after"]) >= seconds > 0


def test_codes_and_their_http_status(wire):
    unknown = str(uuid.uuid4())
    failed(wire.call(JOBS + "Get", {"id": unknown}), 404, "not_found")
    job = wire.call(JOBS + "Submit", HELD).json()
    failed(wire.call(JOBS + "Retry", {"id": job["id"]}), 400, "failed_precondition")
    other = {"job": {"kind": "other", "id": job["id"]}}
    failed(wire.call(JOBS + "Submit", other), 409, "already_exists")


def test_a_foreign_page_is_refused_in_the_protocol_or_plainly(shared):
    answer = shared.call(JOBS + "List", {}, {"origin": "http://evil.example"})
    assert answer.status == 403


# ---- version and timeout ----


def test_the_protocol_version_may_be_left_out_but_not_be_another(shared):
    assert shared.call(JOBS + "List", {}).status == 200
    for version in ("2", "", "1.0", "v1"):
        answer = shared.call(JOBS + "List", {}, {"connect-protocol-version": version})
        failed(answer, 400, "invalid_argument")


@pytest.mark.parametrize("timeout", ["", "x", "-1", "1.5", "12345678901", "+5", "1s", "0x5"])
def test_a_timeout_is_one_to_ten_digits(shared, timeout):
    answer = shared.call(JOBS + "List", {}, {"connect-timeout-ms": timeout})
    failed(answer, 400, "invalid_argument")


def test_a_timeout_ends_the_call(wire):
    job = wire.call(JOBS + "Submit", HELD).json()
    wait = {"id": job["id"], "wait": "30s"}
    answer = wire.call(JOBS + "GetResult", wait, {"connect-timeout-ms": "300"})
    # The server answers with the state so far just before the caller's time is over.
    assert answer.status == 200 and answer.json()["state"] == "READY", answer
    failed(wire.call(JOBS + "List", {}, {"connect-timeout-ms": "0"}), 504, "deadline_exceeded")
    assert wire.call(JOBS + "List", {}, {"connect-timeout-ms": "9999999999"}).status == 200


# ---- metadata ----


def test_a_request_id_makes_a_repeated_submit_the_same_one(shared):
    for name in ("idempotency-key", "request-id"):
        key = {name: str(uuid.uuid4())}
        first = shared.call(JOBS + "Submit", HELD, key).json()
        again = shared.call(JOBS + "Submit", HELD, key).json()
        assert again["id"] == first["id"] and again["duplicate"]


# ---- GET ----


def test_a_get_in_each_form(shared):
    job_id = shared.call(JOBS + "Submit", HELD).json()["id"]
    text = json.dumps({"id": job_id})
    binary = job_service_pb2.GetJobRequest(id=job_id).SerializeToString()

    def shown(answer):
        assert answer.status == 200, answer
        assert answer.headers["vary"] == "Accept-Encoding"
        if answer.headers["content-type"] == "application/proto":
            return job_pb2.Job.FromString(answer.body).id
        return answer.json()["id"]

    safe = base64.urlsafe_b64encode
    assert shown(shared.ask(JOBS + "Get", text)) == job_id
    assert shown(shared.ask(JOBS + "Get", safe(text.encode()), base64="1")) == job_id
    assert shown(shared.ask(JOBS + "Get", safe(binary), "proto", base64="1")) == job_id
    assert shown(shared.ask(JOBS + "Get", safe(binary).rstrip(b"="), "proto", base64="1")) == job_id
    assert shown(shared.ask(JOBS + "Get", binary, "proto")) == job_id
    packed = safe(gzip.compress(text.encode()))
    assert shown(shared.ask(JOBS + "Get", packed, base64="1", compression="gzip")) == job_id
    assert shown(shared.ask(JOBS + "Get", text, compression="identity", other="7")) == job_id
    # Any order, and only what is needed.
    assert shared.get(JOBS + "List?message=%7B%7D&encoding=json").status == 200
    # A binary message may hold a NUL.
    page = job_service_pb2.ListJobsRequest(page_size=128).SerializeToString() + b"\x28\x00"
    assert shared.ask(JOBS + "List", page, "proto").status == 200


@pytest.mark.parametrize(
    "query, status, code",
    [
        ("encoding=json", 400, "invalid_argument"),
        ("encoding=json&message=%7B%7D&connect=v2", 400, "invalid_argument"),
        ("encoding=json&message=%7", 400, "invalid_argument"),
        ("encoding=json&message=*&base64=1", 400, "invalid_argument"),
        ("encoding=json&message=%FF", 400, "invalid_argument"),
        ("encoding=json&message=e30&base64=1&compression=br", 501, "unimplemented"),
        ("encoding=json&message=e30&base64=1&compression=gzip", 400, "invalid_argument"),
        ("encoding=xml&message=%7B%7D", 415, "unknown"),
        ("message=%7B%7D", 415, "unknown"),
    ],
)
def test_a_wrong_get_is_refused(shared, query, status, code):
    failed(shared.get(JOBS + "List?" + query), status, code)


# ---- compression ----


def test_a_compressed_request_is_read(shared):
    body = gzip.compress(json.dumps(HELD).encode())
    headers = {"content-encoding": "gzip"}
    assert shared.request("POST", JOBS + "Submit", body, {**JSON_TYPE, **headers}).status == 200
    twice = gzip.compress(b'{"job":') + gzip.compress(b'{"kind":"task"}}')
    assert shared.request("POST", JOBS + "Submit", twice, {**JSON_TYPE, **headers}).status == 200
    plain = {**JSON_TYPE, "content-encoding": "identity"}
    assert shared.request("POST", JOBS + "List", b"{}", plain).status == 200
    # Nothing is not gzip, but an empty message.
    proto = {"content-type": "application/proto", "content-encoding": "gzip"}
    assert shared.request("POST", JOBS + "List", b"", proto).status == 200


def test_an_unknown_compression_is_named_with_the_known_ones(shared):
    answer = shared.call(JOBS + "List", {}, {"content-encoding": "br"})
    error = failed(answer, 501, "unimplemented")
    assert "br" in error["message"] and "gzip" in error["message"]
    assert answer.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        gzip.compress(b"{}")[:-1],
        gzip.compress(b"{}") + b"x",
        zlib.compress(b"{}"),
        gzip.compress(b"{}")[:-8] + b"12345678",
    ],
)
def test_damaged_gzip_is_an_invalid_argument(shared, body):
    headers = {**JSON_TYPE, "content-encoding": "gzip"}
    failed(shared.request("POST", JOBS + "List", body, headers), 400, "invalid_argument")


def test_a_decompression_bomb_is_defused(wire):
    bomb = gzip.compress(b" " * (200 << 20), 9)
    assert len(bomb) < 1 << 20
    headers = {**JSON_TYPE, "content-encoding": "gzip"}
    failed(wire.request("POST", JOBS + "List", bomb, headers), 429, "resource_exhausted")
    flags, end = take_envelopes(
        wire.request(
            "POST",
            JOBS + "Watch",
            envelope(bomb, COMPRESSED),
            {"content-type": "application/connect+json", "connect-content-encoding": "gzip"},
        ).body
    )[0]
    assert flags == 2 and json.loads(end)["error"]["code"] == "resource_exhausted"
    # Just under the cap it is only JSON that is no good.
    big = gzip.compress(b" " * ((16 << 20) - 2) + b"{}")
    assert wire.request("POST", JOBS + "List", big, headers).status == 200


def test_a_client_of_another_compression_is_answered_without_any(shared):
    connection = RawHttp(f"http://{shared.address}")
    line = f"POST {JOBS}List HTTP/1.1"
    fields = ["Content-Type: application/json", "Content-Encoding: " + "x" * 2000]
    status, headers, body = connection.request(
        line, [*fields, "Content-Length: 2"], b"{}"
    ).read_answer()
    assert status == 501 and "content-encoding" not in headers, headers
    assert json.loads(body)["code"] == "unimplemented"


def test_a_large_answer_is_compressed_for_those_who_take_it(wire):
    many = {"jobs": [{"kind": "task"} for _ in range(50)]}
    assert wire.call(JOBS + "BatchSubmit", many).status == 200
    for accepted in ("gzip", "br, gzip", "gzip;q=0.5", "*"):
        answer = wire.call(JOBS + "List", {}, {"accept-encoding": accepted})
        assert answer.headers["content-encoding"] == "gzip", accepted
        assert answer.headers["vary"] == "Accept-Encoding"
        assert len(json.loads(gzip.decompress(answer.body))["jobs"]) == 50
    for refused in ("br", "identity", "gzip;q=0", ""):
        answer = wire.call(JOBS + "List", {}, {"accept-encoding": refused})
        assert answer.headers["content-encoding"] is None, refused
        assert len(answer.json()["jobs"]) == 50
    # Who sends gzip takes it.
    body = gzip.compress(b"{}")
    raw = {"content-type": "application/json", "content-encoding": "gzip"}
    connection = socket.create_connection(wire.address.split(":"), 60)
    head = "".join(f"{name}: {value}\r\n" for name, value in raw.items())
    connection.sendall(
        f"POST {JOBS}List HTTP/1.1\r\nHost: {wire.address}\r\n{head}Connection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    received = b"".join(iter(lambda: connection.recv(65536), b""))
    connection.close()
    assert b"\r\nContent-Encoding: gzip\r\n" in received
    small = wire.call("/errand.v1.ServerService/GetStats", {}, {"accept-encoding": "gzip"})
    assert small.headers["content-encoding"] is None and small.json()


def test_a_body_over_the_cap_is_resource_exhausted(wire):
    try:
        answer = wire.request("POST", JOBS + "List", b" " * (17 << 20), JSON_TYPE)
    except (BrokenPipeError, ConnectionResetError):
        return  # it need not read what it will not take
    failed(answer, 429, "resource_exhausted")


# ---- streams ----


def test_a_stream_tells_a_job_to_its_end(wire, worker):
    job_id = wire.call(JOBS + "Submit", HELD).json()["id"]
    stream = wire.open_stream(JOBS + "Watch", {"id": job_id})
    flags, job = stream.next()
    assert flags == 0 and job["state"] == "READY"
    assignment = worker.lease_one()
    flags, job = stream.next()
    assert flags == 0 and job["state"] == "RUNNING"
    worker.report(success(assignment))
    flags, job = stream.next()
    assert flags == 0 and job["state"] == "SUCCEEDED"
    assert stream.next() == (2, {})
    stream.close()


def test_a_stream_of_a_finished_job_ends_at_once(shared):
    job_id = shared.call(JOBS + "Submit", HELD).json()["id"]
    job = shared.call(JOBS + "Cancel", {"id": job_id}).json()
    answer, messages, end = shared.stream(JOBS + "Watch", {"id": job_id})
    assert answer.headers["content-type"] == "application/connect+json" and end == {}
    assert [json.loads(message)["state"] for message in messages] == ["CANCELLED"]
    seen = {"id": job_id, "revision": job["revision"]}
    answer, messages, end = shared.stream(JOBS + "Watch", seen)
    assert answer.status == 200 and messages == [] and end == {}


def test_a_stream_in_binary(shared):
    job_id = shared.call(JOBS + "Submit", HELD).json()["id"]
    shared.call(JOBS + "Cancel", {"id": job_id})
    request = job_service_pb2.WatchJobRequest(id=job_id).SerializeToString()
    answer, messages, end = shared.stream(JOBS + "Watch", request, kind="proto")
    assert answer.headers["content-type"] == "application/connect+proto" and end == {}
    assert job_pb2.Job.FromString(messages[0]).state == job_pb2.Job.CANCELLED


def test_a_failure_is_told_by_the_end_of_the_stream(shared):
    answer, messages, end = shared.stream(JOBS + "Watch", {"id": str(uuid.uuid4())})
    assert answer.status == 200 and messages == []
    assert end["error"]["code"] == "not_found" and end["error"]["message"]
    _, _, end = shared.stream(JOBS + "Watch", {"id": "17"})
    assert end["error"]["details"][0]["type"] == "google.rpc.BadRequest"
    for headers in ({"connect-timeout-ms": "x"}, {"connect-protocol-version": "2"}):
        answer, _, end = shared.stream(JOBS + "Watch", {"id": "17"}, headers)
        assert answer.status == 200 and end["error"]["code"] == "invalid_argument"


def test_a_revision_that_can_not_be_is_refused_by_each_stream(shared):
    job = shared.submit({"kind": "task"})
    _, messages, end = shared.stream(JOBS + "Watch", {"id": job["id"], "revision": "-1"})
    assert messages == [] and end["error"]["code"] == "invalid_argument"
    answer = shared.get(f"/v1/jobs/{job['id']}/events?revision=-1")
    assert answer.status == 400 and answer.json()["violations"][0]["field"] == "revision"


def test_the_timeout_ends_a_stream(shared):
    job_id = shared.call(JOBS + "Submit", HELD).json()["id"]
    _, messages, end = shared.stream(JOBS + "Watch", {"id": job_id}, {"connect-timeout-ms": "300"})
    assert len(messages) == 1 and end["error"]["code"] == "deadline_exceeded", (messages, end)


def test_messages_of_a_stream_are_compressed_each_for_itself(shared):
    labels = {f"label-{i}": "x" * 60 for i in range(32)}
    job_id = shared.call(JOBS + "Submit", {"job": {"kind": "task", "labels": labels}}).json()["id"]
    shared.call(JOBS + "Cancel", {"id": job_id})
    packed = gzip.compress(json.dumps({"id": job_id}).encode())
    headers = {"connect-content-encoding": "gzip"}
    # Who compresses takes it too, unless told otherwise.
    answer, messages, end = shared.stream(JOBS + "Watch", packed, headers, COMPRESSED)
    assert answer.headers["connect-content-encoding"] == "gzip"
    assert take_envelopes(answer.body)[0][0] == COMPRESSED, answer
    assert json.loads(messages[0])["labels"] == labels and end == {}
    headers = {"connect-accept-encoding": "identity"}
    answer, messages, end = shared.stream(JOBS + "Watch", {"id": job_id}, headers)
    assert answer.headers["connect-content-encoding"] is None
    assert take_envelopes(answer.body)[0][0] == 0


@pytest.mark.parametrize(
    "body, headers, code",
    [
        (b"", {}, "unimplemented"),
        (envelope(b"{}") + envelope(b"{}"), {}, "unimplemented"),
        (b"\x00\x00", {}, "invalid_argument"),
        (envelope(b"{}")[:-1], {}, "invalid_argument"),
        (envelope(b"{}", 2), {}, "invalid_argument"),
        (envelope(b"{}", 128), {}, "invalid_argument"),
        (b"\x00\xff\xff\xff\xff{}", {}, "invalid_argument"),
        (envelope(gzip.compress(b"{}"), COMPRESSED), {}, "internal"),
        (envelope(b"x", COMPRESSED), {"connect-content-encoding": "gzip"}, "invalid_argument"),
        (envelope(b"{}"), {"connect-content-encoding": "br"}, "unimplemented"),
    ],
)
def test_a_broken_stream_request_is_refused(shared, body, headers, code):
    headers = {"content-type": "application/connect+json", **headers}
    answer = shared.request("POST", JOBS + "Watch", body, headers)
    assert answer.status == 200
    ((flags, end),) = take_envelopes(answer.body)
    assert flags == 2 and json.loads(end)["error"]["code"] == code, end


def test_a_stream_wants_its_own_content_types(shared):
    answer = shared.request("POST", JOBS + "Watch", b"{}", JSON_TYPE)
    assert answer.status == 415
    assert answer.headers["accept-post"] == "application/connect+json, application/connect+proto"


def test_streams_beyond_the_cap_are_unavailable_and_left_ones_are_given_back(start_server):
    server = start_server("--http-streams", "2")
    wire = ConnectApi(server.http)
    job_id = wire.call(JOBS + "Submit", HELD).json()["id"]
    streams = [wire.open_stream(JOBS + "Watch", {"id": job_id}) for _ in range(2)]
    for stream in streams:
        stream.next()
    _, _, end = wire.stream(JOBS + "Watch", {"id": job_id})
    assert end["error"]["code"] == "unavailable", end
    assert end["error"]["details"][0]["type"] == "google.rpc.RetryInfo"
    for stream in streams:
        stream.close()

    def has_place():
        _, _, end = wire.stream(JOBS + "Watch", {"id": job_id}, {"connect-timeout-ms": "100"})
        return end["error"]["code"] == "deadline_exceeded"

    wait_until(has_place, "the places of the clients that left")


def test_a_server_that_stops_ends_its_streams_as_unavailable(server, wire):
    job_id = wire.call(JOBS + "Submit", HELD).json()["id"]
    stream = wire.open_stream(JOBS + "Watch", {"id": job_id})
    assert stream.next()[1]["state"] == "READY"
    server.signal(signal.SIGTERM)
    flags, end = stream.next()
    assert flags == 2 and end["error"]["code"] == "unavailable", end
    stream.close()
    assert server.wait() == 0


def test_a_token_is_needed_and_its_scope_is_kept(start_server, tmp_path):
    tokens = Tokens(tmp_path / "errandd.yaml")
    reader = bearer(tokens.add("reader", "read"))
    writer = bearer(tokens.add("writer", "submit", "read"))
    wire = ConnectApi(start_server(*tokens.flags).http)
    for headers in ({}, bearer(new_token()), {"authorization": "Basic eDp5"}):
        answer = wire.call(JOBS + "List", {}, headers)
        failed(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        _, _, end = wire.stream(JOBS + "Watch", {"id": str(uuid.uuid4())}, headers)
        assert end["error"]["code"] == "unauthenticated", end
    failed(wire.call(JOBS + "Submit", HELD, reader), 403, "permission_denied")
    job_id = wire.call(JOBS + "Submit", HELD, writer).json()["id"]
    assert wire.call(JOBS + "Get", {"id": job_id}, reader).json()["id"] == job_id
    _, messages, _ = wire.stream(
        JOBS + "Watch", {"id": job_id}, {**reader, "connect-timeout-ms": "200"}
    )
    assert json.loads(messages[0])["id"] == job_id
