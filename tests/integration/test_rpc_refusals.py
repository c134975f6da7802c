"""What the RPC and the pipeline refuse: wrong calls, hostile bytes, garbage."""

import os
import socket
import struct
import uuid

import pytest
from google.protobuf import struct_pb2

from errand.rpc.v1 import envelope_pb2
from errand.v1 import job_pb2, job_service_pb2 as messages
from harness import sp
from harness.rpc import RpcError, duration, open_response
from harness.waiting import wait_until

SUBMIT = "/errand.v1.JobService/Submit"


def fetch(url="http://127.0.0.1:1/", **fields):
    return messages.SubmitRequest(job=job_pb2.Job(http=job_pb2.HttpRequest(url=url), **fields))


def code_of(call, *arguments, **options):
    with pytest.raises(RpcError) as caught:
        call(*arguments, **options)
    return caught.value.code


def test_a_wrong_field_is_named_by_its_path(rpc):
    with pytest.raises(RpcError) as caught:
        rpc.jobs.Submit(fetch("ftp://example.org/", priority=200))
    assert caught.value.code == "INVALID_ARGUMENT"
    assert {"job.http.url", "job.priority"} <= set(caught.value.fields)


def test_a_job_must_be_there(rpc):
    assert code_of(rpc.jobs.Submit, messages.SubmitRequest()) == "INVALID_ARGUMENT"


def test_an_unknown_method_is_unimplemented(rpc):
    for method in ("/errand.v1.JobService/Brew", "/no.Such/Thing", "", "Submit"):
        assert code_of(rpc.call_raw, method, b"") == "UNIMPLEMENTED"


@pytest.mark.parametrize("method", ["Cancel", "Retry", "Delete", "Explain", "Watch"])
def test_methods_of_one_job_say_when_there_is_none(rpc, method):
    request = rpc.jobs.methods[method].input_type._concrete_class
    assert code_of(getattr(rpc.jobs, method), request(id=str(uuid.uuid4()))) == "NOT_FOUND"
    assert code_of(getattr(rpc.jobs, method), request(id="17")) == "INVALID_ARGUMENT"


def test_unknown_and_malformed_ids_are_told_apart(rpc):
    for call, request in (
        (rpc.jobs.Get, messages.GetJobRequest),
        (rpc.jobs.GetResult, messages.GetResultRequest),
    ):
        assert code_of(call, request(id=str(uuid.uuid4()))) == "NOT_FOUND"
        assert code_of(call, request(id="17")) == "INVALID_ARGUMENT"
        assert code_of(call, request()) == "INVALID_ARGUMENT"


