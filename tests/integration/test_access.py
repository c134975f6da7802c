"""Who may do what: tokens over RPC, HTTP, the command line and the result pipeline."""

import signal
import subprocess

import pytest

from errand.v1 import (
    job_pb2,
    job_service_pb2,
    queue_service_pb2,
    server_service_pb2,
)
from harness.errandd import BIN
from harness.fleet import WorkerProcess
from harness.http_api import HttpApi
from harness.listing import listed_ids
from harness.rpc import RpcError, duration
from harness.tokens import TokenApi, TokenRpc, Tokens, cli_with, hash_of, new_token
from harness.waiting import wait_until
from harness.worker import ScriptedWorker, success


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "errandd.yaml")


@pytest.fixture
def clients():
    opened = []

    def dial(server, token):
        opened.append(TokenRpc(server.rpc, token))
        return opened[-1]

    yield dial
    for client in opened:
        client.close()


def refused(call, *arguments, **options):
    with pytest.raises(RpcError) as caught:
        call(*arguments, **options)
    return caught.value


def a_job(queue="default", **fields):
    job = job_pb2.Job(kind="task", queue=queue, **fields)
    job.args.string_value = "x"
    return job


def submit(rpc, queue="default", **fields):
    return rpc.jobs.Submit(job_service_pb2.SubmitRequest(job=a_job(queue, **fields)))


def worker_with(server, token, **options):
    worker = ScriptedWorker(server, kinds=["task"], **options)
    worker.rpc.close()
    worker.rpc = TokenRpc(server.rpc, token)
    return worker


# ---- scopes ----


def test_a_call_needs_a_token_with_its_scope(start_server, tokens, clients, connect):
    tokens.add("ci", "submit")
    tokens.add("look", "read")
    server = start_server(*tokens.flags)
    nobody, wrong = connect(server), clients(server, new_token())
    ci, look = (clients(server, tokens.texts[name]) for name in ("ci", "look"))
    assert refused(submit, nobody).code == "UNAUTHENTICATED"
    assert refused(submit, wrong).code == "UNAUTHENTICATED"
    assert refused(submit, look).code == "PERMISSION_DENIED"
    job = submit(ci)
    get = job_service_pb2.GetJobRequest(id=job.id)
    assert refused(ci.jobs.Get, get).code == "PERMISSION_DENIED"
    assert look.jobs.Get(get).id == job.id
    assert refused(nobody.server.GetInfo).code == "UNAUTHENTICATED"
    assert ci.server.GetInfo().health == "serving"


def test_http_says_401_and_403(start_server, tokens):
    tokens.add("look", "read")
    server = start_server(*tokens.flags)
    nobody, look = HttpApi(server.http), TokenApi(server.http, tokens.texts["look"])
    answer = nobody.get("/v1/jobs")
    assert answer.status == 401 and answer.json()["code"] == "UNAUTHENTICATED", answer
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TokenApi(server.http, new_token()).get("/v1/jobs").status == 401
    assert look.get("/v1/jobs").status == 200
    answer = look.post("/v1/jobs", {"kind": "task", "args": 1})
    assert answer.status == 403 and answer.json()["code"] == "PERMISSION_DENIED", answer
    assert nobody.get("/healthz").status == 200
    assert nobody.get("/readyz").status == 200
    assert nobody.get("/metrics").status == 401
    assert TokenApi(server.http, "no text: \xff").get("/metrics").status in (400, 401)
    assert look.get("/metrics").status == 200


def test_the_command_line_takes_a_token_from_variable_and_file(start_server, tokens, tmp_path):
    tokens.add("ops", "admin")
    server = start_server(*tokens.flags)
    token = tokens.texts["ops"]
    file = tmp_path / "token"
    file.write_text(token + "\n")
    assert cli_with(server, token)("stats").status == 0
    without = cli_with(server, "")
    finished = without("stats")
    assert finished.status == 5 and "token" in finished.err, finished
    assert without("--token-file", file, "stats").status == 0
    assert without("stats", env={"ERRAND_TOKEN_FILE": str(file)}).status == 0
    assert without("--token", token, "stats").status == 0
    file.write_text("two words\n")
    finished = without("--token-file", file, "stats")
    assert finished.status == 2 and "two words" not in finished.err, finished


