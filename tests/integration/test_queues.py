"""Queues: their limits, pauses and settings, and what the server tells about itself."""

import time

import pytest
from google.protobuf import duration_pb2

from errand.v1 import job_pb2, job_service_pb2 as messages, queue_service_pb2 as queues
from errand.v1 import worker_service_pb2
from harness.rpc import duration
from harness.tasks import (
    State,
    get,
    names,
    rate,
    refused,
    state_of,
    submit,
    submit_many,
    task,
    update,
)
from harness.waiting import wait_until
from harness.worker import failure, leased, released, success


def get_queue(rpc, name="default"):
    return rpc.queues.Get(queues.GetQueueRequest(queue=name))


# ---- what there is ----


def test_a_queue_is_there_from_its_first_job_on(rpc):
    refused(lambda: get_queue(rpc, "mine"), "NOT_FOUND")
    submit(rpc, queue="mine")
    submit(rpc, queue="mine", delay=duration(3600))
    assert dict(get_queue(rpc, "mine").depth) == {"READY": 1, "SCHEDULED": 1}


def test_a_queue_is_there_from_its_first_setting_on(rpc):
    assert update(rpc, "mine", max_running=3).max_running.value == 3
    assert get_queue(rpc, "mine").max_running.value == 3


def test_depth_follows_the_jobs(rpc, worker):
    submit_many(rpc, [task() for _ in range(5)])
    one, two, three = worker.lease(3).assignments
    worker.report(success(one), failure(two, retryable=False))
    rpc.jobs.Cancel(messages.CancelJobRequest(id=three.job.id))
    expected = {"READY": 2, "SUCCEEDED": 1, "FAILED": 1, "CANCELLED": 1}
    assert dict(get_queue(rpc).depth) == expected


def test_queues_are_listed_by_name_page_by_page(rpc):
    submit_many(rpc, [task(queue=f"q{i:03}") for i in range(25)])
    found, token = [], ""
    while True:
        page = rpc.queues.List(queues.ListQueuesRequest(page_size=10, page_token=token))
        found += [queue.name for queue in page.queues]
        token = page.next_page_token
        if not token:
            break
    assert [name for name in found if name.startswith("q")] == [f"q{i:03}" for i in range(25)]
    assert found == sorted(found)


def test_a_wrong_page_is_refused(rpc):
    refused(lambda: rpc.queues.List(queues.ListQueuesRequest(page_size=-1)), "INVALID_ARGUMENT")
    refused(lambda: rpc.queues.List(queues.ListQueuesRequest(page_token="?")), "INVALID_ARGUMENT")


# ---- settings ----


def test_only_named_settings_change(rpc):
    update(rpc, max_running=3, max_per_key=2, max_depth=9, aging=duration(5), rate_limit=rate(7))
    queue = update(rpc, max_running=4, clear=["aging"])
    assert (queue.max_running.value, queue.max_per_key.value, queue.max_depth.value) == (4, 2, 9)
    assert not queue.HasField("aging") and queue.rate_limit.count == 7
    cleared = update(rpc, clear=["rate_limit", "max_running", "max_per_key", "max_depth"])
    assert [field.name for field, _ in cleared.ListFields() if field.name != "depth"] == ["name"]


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"max_running": -1}, "queue.max_running"),
        ({"max_per_key": -1}, "queue.max_per_key"),
        ({"max_depth": -1}, "queue.max_depth"),
        ({"aging": duration_pb2.Duration(seconds=-1)}, "queue.aging"),
        ({"rate_limit": rate(-1)}, "queue.rate_limit.count"),
        ({"rate_limit": rate(1, -1)}, "queue.rate_limit.per"),
        ({"rate_limit": rate(1, burst=-1)}, "queue.rate_limit.burst"),
    ],
)
def test_a_wrong_setting_is_named(shared_server, connect, fields, field):
    refused(lambda: update(connect(shared_server), **fields), "INVALID_ARGUMENT", field)


def test_a_wrong_update_is_refused(rpc):
    refused(lambda: update(rpc, "no spaces", max_running=1), "INVALID_ARGUMENT")
    refused(lambda: update(rpc, clear=["colour"]), "INVALID_ARGUMENT")
    refused(lambda: update(rpc, clear=["depth"]), "INVALID_ARGUMENT")
    refused(lambda: update(rpc, ""), "INVALID_ARGUMENT")


