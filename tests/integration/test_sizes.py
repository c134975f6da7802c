"""Sizes: what does not fit into a message keeps nobody from the rest."""

import subprocess
import uuid

from google.protobuf import json_format, struct_pb2
import pytest

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.cli import Cli
from harness.errandd import BIN, clean_environment
from harness.rpc import RpcError
from harness.waiting import wait_until
from harness.worker import success


def submit(rpc, text="x", **fields):
    job = job_pb2.Job(kind="task", args=struct_pb2.Value(string_value=text), **fields)
    return rpc.jobs.Submit(messages.SubmitRequest(job=job))


@pytest.mark.parametrize("key", ["max-input", "max-result"])
def test_a_size_that_no_message_can_carry_stops_the_start(tmp_path, key):
    flags = ["--max-message", "1MiB", "--max-input", "1KiB", "--max-result", "1KiB"]
    for action in [], ["--check-config"]:
        done = subprocess.run(
            [BIN / "errandd", "--data", tmp_path / "data", *flags, "--" + key, "1MiB", *action],
            capture_output=True,
            timeout=60,
            env=clean_environment(),
        )
        said = done.stderr.decode()
        assert done.returncode == 2
        assert said.startswith(f"errandd: {key.replace('-', '_')}: found "), said
        assert "max_message" in said
    assert not (tmp_path / "data").exists()


def test_more_jobs_than_a_message_can_carry_come_in_several(start_server, connect, start_worker):
    sizes = ["--max-message", "256KiB", "--max-input", "32KiB", "--max-result", "32KiB"]
    server = start_server("--workers", "0", *sizes)
    rpc = connect(server)
    submitted = {submit(rpc, "x" * 10_000).id for _ in range(40)}
    worker = start_worker(server, kinds=["task"])
    leased = []
    while len(leased) < len(submitted):
        answer = worker.lease(40, wait=30)
        assert answer.assignments
        leased += [one.job.id for one in answer.assignments]
    assert set(leased) == submitted


@pytest.mark.parametrize(
    "args", ['"' + "x" * 30_000 + '"', "[" + "1," * 2_500 + "1]"], ids=["text", "numbers"]
)
def test_a_file_of_jobs_is_cut_into_messages_that_the_server_takes(start_server, args):
    sizes = ["--max-message", "256KiB", "--max-input", "32KiB", "--max-result", "32KiB"]
    cli = Cli(start_server("--workers", "0", *sizes).rpc)
    lines = b'{"kind": "k", "args": %s}\n' % args.encode() * 60
    assert len(set(cli.ok("submit", "-f", "-", input=lines).text.split())) == 60


# Each character takes six bytes in JSON.
def test_a_callback_too_large_for_a_message_fails_alone(start_server, connect, start_worker):
    sizes = ["--max-message", "1MiB", "--max-input", "64KiB", "--max-result", "512KiB"]
    server = start_server("--workers", "0", *sizes)
    rpc = connect(server)
    worker = start_worker(server)
    callback = job_pb2.Callback(url="http://localhost/sink", format=job_pb2.Callback.RAW)
    submit(rpc, callback=callback)
    worker.report(success(worker.lease_one(), "\x01" * 400_000))
    other = submit(rpc)
    leased = list(worker.lease(10, wait=30).assignments)
    while not leased:
        leased += worker.lease(10, wait=30).assignments
    assert [one.job.id for one in leased] == [other.id]

    def callback_error():
        jobs = rpc.jobs.List(messages.ListJobsRequest(queue="callbacks")).jobs
        return [job.error.message for job in jobs if job.state == job_pb2.Job.SCHEDULED]

    wait_until(lambda: callback_error(), "the callback to be tried later")
    assert "more than a message" in callback_error()[0]


def in_lists(levels, value=1):
    return in_lists(levels - 1, [value]) if levels > 0 else value


def in_objects(levels, value=1):
    return in_objects(levels - 1, {"a": value}) if levels > 0 else value


def as_value(value):
    return json_format.ParseDict(value, struct_pb2.Value())


@pytest.mark.parametrize("value", [in_lists(48), in_lists(48, []), in_objects(32)])
def test_the_deepest_values_that_are_taken_come_back(api, rpc, worker, value):
    job = api.post("/v1/jobs", {"kind": "task", "args": value}).json()
    assert api.get(f"/v1/jobs/{job['id']}?view=FULL").json()["args"] == value
    assignment = worker.lease_one()
    assert json_format.MessageToDict(assignment.job.args) == value
    outcome = success(assignment)
    outcome.success.value.CopyFrom(as_value(value))
    worker.report(outcome)
    assert api.get(f"/v1/jobs/{job['id']}/result").json()["result"] == {"value": value}
    assert api.get(f"/v1/jobs/{job['id']}/output").json() == value
    assert api.get(f"/v1/jobs/{job['id']}?view=FULL").json()["result"] == {"value": value}


# A worker can not read the answer that such a job stands in.
@pytest.mark.parametrize("value", [in_lists(49), in_lists(49, []), in_lists(97), in_objects(33)])
def test_values_that_are_nested_deeper_are_refused_everywhere(api, rpc, worker, value):
    answer = api.post("/v1/jobs", {"kind": "task", "args": value})
    assert answer.status == 400 and "nested too deeply" in answer.json()["detail"]
    with pytest.raises(RpcError, match="args.*deep"):
        job = job_pb2.Job(kind="task", args=as_value(value))
        rpc.jobs.Submit(messages.SubmitRequest(job=job))
    outcome = {"jobId": str(uuid.uuid4()), "token": "AAAA", "success": {"value": value}}
    batch = {"worker": {"id": str(uuid.uuid4())}, "outcomes": [outcome]}
    assert api.post("/v1/work:report", batch).status == 400
