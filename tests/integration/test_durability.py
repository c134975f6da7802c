"""What survives: kill -9, restarts, drains; and what does not start."""

import random
import signal
import threading
import time
import uuid

from google.protobuf import struct_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages
from harness.cli import Cli
from harness.http_api import HttpApi
from harness.listing import listed
from harness.rpc import RpcClient, RpcError, duration
from harness.waiting import wait_until
from harness.worker import leased, success

KILLS = 10
JOBS_PER_LIFE = 120
SUBMITTERS = 3


def task(**fields):
    job = job_pb2.Job(kind="task", args=struct_pb2.Value(bool_value=True), **fields)
    return messages.SubmitRequest(job=job)


class Submitters:
    """Threads that submit until the server is gone, and know what was acknowledged."""

    def __init__(self, origin):
        self.origin = origin
        self.acknowledged = []

    def run_until_killed(self, server, seconds):
        threads = [threading.Thread(target=self.submit, args=(server,)) for _ in range(SUBMITTERS)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)  # a random moment, not a synchronisation
        server.kill()
        for thread in threads:
            thread.join()

    def submit(self, server):
        try:
            client = RpcClient(server.rpc)
            for _ in range(JOBS_PER_LIFE // SUBMITTERS):
                job = self.job()
                client.jobs.Submit(messages.SubmitRequest(job=job))
                self.acknowledged.append(job.id)
        except (OSError, RpcError):
            pass

    def job(self):
        job_id = str(uuid.uuid4())
        callback = job_pb2.Callback(
            url=f"{self.origin.url}/deliver/{job_id}", format=job_pb2.Callback.RAW
        )
        return job_pb2.Job(
            id=job_id,
            http=job_pb2.HttpRequest(url=f"{self.origin.url}/ok?body={job_id}"),
            callback=callback,
            # So patient that only a counted failure could end a job before its time.
            retry=job_pb2.RetryPolicy(max_attempts=1),
        )


def finished_times(client):
    """Finish time of each job that has succeeded."""
    found = listed(client, state=job_pb2.Job.SUCCEEDED, queue="default", page_size=1000)
    return {job.id: job.finish_time.ToJsonString() for job in found}


def test_no_acknowledged_job_is_lost_by_ten_kills(start_server, origin, connect):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    moments = random.Random(seed)
    server = start_server()
    submitters = Submitters(origin)
    seen = {}
    for _ in range(KILLS):
        submitters.run_until_killed(server, moments.uniform(0.05, 0.4))
        server.restart()
        now = finished_times(connect(server))
        assert all(now.get(job_id) == when for job_id, when in seen.items()), "ended twice, or lost"
        seen = now
    assert len(submitters.acknowledged) > KILLS
    client = connect(server)
    for job_id in submitters.acknowledged:
        request = messages.GetResultRequest(id=job_id, wait=duration(50))
        answer = client.jobs.GetResult(request)
        assert answer.state == job_pb2.Job.SUCCEEDED, answer
        assert answer.result.http.body == job_id.encode()
    for job_id in submitters.acknowledged:
        deliveries = origin.wait_for(f"/deliver/{job_id}")
        assert {delivery.body for delivery in deliveries} == {job_id.encode()}
    now = finished_times(client)
    assert all(now.get(job_id) == when for job_id, when in seen.items()), "ended twice, or lost"


def submit_all_sizes(rpc, worker, sizes):
    """Half of the jobs are leased as they come. The inputs' sizes by id, and those jobs."""
    kind = worker.worker.kinds[0]
    args = [struct_pb2.Value(string_value="i" * size) for size in sizes]
    jobs = [job_pb2.Job(kind=kind, args=one) for one in args]
    parked = worker.start_lease(max_jobs=len(sizes) // 2)
    results = rpc.jobs.BatchSubmit(messages.BatchSubmitRequest(jobs=jobs)).results
    inputs = {result.job.id: size for result, size in zip(results, sizes)}
    return inputs, list(leased(parked).assignments)


def check_inputs(assignments, inputs):
    assert assignments
    for one in assignments:
        assert one.job.args.string_value == "i" * inputs[one.job.id]


def check_jobs(rpc, inputs, results):
    for job_id, size in inputs.items():
        job = rpc.jobs.Get(messages.GetJobRequest(id=job_id, view=job_pb2.FULL))
        assert job.args.string_value == "i" * size
        assert (job.state == job_pb2.Job.SUCCEEDED) == (job_id in results)
        assert job.result.value.string_value == "r" * results.get(job_id, 0)


# Those that stand in a job's row, and those that do not.
def test_inputs_and_results_of_all_sizes_survive_kills(start_server, connect, start_worker):
    server = start_server("--workers", "0")
    inputs, results, kinds = {}, {}, ["first", "second", "third", "fourth"]
    for life, kind in enumerate(kinds):
        worker = start_worker(server, kinds=[kind])
        sizes = [*range(420 + life, 490, 2), 0, 1, 5000]
        made, assignments = submit_all_sizes(connect(server), worker, sizes)
        inputs |= made
        check_inputs(assignments, inputs)
        ended = list(zip(assignments, [*range(240 + life, 262, 2), 0, 1, 3000]))
        worker.report(*(success(one, "r" * size) for one, size in ended))
        results |= {one.job.id: size for one, size in ended}
        server.kill()
        server.restart()
        check_jobs(connect(server), inputs, results)
    assignments = start_worker(server, kinds=kinds).lease(len(inputs), wait=30).assignments
    check_inputs(assignments, inputs)


def test_a_lease_lost_by_a_restart_counts_against_nobody(start_server, origin, connect):
    server = start_server()
    job = job_pb2.Job(
        http=job_pb2.HttpRequest(url=origin.url + "/hang"),
        retry=job_pb2.RetryPolicy(max_attempts=1),
    )
    job_id = connect(server).jobs.Submit(messages.SubmitRequest(job=job)).id
    for attempt in range(1, 6):
        origin.wait_for("/hang", attempt)
        server.kill()
        server.restart()
    shown = connect(server).jobs.Get(messages.GetJobRequest(id=job_id))
    assert not shown.attempts and shown.state in (job_pb2.Job.READY, job_pb2.Job.RUNNING)
    origin.released.set()


def test_results_and_states_survive_a_restart(server, api, origin):
    done = api.submit({"http": {"url": origin.url + "/ok?body=kept"}})["id"]
    later = api.submit({"http": {"url": origin.url + "/ok"}, "delay": "3600s"})["id"]
    api.result(done)
    before = [api.get(f"/v1/jobs/{job_id}?view=FULL").json() for job_id in (done, later)]
    server.stop()
    server.restart()
    api = HttpApi(server.http)
    after = [api.get(f"/v1/jobs/{job_id}?view=FULL").json() for job_id in (done, later)]
    assert after == before
    assert api.get(f"/v1/jobs/{done}/output").body == b"kept"


def test_sigterm_lets_running_jobs_finish(server, api, origin):
    job_id = api.submit({"http": {"url": origin.url + "/slow/1"}})["id"]
    origin.wait_for("/slow/1")
    server.stop()
    server.restart()
    shown = HttpApi(server.http).get("/v1/jobs/" + job_id).json()
    assert shown["state"] == "SUCCEEDED" and shown["attempt"] == 1, shown


def test_a_drain_gives_back_what_does_not_finish(start_server, origin):
    server = start_server("--drain-timeout", "0.2s")
    api = HttpApi(server.http)
    job = {"http": {"url": origin.url + "/hang"}, "retry": {"maxAttempts": 1}}
    job_id = api.submit(job)["id"]
    origin.wait_for("/hang")
    server.stop()
    server.flags += ["--workers", "0"]
    server.restart()
    shown = HttpApi(server.http).get("/v1/jobs/" + job_id).json()
    assert shown["state"] == "READY" and "attempts" not in shown, shown


def test_a_second_signal_leaves_at_once_and_loses_nothing(server, api, origin):
    job_id = api.submit({"http": {"url": origin.url + "/hang"}})["id"]
    origin.wait_for("/hang")
    server.signal(signal.SIGTERM)
    wait_until(lambda: "drain" in server.log_text().lower(), "it drains")
    server.signal(signal.SIGTERM)
    server.wait(20)
    server.restart()
    assert HttpApi(server.http).get("/v1/jobs/" + job_id).status == 200
    origin.released.set()


def test_a_second_server_on_the_same_data_refuses_to_start(server, start_server, api):
    second = start_server(launch_only=True)
    assert second.wait() not in (0, None)
    assert "data" in second.log_text() and second.log_text().strip(), "it says why"
    assert api.get("/healthz").status == 200


def test_retention_purges_a_finished_job(rpc, worker):
    request = task(retention=duration(0.5))
    kept = rpc.jobs.Submit(task()).id
    purged = rpc.jobs.Submit(request).id
    worker.report(*(success(one) for one in worker.lease(2).assignments))

    def is_gone():
        try:
            rpc.jobs.Get(messages.GetJobRequest(id=purged))
        except RpcError as error:
            return error.code == "NOT_FOUND"
        return False

    wait_until(is_gone, "the job is purged")
    assert rpc.jobs.Get(messages.GetJobRequest(id=kept)).state == job_pb2.Job.SUCCEEDED
    assert [job.id for job in rpc.jobs.List(messages.ListJobsRequest()).jobs] == [kept]


def test_a_result_is_kept_until_its_callback_was_made(api, origin):
    job = api.submit(
        {
            "http": {"url": origin.url + "/ok?body=kept"},
            "retention": "0.1s",
            "callback": {"url": origin.url + "/flaky/2/kept", "format": "RAW"},
        }
    )
    deliveries = origin.wait_for("/flaky/2/kept", 3)
    assert {delivery.body for delivery in deliveries} == {b"kept"}
    wait_until(lambda: api.get("/v1/jobs/" + job["id"]).status == 404, "the job is purged")


def test_the_data_folder_is_for_its_owner_only(server):
    assert server.data.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in server.data.rglob("*") if path.is_file())


def test_a_file_of_jobs_submitted_across_a_kill_is_stored_once(tmp_path, start_server):
    server = start_server()
    lines = tmp_path / "jobs.ndjson"
    lines.write_text('{"kind": "task", "args": 1}\n' * 20000)
    process = Cli(server.rpc).start("submit", "--file", lines)
    server.kill()
    server.restart(same_ports=True)
    out, err = process.communicate(timeout=100)
    assert process.returncode == 0, err
    ids = out.decode().split()
    assert len(ids) == len(set(ids)) == 20000
    client = RpcClient(server.rpc)
    count = len(listed(client, page_size=1000))
    client.close()
    assert count == 20000