def test_settings_are_kept_over_a_crash(server, connect):
    rpc = connect(server)
    update(rpc, "mine", max_running=3, aging=duration(1.5), rate_limit=rate(7, 60, 2))
    rpc.queues.Pause(queues.PauseQueueRequest(queue="mine"))
    before = get_queue(rpc, "mine")
    server.kill()
    server.restart()
    assert get_queue(connect(server), "mine") == before and before.paused


def test_each_interface_changes_settings(api, cli, rpc):
    cli.ok("queue", "set", "a", "--rate-limit", "10/1m", "--burst", "5", "--max-running", "3")
    queue = api.get("/v1/queues/a").json()
    assert queue["rateLimit"] == {"count": "10", "per": "60s", "burst": "5"}
    assert queue["maxRunning"] == 3
    answer = api.request(
        "PATCH",
        "/v1/queues/a",
        b'{"rateLimit": null, "aging": "2s", "maxDepth": 7}',
        {"content-type": "application/json"},
    )
    assert answer.status == 200
    expected = {"name": "a", "maxRunning": 3, "aging": "2s", "maxDepth": "7"}
    assert answer.json() == api.get("/v1/queues/a").json() == expected
    shown = cli.ok("queue", "set", "a", "--aging", "none", "--max-depth", "none", "-o", "json")
    assert shown.documents == [{"name": "a", "maxRunning": 3}]
    assert get_queue(rpc, "a").max_running.value == 3


def test_a_patch_changes_nothing_that_it_does_not_name(api, rpc):
    update(rpc, max_running=3)
    json = {"content-type": "application/json"}
    assert api.request("PATCH", "/v1/queues/default", b'{"name": "default"}', json).status in (200, 400)
    assert get_queue(rpc).max_running.value == 3
    for body in (b'{"colour": 1}', b'{"name": "other"}', b'{"maxRunning": -5}', b'{"depth": {}}'):
        assert api.request("PATCH", "/v1/queues/default", body, json).status == 400, body


def test_each_interface_shows_queues(api, cli, rpc):
    submit(rpc, queue="a")
    (listed,) = [one for one in api.get("/v1/queues").json()["queues"] if one["name"] == "a"]
    assert listed == api.get("/v1/queues/a").json() == {"name": "a", "depth": {"READY": "1"}}
    assert listed in cli.ok("queue", "ls", "-o", "json").documents
    assert cli.ok("queue", "ls", "a", "-o", "json").documents == [listed]
    assert cli.ok("queue", "ls").text.splitlines()[0].startswith("NAME")
    assert cli("queue", "ls", "nobody").status == 3
    assert api.get("/v1/queues/nobody").status == 404


# ---- pause and purge ----


def test_a_paused_queue_starts_nothing_and_running_jobs_go_on(rpc, worker):
    running = submit(rpc)
    one = worker.lease_one()
    assert rpc.queues.Pause(queues.PauseQueueRequest(queue="default")).paused
    submit(rpc)
    assert not worker.lease().assignments
    worker.report(success(one))
    assert state_of(rpc, running.id) == "SUCCEEDED" and not worker.lease().assignments


def test_a_parked_worker_gets_the_jobs_of_a_resumed_queue(rpc, worker):
    rpc.queues.Pause(queues.PauseQueueRequest(queue="default"))
    job = submit(rpc)
    parked = worker.start_lease(wait=50)
    assert not rpc.queues.Resume(queues.ResumeQueueRequest(queue="default")).paused
    assert leased(parked, seconds=30).assignments[0].job.id == job.id


def test_other_queues_are_not_paused(rpc, worker):
    rpc.queues.Pause(queues.PauseQueueRequest(queue="a"))
    submit(rpc, "held", queue="a")
    submit(rpc, "free", queue="b")
    assert names(worker.lease(10)) == ["free"]


def test_a_purge_deletes_what_waits(rpc, worker):
    submit_many(rpc, [task() for _ in range(6)])
    done, running = worker.lease(2).assignments
    worker.report(success(done))
    submit(rpc, delay=duration(3600))
    submit(rpc, after=[running.job.id])
    other = submit(rpc, queue="other")
    assert rpc.queues.Purge(queues.PurgeQueueRequest(queue="default")).count == 6
    left = {job.id for job in rpc.jobs.List().jobs}
    assert left == {done.job.id, running.job.id, other.id}
    assert rpc.queues.Purge(queues.PurgeQueueRequest(queue="default")).count == 0