def test_undecodable_payloads_are_refused(rpc):
    for payload in (b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0b", os.urandom(64) + b"\xff"):
        assert code_of(rpc.call_raw, SUBMIT, payload) in ("INVALID_ARGUMENT",)


def test_an_undecodable_envelope_is_answered(rpc):
    body = rpc.connection.start(b"\xff\xff\xff").result(60)
    with pytest.raises(RpcError) as caught:
        open_response(body)
    assert caught.value.code == "INVALID_ARGUMENT"


def test_34_kilobytes_of_nested_values_are_refused(rpc):
    payload = struct_pb2.Value(null_value=0).SerializeToString()
    while len(payload) < 34 << 10:
        # Value{list_value: ListValue{values: payload}}
        payload = b"\x32" + varint(len(payload) + 1 + len(varint(len(payload)))) + (
            b"\x0a" + varint(len(payload)) + payload
        )
    job = b"\x1a\x01k" + b"\x32" + varint(len(payload)) + payload
    request = b"\x0a" + varint(len(job)) + job
    assert code_of(rpc.call_raw, SUBMIT, request) == "INVALID_ARGUMENT"
    assert rpc.server.GetInfo().health == "serving"


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def test_bad_utf8_nul_and_duplicate_map_keys_are_refused(rpc):
    entry = b"\x0a\x01a\x12\x01b"
    headers = (b"\x1a" + varint(len(entry)) + entry) * 2
    for http in (b"\x0a\x08http://\xff", b"\x0a\x09http://a\x00", b"\x0a\x08http://a" + headers):
        job = b"\x22" + varint(len(http)) + http
        request = b"\x0a" + varint(len(job)) + job
        assert code_of(rpc.call_raw, SUBMIT, request) == "INVALID_ARGUMENT"


def test_an_expired_deadline_is_told(rpc):
    request = fetch().SerializeToString()
    assert code_of(rpc.call_raw, SUBMIT, request, timeout=0) == "DEADLINE_EXCEEDED"
    assert code_of(rpc.call_raw, SUBMIT, request, timeout=-5) in (
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
    )


def test_a_message_over_the_cap_is_refused_and_the_connection_lives(rpc):
    big = job_pb2.Job(kind="k", data=job_pb2.Data(body=b"x" * (33 << 20)))
    assert code_of(rpc.jobs.Submit, messages.SubmitRequest(job=big)) == "RESOURCE_EXHAUSTED"
    assert rpc.server.GetInfo().health == "serving"


def test_an_input_over_the_cap_is_refused(rpc):
    big = job_pb2.Job(kind="k", data=job_pb2.Data(body=b"x" * (9 << 20)))
    assert code_of(rpc.jobs.Submit, messages.SubmitRequest(job=big)) == "RESOURCE_EXHAUSTED"


def test_a_message_far_over_the_cap_costs_only_its_own_connection(server, rpc):
    with sp.connect(server.rpc, sp.REQ, sp.REP) as stranger:
        stranger.sendall(struct.pack(">Q", 1 << 40))
        assert stranger.recv(1) == b""
    assert rpc.server.GetInfo().health == "serving"


def test_a_wait_out_of_range_is_refused(rpc):
    request = messages.GetResultRequest(id=str(uuid.uuid4()), wait=duration(-1))
    assert code_of(rpc.jobs.GetResult, request) == "INVALID_ARGUMENT"
    request = messages.GetResultRequest(id=str(uuid.uuid4()), wait=duration(3600))
    assert code_of(rpc.jobs.GetResult, request) in ("INVALID_ARGUMENT", "NOT_FOUND")


def garbage():
    yield b""
    yield b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    yield b"\0SP\0" + struct.pack(">HH", 0x70, 0)
    yield os.urandom(4096)
    greeting = b"\0SP\0" + struct.pack(">HH", sp.REQ, 0)
    push = b"\0SP\0" + struct.pack(">HH", sp.PUSH, 0)
    for hello in (greeting, push):
        yield hello
        yield hello + os.urandom(2000)
        yield hello + sp.frame(b"")
        yield hello + sp.frame(b"\0\0\0\1")
        yield hello + sp.frame(b"\x80\0\0\1" + os.urandom(500))
        yield hello + struct.pack(">Q", 100) + b"half"
        yield hello + struct.pack(">Q", 1 << 62)


@pytest.mark.parametrize("port", ["rpc", "results"])
def test_garbage_on_a_port_harms_nobody(server, rpc, origin, port):
    for bytes_sent in garbage():
        with socket.create_connection(sp.address(server.urls[port]), 30) as stranger:
            try:
                stranger.sendall(bytes_sent)
                stranger.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # closed in our face, which is its right
    job = rpc.jobs.Submit(fetch(origin.url + "/ok"))
    request = messages.GetResultRequest(id=job.id, wait=duration(30))
    assert rpc.jobs.GetResult(request).state == job_pb2.Job.SUCCEEDED


def test_undecodable_outcome_batches_are_dropped(server, rpc, worker):
    with sp.connect(server.results, sp.PUSH, sp.PULL) as stranger:
        for payload in (b"\xff" * 100, b"", b"\x0a\x00", os.urandom(1000)):
            stranger.sendall(sp.frame(payload))
    batch = worker.batch()
    worker.push(batch)
    wait_until(
        lambda: worker.heartbeat().acked_outcome_sequence == 1, "the batch is acknowledged"
    )


def test_a_request_id_is_echoed(rpc):
    body = rpc.start_raw(
        "/errand.v1.ServerService/GetInfo", b"", metadata={"request-id": "abc-1"}
    ).result(60)
    assert envelope_pb2.Response.FromString(body).metadata["request-id"] == "abc-1"


def test_the_same_request_id_stores_a_job_once(rpc):
    payload = fetch(delay=duration(3600)).SerializeToString()
    ids = set()
    for _ in range(3):
        answer = rpc.call_raw(SUBMIT, payload, metadata={"request-id": "the-same"})
        ids.add(job_pb2.Job.FromString(answer).id)
    assert len(ids) == 1
    assert len(rpc.jobs.List(messages.ListJobsRequest()).jobs) == 1
