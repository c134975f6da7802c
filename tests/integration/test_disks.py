"""Disks that are full or read-only: a clear error, no corruption."""

import contextlib
import os
import sqlite3
import subprocess

import pytest

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.cli import Cli
from harness.http_api import HttpApi
from harness.rpc import RpcError

# Mounts are made in a namespace of the server's own; as a user, in one where it is root.
UNSHARE = ["unshare", "--mount"] + ([] if os.getuid() == 0 else ["--map-root-user"])


def can_mount():
    command = [*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="mounting is not permitted here")


def in_namespace(script):
    return [*UNSHARE, "sh", "-c", script + ' && exec "$0" "$@"']


def big_job():
    return messages.SubmitRequest(job=job_pb2.Job(kind="task", data=job_pb2.Data(body=os.urandom(100_000))))


def submit_until_refused(rpc):
    ids = []
    for _ in range(2000):
        try:
            ids.append(rpc.jobs.Submit(big_job()).id)
        except RpcError as error:
            return ids, error
    raise AssertionError("a full disk was not noticed")


@needs_mounts
def test_a_full_disk_refuses_clearly_and_recovers(tmp_path, start_server, connect):
    data = tmp_path / "data"
    data.mkdir()
    server = start_server(
        wrapper=in_namespace(f"mount -t tmpfs -o size=24m none {data} && dd if=/dev/zero bs=1M "
                             f"count=8 of={data}/filler 2>/dev/null")
    )
    rpc = connect(server)
    stored, error = submit_until_refused(rpc)
    assert error.code in ("UNAVAILABLE", "RESOURCE_EXHAUSTED"), error
    assert "full" in str(error) or "space" in str(error), error
    assert len(stored) > 10
    for job_id in stored:
        assert rpc.jobs.Get(messages.GetJobRequest(id=job_id)).state == job_pb2.Job.READY
    assert HttpApi(server.http).get("/healthz").status == 200
    os.unlink(f"/proc/{server.process.pid}/root{data}/filler")
    more = rpc.jobs.Submit(big_job()).id
    assert rpc.jobs.Get(messages.GetJobRequest(id=more, view=job_pb2.FULL)).data.body


@needs_mounts
def test_a_copy_without_room_is_refused_and_leaves_nothing(tmp_path, start_server, connect):
    place = tmp_path / "place"
    place.mkdir()
    server = start_server(wrapper=in_namespace(f"mount -t tmpfs -o size=64k none {place}"))
    refused = Cli(server.rpc)("backup", place / "copy")
    assert refused.status == 5 and "no room on the disk of the copy" in refused.err, refused
    assert os.listdir(f"/proc/{server.process.pid}/root{place}") == []
    assert connect(server).jobs.Submit(big_job()).id


@needs_mounts
def test_a_read_only_data_folder_stops_the_start_with_a_clear_error(tmp_path, start_server):
    data = tmp_path / "data"
    data.mkdir()
    script = f"mount --bind {data} {data} && mount -o remount,ro,bind {data}"
    server = start_server(launch_only=True, wrapper=in_namespace(script))
    assert server.wait() not in (0, None)
    assert str(data) in server.log_text(), server.log_text()
    assert "ead-only" in server.log_text(), server.log_text()


@needs_mounts
def test_a_store_on_a_read_only_disk_is_refused_and_unharmed(tmp_path, start_server, connect):
    server = start_server()
    job_id = connect(server).jobs.Submit(big_job()).id
    server.stop()
    data = server.data
    script = f"mount --bind {data} {data} && mount -o remount,ro,bind {data}"
    refused = start_server(launch_only=True, wrapper=in_namespace(script))
    assert refused.wait() not in (0, None)
    assert str(data) in refused.log_text(), refused.log_text()
    server.restart()
    assert connect(server).jobs.Get(messages.GetJobRequest(id=job_id)).id == job_id


def test_a_file_in_place_of_the_data_folder_is_told(tmp_path, start_server):
    (tmp_path / "data").write_text("not a folder")
    server = start_server(launch_only=True)
    assert server.wait() not in (0, None)
    assert str(tmp_path / "data") in server.log_text()


def test_a_damaged_store_is_refused(start_server):
    server = start_server()
    server.stop()
    (database,) = [p for p in server.data.iterdir() if p.read_bytes()[:15] == b"SQLite format 3"]
    database.write_bytes(os.urandom(database.stat().st_size))
    server.launch()
    assert server.wait() not in (0, None)
    assert str(server.data) in server.log_text(), server.log_text()


def test_a_store_that_is_damaged_in_its_midst_is_refused(start_server):
    server = start_server()
    server.stop()
    file = server.data / "errand.db"
    with contextlib.closing(sqlite3.connect(file)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'queue'").fetchone()
    with open(file, "r+b") as damaged:
        damaged.seek((page - 1) * size)
        damaged.write(b"\xff" * size)
    server.launch()
    assert server.wait() not in (0, None)
    last = server.log_text().splitlines()[-1]
    assert "DATA_LOSS" in last and str(server.data) in last, last