def test_a_new_token_of_the_command_line_is_what_the_server_takes(start_server, tokens):
    cli = cli_with(start_server(), "")
    made = cli.ok("-o", "json", "token", "new").documents[0]
    assert made["hash"] == hash_of(made["token"])
    lines = cli.ok("token", "new").text.split()
    assert lines[0] == "token:" and lines[2] == "hash:" and lines[3] == hash_of(lines[1])
    tokens.file.with_name("t").write_text(made["token"])
    assert cli.ok("token", "hash", tokens.file.with_name("t")).text.split()[1] == made["hash"]


def test_the_servers_own_workers_need_no_token_of_the_configuration(
    start_server, tokens, clients, origin
):
    tokens.add("app", "submit", "read")
    server = start_server(*tokens.flags, "--allow-private-addresses")
    app = TokenApi(server.http, tokens.texts["app"])
    job = app.submit({"http": {"url": origin.url + "/ok"}})
    assert app.result(job["id"])["state"] == "SUCCEEDED"


def test_a_worker_without_a_token_says_that_it_is_refused(start_server, tokens, tmp_path):
    tokens.add("work", "work")
    server = start_server(*tokens.flags)
    worker = WorkerProcess(tmp_path / "log", ["--server", server.rpc])
    wait_until(lambda: "server_refuses" in worker.log_text(), "a line of the log")
    assert "code=UNAUTHENTICATED" in worker.log_text()
    assert "server_unreachable" not in worker.log_text()
    worker.stop()


def test_with_tokens_jobs_do_not_reach_private_addresses_by_themselves(
    start_server, tokens, origin
):
    tokens.add("app", "submit", "read")
    server = start_server(*tokens.flags)
    app = TokenApi(server.http, tokens.texts["app"])
    job = app.submit({"http": {"url": origin.url + "/ok"}, "retry": {"maxAttempts": 1}})
    assert app.result(job["id"])["state"] == "FAILED"
    assert not origin.requests("/ok")


def test_two_callers_with_the_same_request_id_make_two_jobs(start_server, tokens, clients):
    tokens.add("one", "submit")
    tokens.add("other", "submit")
    server = start_server(*tokens.flags)
    request = job_service_pb2.SubmitRequest(job=a_job())
    ids = [
        clients(server, tokens.texts[name]).jobs.Submit(request, metadata={"request-id": "r-1"}).id
        for name in ("one", "one", "other")
    ]
    assert ids[0] == ids[1] != ids[2]


# ---- changes ----


def test_tokens_are_changed_by_sighup(start_server, tokens, clients):
    old = tokens.add("ci", "submit")
    server = start_server(*tokens.flags)
    rpc = clients(server, old)
    submit(rpc)

    fresh = new_token()
    tokens.rows["ci"]["hash"] = [hash_of(old), hash_of(fresh)]
    tokens.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log_text().count("reloaded") == 1, "a line of the log")
    renewed = clients(server, fresh)
    first = renewed.jobs.Submit(
        job_service_pb2.SubmitRequest(job=a_job()), metadata={"request-id": "same"}
    )
    again = rpc.jobs.Submit(
        job_service_pb2.SubmitRequest(job=a_job()), metadata={"request-id": "same"}
    )
    assert first.id == again.id  # they are one caller

    tokens.rows["ci"]["hash"] = hash_of(fresh)
    tokens.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log_text().count("reloaded") == 2, "a line of the log")
    assert refused(submit, rpc).code == "UNAUTHENTICATED"
    submit(renewed)

    tokens.rows.clear()
    tokens.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log_text().count("reloaded") == 3, "a line of the log")
    assert refused(submit, renewed).code == "UNAUTHENTICATED"