def test_each_interface_pauses_resumes_and_purges(api, cli, rpc):
    submit_many(rpc, [task(queue="a") for _ in range(3)])
    assert api.post("/v1/queues/a:pause", {}).json()["paused"]
    assert "paused" in cli.ok("queue", "ls", "a").text
    assert "paused" not in cli.ok("queue", "resume", "a", "-o", "json").documents[0]
    assert "paused" in cli.ok("queue", "pause", "a").text
    assert "paused" not in api.request("POST", "/v1/queues/a:resume").json()
    assert cli.ok("queue", "purge", "a").text == "3\n"
    assert api.post("/v1/queues/a:purge", {}).json() == {}


# ---- limits ----


def test_no_more_than_max_running_run(rpc, worker):
    update(rpc, max_running=2)
    submit_many(rpc, [task(str(i)) for i in range(5)])
    first = worker.lease(10).assignments
    assert [one.job.args.string_value for one in first] == ["0", "1"]
    parked = worker.start_lease(10, wait=50)
    worker.report(success(first[0]))
    assert names(leased(parked, seconds=30)) == ["2"]


def test_a_raised_limit_lets_parked_workers_have_more(rpc, worker):
    update(rpc, max_running=1)
    submit_many(rpc, [task(str(i)) for i in range(4)])
    assert len(worker.lease(10).assignments) == 1
    parked = worker.start_lease(10, wait=50)
    update(rpc, clear=["max_running"])
    assert len(leased(parked, seconds=30).assignments) >= 1


def test_a_limit_is_shared_by_all_workers(rpc, server, start_worker):
    update(rpc, max_running=3)
    submit_many(rpc, [task() for _ in range(10)])
    workers = [start_worker(server, kinds=["task"]) for _ in range(4)]
    assert sum(len(worker.lease(2).assignments) for worker in workers) == 3


@pytest.mark.parametrize("ending", ["cancel", "release"])
def test_whatever_ends_a_run_frees_its_slot(rpc, worker, ending):
    update(rpc, max_running=1)
    first, second = submit(rpc, "first"), submit(rpc, "second")
    one = worker.lease_one()
    if ending == "cancel":
        rpc.jobs.Cancel(messages.CancelJobRequest(id=first.id))
        assert worker.lease_one().job.id == second.id
    else:
        worker.report(released(one))
        assert worker.lease_one().job.id == first.id


def test_jobs_of_one_key_run_up_to_max_per_key(rpc, worker):
    update(rpc, max_per_key=1)
    for name in ("a1", "a2", "b1", "b2", "a3", "free1", "free2"):
        key = "" if name.startswith("free") else name[0]
        submit(rpc, name, concurrency_key=key)
    first = worker.lease(10).assignments
    assert {one.job.args.string_value for one in first} == {"a1", "b1", "free1", "free2"}
    (a1,) = [one for one in first if one.job.args.string_value == "a1"]
    parked = worker.start_lease(10, wait=50)
    worker.report(success(a1))
    assert names(leased(parked, seconds=30)) == ["a2"]


def test_keys_without_a_limit_do_not_matter(rpc, worker):
    submit_many(rpc, [task(concurrency_key="k") for _ in range(5)])
    assert len(worker.lease(10).assignments) == 5


def test_a_rate_limit_lets_its_burst_through_and_no_more(rpc, worker):
    update(rpc, rate_limit=rate(1, 3600, 3))
    submit_many(rpc, [task() for _ in range(10)])
    assert len(worker.lease(10).assignments) == 3
    assert not worker.lease(10).assignments


def test_a_rate_limit_is_kept_over_a_crash(server, connect, start_worker):
    rpc = connect(server)
    update(rpc, rate_limit=rate(1, 3600))
    submit_many(rpc, [task(retry=job_pb2.RetryPolicy(max_attempts=1)) for _ in range(3)])
    worker = start_worker(server, kinds=["task"])
    worker.report(success(worker.lease_one()))
    server.kill()
    server.restart()
    assert not start_worker(server, kinds=["task"]).lease(10).assignments


