"""Workers whose server, connection or leases go away."""

import asyncio
import json
import logging
import threading
import time

import pytest

import errand
from errand import _engine


def test_outcomes_survive_a_restart_of_the_server(worker, errand_server, eventually):
    began, go_on = threading.Event(), threading.Event()

    @worker.task
    def task() -> str:
        began.set()
        go_on.wait(30)
        return "kept"

    with worker:
        job = task.submit()
        assert began.wait(30)
        errand_server.kill()
        go_on.set()
        errand_server.start()
        assert job.result(30) == "kept"
        assert job.get().attempt == 1
        assert task.submit().result(30) == "kept"


def test_leases_that_can_not_be_renewed_are_given_up(
    worker, errand_server, monkeypatch, eventually
):
    began, stopped = threading.Event(), threading.Event()

    @worker.task
    def task():
        began.set()
        while not errand.current().cancelled:
            time.sleep(0.005)
        stopped.set()

    with worker:
        engine = worker._engine
        task.submit()
        assert began.wait(30)
        errand_server.kill()
        engine._ledger.lease_seconds = 0.5
        engine._call(lambda: engine._nudge.set())
        assert stopped.wait(30)
        errand_server.start()


def test_a_result_that_the_server_refuses_fails_only_its_job(worker):
    @worker.task
    def fine() -> int:
        return 1

    @worker.task
    def huge() -> str:
        return "ü" * (15 << 20)  # 30 MiB of UTF-8

    with worker:
        jobs = [fine.submit(), huge.submit(), fine.submit()]
        assert jobs[1].wait(60).state is errand.State.FAILED
        assert [jobs[0].result(30), jobs[2].result(30)] == [1, 1]


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Uncommon(BaseException):
    pass


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    "error, words",
    [
        (Unspeakable(), "Unspeakable"),
        (SystemExit(3), "SystemExit: 3"),
        (errand.RetryLater(float("inf")), "try again in inf s"),
        (Uncommon("of no common sort"), "Uncommon: of no common sort"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_an_exception_of_any_sort_ends_its_attempt_and_nothing_else(worker, error, words, is_async):
    if is_async:

        @worker.task(max_attempts=1)
        async def task(fails: bool) -> str:
            if fails:
                raise error
            return "fine"

    else:

        @worker.task(max_attempts=1)
        def task(fails: bool) -> str:
            if fails:
                raise error
            return "fine"

    with worker:
        jobs = [task.submit(True) for _ in range(worker.concurrency)]
        for job in jobs:
            done = job.wait(30)
            assert done.state is errand.State.FAILED
            assert words in done.error.message
        assert task.submit(False).result(30) == "fine"


@pytest.mark.parametrize(
    "done, total, message, told",
    [
        (-1, -2, "below", (0, 0, "below")),
        (2**70, 2**71, "beyond", (2**63 - 1, 2**63 - 1, "beyond")),
        (1, 2, "a\0b", (1, 2, "a\ufffdb")),
        (1, 2, "half of \ud83d", (1, 2, "half of ?")),
        (1, 2, "é" * 2000, (1, 2, "é" * 500)),
    ],
)
def test_what_a_task_says_of_its_progress_never_costs_the_leases(
    worker, caplog, eventually, done, total, message, told
):
    go_on = threading.Event()

    @worker.task
    def task() -> None:
        errand.current().progress(done, total, message)
        assert go_on.wait(60)

    def seen():
        progress = job.get().progress
        return progress and (progress.done, progress.total, progress.message)

    with caplog.at_level(logging.WARNING), worker:
        job = task.submit()
        assert eventually(seen, "progress") == told
        go_on.set()
        job.result(30)
    assert not caplog.records


def test_a_worker_waits_for_its_server(errand_server, caplog):
    url = errand_server.url
    errand_server.stop()
    worker = errand.Worker(url)

    @worker.task
    def task() -> int:
        return 1

    with caplog.at_level(logging.WARNING), worker:
        with pytest.raises(TimeoutError):
            worker.wait_until_ready(0.2)
        errand_server.start()
        worker.wait_until_ready(30)
        assert task.submit().result(30) == 1


def test_a_worker_that_is_stopped_at_once_ends(worker):
    @worker.task
    def task():
        pass

    for _ in range(20):
        worker.start()
        worker.stop()
        assert worker._engine.failure is None


def test_a_lease_that_is_lost_stops_its_task(worker):
    began, stopped = threading.Event(), threading.Event()

    @worker.task
    async def task():
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    with worker:
        task.submit()
        assert began.wait(30)
        engine = worker._engine
        post = engine._link.post

        async def lost(verb, body, timeout):
            answer = await post(verb, body, timeout)
            if verb == "heartbeat":
                answer["lost"] = [
                    {"jobId": id, "token": token} for id, token in list(engine._ledger.held)
                ]
            return answer

        engine._link.post = lost
        engine._on_progress()  # a heartbeat, soon
        assert stopped.wait(30)


def test_after_a_silence_the_lease_that_waits_is_asked_anew(worker, eventually):
    @worker.task
    def task() -> int:
        return 1

    with worker:
        assert task.submit().result(30) == 1
        engine = worker._engine
        (before,) = eventually(lambda: set(engine._link.parked), "a lease that waits")
        sequence = engine._ledger._sequence
        engine._silent = True
        engine._on_progress()  # a heartbeat, soon
        eventually(
            lambda: engine._link.parked and before not in engine._link.parked, "another lease"
        )
        assert engine._ledger._sequence == sequence
        assert task.submit().result(30) == 1


def test_a_worker_full_of_results_goes_on_as_soon_as_they_are_told(errand_server, monkeypatch):
    monkeypatch.setattr(_engine, "MAX_UNREPORTED", 1)
    worker = errand.Worker(errand_server.url, concurrency=1, lease_ahead=False)
    waits = []  # events, for each Report one: since then a Lease waits for cancellations only

    @worker.task
    def task() -> int:
        return 1

    with worker:
        worker.wait_until_ready(30)
        link = worker._engine._link
        post = link.post

        async def held(verb, body, timeout):
            if verb == "lease" and json.loads(body)["maxJobs"] == 0:
                for one in waits:
                    one.set()
            if verb == "report":
                waits.append(asyncio.Event())
                await waits[-1].wait()
            return await post(verb, body, timeout)

        link.post = held
        assert [task.submit().result(30), task.submit().result(30)] == [1, 1]