def test_a_reload_that_can_not_tell_two_tokens_apart_changes_nothing(
    start_server, tokens, clients
):
    token = tokens.add("ci", "read", "submit")
    server = start_server(*tokens.flags)
    tokens.rows["twin"] = {**tokens.rows["ci"], "scopes": ["read"]}
    tokens.write()
    with tokens.file.open("a") as file:
        file.write("\nqueues: {mail: max_running=4}\n")
    server.signal(signal.SIGHUP)
    wait_until(lambda: "reload_failed" in server.log_text(), "the file is refused")
    rpc = clients(server, token)
    mail = queue_service_pb2.GetQueueRequest(queue="mail")
    assert refused(rpc.queues.Get, mail).code == "NOT_FOUND"
    submit(rpc)
    assert " reloaded " not in server.log_text()


def test_tokens_may_come_while_the_server_runs(start_server, tokens, connect, clients, origin):
    tokens.file.write_text("{}")
    server = start_server(*tokens.flags)
    rpc = connect(server)
    submit(rpc)
    token = tokens.add("ops", "submit", "read")
    server.signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in server.log_text(), "a line of the log")
    assert refused(submit, rpc).code == "UNAUTHENTICATED"
    app = TokenApi(server.http, token)
    job = app.submit({"http": {"url": "http://127.0.0.1:1/"}})
    assert app.result(job["id"])["state"] == "FAILED"  # the built-in workers go on


