"""A copy of the store of a running server, and a server that starts from it."""

import pytest

from errand.v1 import job_pb2, queue_service_pb2 as queues, server_service_pb2 as messages
from harness.rpc import duration
from harness.tasks import get, rate, refused, state_of, submit, submit_many, task, update
from harness.waiting import wait_until
from harness.worker import success


def backup(rpc, path):
    return rpc.server.Backup(messages.BackupRequest(path=str(path)))


def restore(copy, folder):
    """As docs/operations.md says."""
    folder.mkdir(mode=0o700)
    copy.rename(folder / "errand.db")


def test_a_server_starts_from_a_copy_with_all_that_was_there(start_server, connect, start_worker, tmp_path):
    server = start_server()
    rpc = connect(server)
    worker = start_worker(server, kinds=["task"])
    done = submit(rpc, "done")
    worker.report(success(worker.lease_one(), "kept"))
    waiting = submit(rpc, "waiting", delay=duration(3600), unique_key="k", labels={"a": "b"})
    blocked = submit(rpc, "blocked", after=[waiting.id])
    update(rpc, "mine", max_running=3, rate_limit=rate(7))
    size = backup(rpc, tmp_path / "copy").size_bytes
    assert size == (tmp_path / "copy").stat().st_size > 0
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    later = submit(rpc, "after the copy")

    restore(tmp_path / "copy", tmp_path / "restored")
    again = connect(start_server(data="restored"))
    assert get(again, done.id).result.value.string_value == "kept"
    assert [state_of(again, job.id) for job in (waiting, blocked)] == ["SCHEDULED", "BLOCKED"]
    assert submit(again, unique_key="k").id == waiting.id
    refused(lambda: get(again, later.id), "NOT_FOUND")
    assert again.queues.Get(queues.GetQueueRequest(queue="mine")).max_running.value == 3


def test_what_was_running_in_a_copy_is_run_again(start_server, connect, start_worker, tmp_path):
    server = start_server()
    rpc = connect(server)
    job = submit(rpc, attempt_timeout=duration(1), retry=job_pb2.RetryPolicy(min_backoff=duration(0.01)))
    start_worker(server, kinds=["task"]).lease_one()
    backup(rpc, tmp_path / "copy")
    restore(tmp_path / "copy", tmp_path / "restored")
    restored = start_server(data="restored")
    again = start_worker(restored, kinds=["task"])
    again.report(success(again.lease_one(wait=50)))
    assert state_of(connect(restored), job.id) == "SUCCEEDED"


def test_a_copy_is_made_while_jobs_are_submitted(start_server, connect, tmp_path):
    rpc = connect(start_server())
    before = [job.id for job in submit_many(rpc, [task("x" * 1000) for _ in range(3000)])]
    request = messages.BackupRequest(path=str(tmp_path / "copy"))
    going = rpc.start_raw("/errand.v1.ServerService/Backup", request.SerializeToString())
    count = 0
    while not going.done() or count < 10:
        submit_many(rpc, [task() for _ in range(20)])
        count += 1
    restore(tmp_path / "copy", tmp_path / "restored")
    again = connect(start_server(data="restored"))
    assert state_of(again, before[0]) == state_of(again, before[-1]) == "READY"


@pytest.mark.parametrize("path", ["", "relative", "/no/such/folder/copy"])
def test_a_path_that_can_not_be_is_refused(shared_server, connect, path):
    code = "FAILED_PRECONDITION" if path.startswith("/") else "INVALID_ARGUMENT"
    refused(lambda: backup(connect(shared_server), path), code)


def test_a_file_is_never_overwritten(rpc, tmp_path):
    (tmp_path / "mine").write_text("mine")
    refused(lambda: backup(rpc, tmp_path / "mine"), "ALREADY_EXISTS")
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_stop_during_a_backup_does_not_wait_for_it(start_server, connect, tmp_path):
    server = start_server()
    rpc = connect(server)
    for _ in range(10):
        submit_many(rpc, [task("x" * 1_000_000) for _ in range(10)])
    copies = tmp_path / "copies"
    copies.mkdir()
    request = messages.BackupRequest(path=str(copies / "copy"))
    rpc.start_raw("/errand.v1.ServerService/Backup", request.SerializeToString())
    wait_until(lambda: any(copies.iterdir()), "a file of the backup")
    server.stop()
    assert [path.name for path in copies.iterdir()] in ([], ["copy"])  # nothing, or the whole


def test_the_command_line_takes_a_path_from_where_it_runs(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, size = cli.ok("backup", "copy").text.split()
    assert path == str(tmp_path / "copy") and int(size) == (tmp_path / "copy").stat().st_size
    assert cli("backup", "copy").status == 5
    assert cli("backup", "/no/such/folder/copy").status == 5
    (document,) = cli.ok("backup", "other", "-o", "json").documents
    assert int(document["sizeBytes"]) > 0