def test_jobs_come_as_the_rate_allows(rpc, worker):
    update(rpc, rate_limit=rate(10, 1))
    submit_many(rpc, [task() for _ in range(6)])
    start = time.monotonic()
    for _ in range(6):
        worker.report(success(worker.lease_one()))
    # Five of them had to wait for a tenth of a second each.
    assert time.monotonic() - start >= 0.49


def test_a_rate_limit_that_goes_lets_parked_workers_have_the_rest(rpc, worker):
    update(rpc, rate_limit=rate(1, 3600))
    submit_many(rpc, [task() for _ in range(3)])
    assert len(worker.lease(10).assignments) == 1
    parked = worker.start_lease(10, wait=50)
    update(rpc, clear=["rate_limit"])
    assert len(leased(parked, seconds=30).assignments) >= 1


# ---- answers with Retry-After ----


def test_a_failure_with_a_time_postpones_the_job(rpc, worker):
    job = submit(rpc)
    one = worker.lease_one()
    worker.report(failure(one, retry_after=3600))
    waiting = get(rpc, job.id)
    assert waiting.state == State.SCHEDULED
    assert waiting.next_attempt_time.ToSeconds() >= waiting.create_time.ToSeconds() + 3599
    other = submit(rpc, "other")
    assert worker.lease_one().job.id == other.id


def test_such_a_failure_may_hold_back_the_whole_queue(rpc, worker):
    update(rpc, hold_on_retry_after=True)
    submit_many(rpc, [task(str(i)) for i in range(4)])
    submit(rpc, "elsewhere", queue="other")
    first = worker.lease_one()
    worker.report(failure(first, retry_after=1))
    assert names(worker.lease(10)) == ["elsewhere"]
    probe = worker.lease(10, wait=50).assignments
    assert len(probe) == 1 and not worker.lease(10).assignments
    parked = worker.start_lease(10, wait=50)
    worker.report(success(probe[0]))
    assert leased(parked, seconds=30).assignments


def test_a_probe_that_fails_holds_the_queue_back_again(rpc, worker):
    update(rpc, hold_on_retry_after=True)
    submit_many(rpc, [task(str(i)) for i in range(3)])
    worker.report(failure(worker.lease_one(), retry_after=0.5))
    worker.report(failure(worker.lease_one(), retry_after=3600))
    assert not worker.lease(10).assignments
    update(rpc, hold_on_retry_after=False)
    assert worker.lease(10).assignments


# ---- full queues and order ----


def test_a_full_queue_says_when_to_come_again(rpc, api, cli, worker):
    update(rpc, max_depth=2)
    submit_many(rpc, [task(), task()])
    error = refused(lambda: submit(rpc), "RESOURCE_EXHAUSTED")
    assert error.status.HasField("retry_delay")
    answer = api.post("/v1/jobs", {"kind": "task", "args": 1})
    assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "RESOURCE_EXHAUSTED"
    assert cli("submit", "task").status == 5
    worker.report(success(worker.lease_one()))
    submit(rpc)


def test_each_job_of_a_batch_is_counted_against_the_depth(rpc):
    update(rpc, max_depth=3)
    request = messages.BatchSubmitRequest(jobs=[task() for _ in range(5)])
    results = rpc.jobs.BatchSubmit(request).results
    assert [result.HasField("job") for result in results] == [True, True, True, False, False]
    assert all(result.error.code == 8 for result in results[3:])


def test_a_job_that_exists_is_answered_by_a_full_queue(rpc):
    job = submit(rpc, unique_key="k")
    update(rpc, max_depth=1)
    assert submit(rpc, unique_key="k").id == job.id


def test_aging_makes_old_jobs_overtake(rpc, worker):
    for queue in ("strict", "aging"):
        if queue == "aging":
            update(rpc, queue, aging=duration(0.000001))
        submit(rpc, f"{queue} old", queue=queue, priority=0)
        submit(rpc, f"{queue} new", queue=queue, priority=1)
    order = names(worker.lease(10))
    assert order.index("strict new") < order.index("strict old")
    assert order.index("aging old") < order.index("aging new")


# ---- the server itself ----