@pytest.mark.parametrize("allowed", [False, True])
def test_the_first_tokens_close_private_addresses_to_jobs(
    start_server, tokens, connect, origin, allowed
):
    tokens.file.write_text("{}")
    flags = ["--allow-private-addresses"] if allowed else []
    server = start_server(*tokens.flags, *flags)
    fetch = {"http": {"url": origin.url + "/ok"}}
    open_api = HttpApi(server.http)
    job = open_api.submit(fetch)
    assert open_api.result(job["id"])["state"] == "SUCCEEDED"  # and keeps its connection open
    app = TokenApi(server.http, tokens.add("ops", "submit", "read"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: " reloaded " in server.log_text(), "a line of the log")
    assert ("private_addresses_closed" in server.log_text()) is not allowed
    told = app.result(app.submit(fetch)["id"])
    if allowed:
        assert told["state"] == "SUCCEEDED"
        return
    assert told["state"] == "FAILED" and told["error"]["code"] == "PERMISSION_DENIED"
    assert "is not allowed" in told["error"]["message"]


def test_a_bad_token_row_is_told_with_its_place(tmp_path, tokens):
    good = hash_of("a")
    for row, said in (
        ("{hash: secret, scopes: [submit]}", "tokens.ci.hash: found a value that is not shown, expected"),
        ("{hash: 'sha256:secret', scopes: [submit]}", "tokens.ci.hash: found a value that is not shown, expected"),
        (f"{{hash: '{good}', scopes: [root]}}", 'tokens.ci.scopes: found "root", expected submit, read,'),
        (f"{{hash: '{good}', scopes: [read], queues: []}}", 'tokens: found "ci", expected'),
        (f"{{hash: '{good}', scopes: [read], queues: [a b]}}", 'tokens.ci.queues: found "a b", expected'),
        (f"{{hash: '{good}'}}", "tokens.ci.scopes: found nothing, expected submit, read,"),
        (f"{{hash: '{good}', scopes: [read], queue: a}}", "tokens.ci.queue: found an unknown key, expected"),
    ):
        tokens.file.write_text(f"tokens:\n  ci: {row}\n")
        done = subprocess.run(
            [str(BIN / "errandd"), "--check-config", "--config", str(tokens.file)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert f"errandd.yaml:2: {said}" in done.stderr, done.stderr
        assert "secret" not in done.stderr


def test_no_secret_shows_in_the_log(start_server, tokens, clients):
    token = tokens.add("ci", "submit")
    server = start_server(*tokens.flags, "--log-level", "debug")
    other = new_token()
    submit(clients(server, token))
    refused(submit, clients(server, other))
    HttpApi(server.http).get("/v1/jobs", headers={"authorization": f"Bearer {other}"})
    server.signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in server.log_text(), "a line of the log")
    text = server.log_text()
    assert token not in text and other not in text and hash_of(token)[7:] not in text
    assert "call_refused" in text


# ---- the result pipeline ----


def test_outcomes_need_a_token_that_may_work(start_server, tokens, clients):
    tokens.add("app", "submit", "read")
    tokens.add("pool", "work")
    server = start_server(*tokens.flags)
    app = clients(server, tokens.texts["app"])
    worker = worker_with(server, tokens.texts["pool"])
    job = submit(app)
    one = worker.lease_one()

    for authorization in ("", f"Bearer {new_token()}", f"Bearer {tokens.texts['app']}"):
        batch = worker.batch(success(one), sequence=1)
        batch.authorization = authorization
        worker.push(batch)
    wait_until(lambda: "outcomes_refused" in server.log_text(), "a line of the log")
    assert worker.heartbeat(one).acked_outcome_sequence == 0
    assert app.jobs.Get(job_service_pb2.GetJobRequest(id=job.id)).state == job_pb2.Job.RUNNING

    batch = worker.batch(success(one), sequence=1)
    batch.authorization = f"Bearer {tokens.texts['pool']}"
    worker.push(batch)
    result = app.jobs.GetResult(
        job_service_pb2.GetResultRequest(id=job.id, wait=duration(30)), timeout=60
    )
    assert result.state == job_pb2.Job.SUCCEEDED
    worker.close()


# ---- queues ----


class Scene:
    """Two teams: `mine` may all in the queue mine, `root` has jobs in queue other too."""

    def __init__(self, server, tokens, clients):
        self.server = server
        self.root = clients(server, tokens.texts["root"])
        self.mine = clients(server, tokens.texts["mine"])
        self.own = submit(self.mine, "mine")
        self.other = submit(self.root, "other", unique_key="u")
        self.unknown = "01890000-0000-7000-8000-00000000dead"


@pytest.fixture
def scene(start_server, tokens, clients):
    tokens.add("root", "admin")
    tokens.add("mine", "admin", queues=["mine", "more"])
    return Scene(start_server(*tokens.flags), tokens, clients)


def same_answer(call, make, hidden, unknown):
    """The same failure for both, but for the id itself."""
    answers = []
    for job_id in (hidden, unknown):
        error = refused(call, make(job_id))
        assert "other" not in str(error)
        answers.append((error.code, str(error).replace(job_id, "ID"), error.fields))
    assert answers[0] == answers[1]
    return answers[0][0]


def test_a_job_of_another_queue_is_like_none(scene):
    jobs, m = scene.mine.jobs, job_service_pb2
    for call, make in (
        (jobs.Get, lambda i: m.GetJobRequest(id=i)),
        (jobs.Get, lambda i: m.GetJobRequest(id=i, view=job_pb2.FULL)),
        (jobs.GetResult, lambda i: m.GetResultRequest(id=i)),
        (jobs.GetResult, lambda i: m.GetResultRequest(id=i, wait=duration(30))),
        (jobs.Watch, lambda i: m.WatchJobRequest(id=i)),
        (jobs.Watch, lambda i: m.WatchJobRequest(id=i, revision=1, wait=duration(30))),
        (jobs.Explain, lambda i: m.ExplainJobRequest(id=i)),
        (jobs.Cancel, lambda i: m.CancelJobRequest(id=i)),
        (jobs.Retry, lambda i: m.RetryJobRequest(id=i)),
        (jobs.Delete, lambda i: m.DeleteJobRequest(id=i)),
    ):
        assert same_answer(call, make, scene.other.id, scene.unknown) == "NOT_FOUND"
    assert jobs.Get(m.GetJobRequest(id=scene.own.id)).id == scene.own.id
    assert scene.root.jobs.Get(m.GetJobRequest(id=scene.other.id)).state == job_pb2.Job.READY


def test_a_job_can_not_wait_for_one_of_another_queue(scene):
    def make(job_id):
        return job_service_pb2.SubmitRequest(job=a_job("mine", after=[job_id]))

    code = same_answer(scene.mine.jobs.Submit, make, scene.other.id, scene.unknown)
    assert code == "INVALID_ARGUMENT"
    submit(scene.mine, "more", after=[scene.own.id])

    batch = job_service_pb2.BatchSubmitRequest(
        jobs=[a_job("mine", id=scene.other.id), a_job("mine", after=[scene.other.id])]
    )
    results = scene.mine.jobs.BatchSubmit(batch).results
    assert [one.WhichOneof("outcome") for one in results] == ["error", "error"]
    assert results[1].error.violations[0].field == "jobs[1].after[0]"


def test_nothing_is_submitted_to_another_queue(scene):
    error = refused(submit, scene.mine, "other", unique_key="u")
    assert error.code == "PERMISSION_DENIED"
    made_up = refused(submit, scene.mine, "nowhere", unique_key="u")
    assert str(error).replace("other", "Q") == str(made_up).replace("nowhere", "Q")
    assert refused(submit, scene.mine).code == "PERMISSION_DENIED"  # default is a queue too
    assert submit(scene.mine, "mine", unique_key="u").id != scene.other.id
    # An id that is taken is taken, but that is all it tells.
    taken = refused(submit, scene.mine, "mine", id=scene.other.id)
    own = refused(submit, scene.mine, "more", id=scene.own.id)
    assert taken.code == own.code == "ALREADY_EXISTS"
    assert str(taken).replace(scene.other.id, "") == str(own).replace(scene.own.id, "")


def listed(rpc, **fields):
    return set(listed_ids(rpc, **fields))


def test_lists_and_counters_show_the_tokens_queues_only(scene):
    further = submit(scene.mine, "more")
    assert listed(scene.root) == {scene.own.id, scene.other.id, further.id}
    assert listed(scene.mine) == {scene.own.id, further.id}
    assert listed(scene.mine, kind="task") == {scene.own.id, further.id}
    assert listed(scene.mine, queue="more") == {further.id}
    other = job_service_pb2.ListJobsRequest(queue="other")
    assert refused(scene.mine.jobs.List, other).code == "PERMISSION_DENIED"

    names = [queue.name for queue in scene.mine.queues.List().queues]
    assert names == ["mine", "more"]
    assert len(scene.root.queues.List().queues) == 3
    stats = scene.mine.server.GetStats()
    assert dict(stats.jobs) == {"READY": 2} and stats.store_bytes == 0
    assert dict(scene.root.server.GetStats().jobs) == {"READY": 3}
    whole = server_service_pb2.GetStatsRequest(whole=True)
    assert refused(scene.mine.server.GetStats, whole).code == "PERMISSION_DENIED"


def test_queues_of_others_can_not_be_seen_or_changed(scene):
    queues, m = scene.mine.queues, queue_service_pb2
    for name in ("other", "nowhere"):
        for call, request in (
            (queues.Get, m.GetQueueRequest(queue=name)),
            (queues.Pause, m.PauseQueueRequest(queue=name)),
            (queues.Resume, m.ResumeQueueRequest(queue=name)),
            (queues.Purge, m.PurgeQueueRequest(queue=name)),
        ):
            assert refused(call, request).code == "PERMISSION_DENIED"
    assert queues.Pause(m.PauseQueueRequest(queue="mine")).paused
    assert refused(scene.mine.workers.List).code == "PERMISSION_DENIED"
    backup = server_service_pb2.BackupRequest(path="/tmp/never")
    assert refused(scene.mine.server.Backup, backup).code == "PERMISSION_DENIED"


def test_a_bulk_change_stays_in_the_tokens_queues(scene):
    m = job_service_pb2
    answer = scene.mine.jobs.CancelMany(m.CancelManyRequest(filter={"kind": "task"}))
    assert answer.count == 1
    state = scene.root.jobs.Get(m.GetJobRequest(id=scene.other.id)).state
    assert state == job_pb2.Job.READY
    error = refused(
        scene.mine.jobs.DeleteMany, m.DeleteManyRequest(filter={"queue": "other", "kind": "task"})
    )
    assert error.code == "PERMISSION_DENIED"


def test_metrics_are_not_for_tokens_of_some_queues(scene, tokens):
    assert TokenApi(scene.server.http, tokens.texts["mine"]).get("/metrics").status == 403
    assert TokenApi(scene.server.http, tokens.texts["root"]).get("/metrics").status == 200


def test_a_worker_gets_jobs_of_its_tokens_queues_only(scene, tokens):
    worker = worker_with(scene.server, tokens.texts["mine"])
    answer = worker.lease(10, 0)
    assert [one.job.id for one in answer.assignments] == [scene.own.id]
    named = worker_with(scene.server, tokens.texts["mine"], queues=["mine=3", "other"])
    assert refused(named.lease).code == "PERMISSION_DENIED"
    worker.close()
    named.close()


def test_nobody_speaks_for_a_worker_whose_id_he_has_learned(scene, tokens):
    """An empty heartbeat in its name would give all its jobs back."""
    pool = worker_with(scene.server, tokens.texts["root"])
    held = pool.lease(10, 0).assignments
    assert len(held) == 2
    seen = scene.mine.jobs.Get(job_service_pb2.GetJobRequest(id=scene.own.id))
    assert seen.worker == pool.worker.id

    thief = worker_with(scene.server, tokens.texts["mine"])
    thief.worker.id = pool.worker.id
    thief.lease_sequence = 1
    thief.heartbeat()
    answer = thief.report(*[success(one, "stolen") for one in held], sequence=0)
    assert answer.accepted == 0 and len(answer.rejected) == 2
    assert not pool.heartbeat(*held).lost
    assert pool.report(*[success(one) for one in held]).accepted == 2
    pool.close()
    thief.close()


def number_in(token):
    return int.from_bytes(token[:8], "big")


def test_a_limited_worker_learns_nothing_of_other_queues_from_its_leases(
    start_server, tokens, clients
):
    tokens.add("mine", "submit", "read", "work", queues=["mine"])
    tokens.add("pool", "work")
    server = start_server(*tokens.flags)
    mine = clients(server, tokens.texts["mine"])
    worker = worker_with(server, tokens.texts["mine"])
    jobs = [submit(mine, "mine").id for _ in range(4)]
    first, second, third, fourth = worker.lease(4).assignments
    assert all(number_in(one.token) > 2**32 for one in (first, second, third, fourth))

    assert not worker.heartbeat(first, second, third, fourth).lost
    assert worker.report(success(first)).accepted == 1
    (rejected,) = worker.report(success(first)).rejected
    assert (rejected.job_id, rejected.token) == (jobs[0], first.token)
    batch = worker.batch(success(second))
    batch.authorization = f"Bearer {tokens.texts['mine']}"
    worker.push(batch)
    ended = job_service_pb2.GetResultRequest(id=jobs[1], wait=duration(30))
    assert mine.jobs.GetResult(ended, timeout=60).state == job_pb2.Job.SUCCEEDED
    mine.jobs.Cancel(job_service_pb2.CancelJobRequest(id=jobs[2]))
    (cancelled,) = worker.heartbeat(third, fourth).cancel
    assert (cancelled.job_id, cancelled.token) == (jobs[2], third.token)
    (lost,) = worker.heartbeat(first, fourth).lost
    assert (lost.job_id, lost.token) == (jobs[0], first.token)

    stranger = worker_with(server, tokens.texts["pool"])
    assert stranger.report(success(fourth)).accepted == 0
    for one in (worker, stranger):
        one.close()