def test_workers_are_listed_by_each_interface(api, cli, rpc, worker):
    submit(rpc)
    worker.lease_one()
    listed = {one.id: one for one in rpc.workers.List().workers}
    mine = listed[worker.worker.id]
    assert mine.running == 1 and list(mine.kinds) == ["task"] and mine.HasField("heartbeat_time")
    found = [one for one in api.get("/v1/workers").json()["workers"] if one["id"] == mine.id]
    assert found and found[0]["running"] == 1 and found[0]["concurrency"] == 1000
    assert mine.id in [one["id"] for one in cli.ok("worker", "ls", "-o", "json").documents]
    assert mine.id in cli.ok("worker", "ls").text


def test_the_command_line_sets_whether_a_queue_is_held_back(cli, api):
    cli.ok("queue", "set", "a", "--hold-on-retry-after", "on")
    assert api.get("/v1/queues/a").json()["holdOnRetryAfter"] is True
    assert "hold-on-retry-after" in cli.ok("queue", "ls", "a").text
    cli.ok("queue", "set", "a", "--hold-on-retry-after", "off")
    assert "holdOnRetryAfter" not in api.get("/v1/queues/a").json()
    assert cli("queue", "set", "a", "--hold-on-retry-after", "maybe").status == 2


def test_a_page_of_workers_is_capped(rpc, server, start_worker):
    ids = set()
    for _ in range(5):
        worker = start_worker(server, kinds=["task"])
        worker.lease()
        ids.add(worker.worker.id)
    found, token = [], ""
    while True:
        request = worker_service_pb2.ListWorkersRequest(page_size=2, page_token=token)
        page = rpc.workers.List(request)
        assert len(page.workers) <= 2
        found += [one.id for one in page.workers]
        token = page.next_page_token
        if not token:
            break
    assert ids <= set(found) and found == sorted(found)


def test_stats_count_jobs_and_workers(api, cli, rpc, worker):
    submit_many(rpc, [task(queue=queue) for queue in "abc"])
    worker.report(success(worker.lease_one()))
    stats = rpc.server.GetStats()
    assert dict(stats.jobs) == {"READY": 2, "SUCCEEDED": 1}
    assert stats.workers >= 1 and stats.store_bytes > 0 and stats.uptime.ToNanoseconds() > 0
    assert api.get("/v1/server/stats").json()["jobs"] == {"READY": "2", "SUCCEEDED": "1"}
    (document,) = cli.ok("stats", "-o", "json").documents
    assert document["jobs"]["READY"] == "2"
    assert "READY" in cli.ok("stats").text


def test_top_shows_the_queues_once_when_it_is_no_terminal(cli, rpc):
    submit(rpc, queue="quiet", delay=duration(3600))
    submit_many(rpc, [task(queue="busy") for _ in range(3)])
    shown = cli.ok("top").text
    assert shown.index("busy") < shown.index("quiet") and "\033" not in shown
    assert {one["name"] for one in cli.ok("top", "-o", "json").documents} >= {"busy", "quiet"}


def test_a_waiting_call_is_counted(rpc, worker):
    worker.start_lease(wait=50)
    wait_until(lambda: rpc.server.GetStats().waiting_calls >= 1, "the call is counted")


# ---- weights ----


def test_a_worker_gets_jobs_of_its_queues_by_weight(rpc, server, start_worker):
    submit_many(rpc, [task(queue=name) for name in ("mail", "bulk", "other") for _ in range(40)])
    worker = start_worker(server, queues=["mail=3", "bulk"])
    one_by_one = [worker.lease_one().job.queue for _ in range(20)]
    assert (one_by_one.count("mail"), one_by_one.count("bulk")) == (15, 5)
    many = [one.job.queue for one in worker.lease(16).assignments]
    assert (many.count("mail"), many.count("bulk")) == (12, 4)
    rest = [one.job.queue for one in worker.lease(100).assignments]
    assert (rest.count("mail"), rest.count("bulk"), rest.count("other")) == (13, 31, 0)


def test_a_wrong_weight_is_refused(start_worker, server):
    for queue in ("mail=0", "mail=-1", "mail=1001", "mail=", "mail=x", "mail=+5", "=3", "ma il=3", "a=1=2"):
        worker = start_worker(server, queues=[queue])
        refused(worker.lease, "INVALID_ARGUMENT", "worker.queues[0]")
