"""Workers with a real server."""

import asyncio
import threading
import time

import pytest

import errand
from errand import _engine


def test_a_function_gets_its_arguments_and_gives_its_value(worker):
    @worker.task
    def add(a: int, b: int = 2, *more: int, c: int = 0) -> int:
        return a + b + sum(more) + c

    @worker.task(name="math.multiply", queue="math", labels={"a": "b"})
    async def multiply(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a * b

    with worker:
        assert add.submit(1).result(30) == 3
        assert add.delay(1, b=3, c=4).result(30) == 8
        assert add.submit(1, 2, 3, 4).result(30) == 10
        product = multiply.submit(6, 7)
        assert product.result(30) == 42
        assert product.get().queue == "math"
        assert multiply.options(queue="other", priority=3).submit(2, 2).get().priority == 3
    assert add(1) == 3
    assert asyncio.run(multiply(2, 3)) == 6


def test_jobs_of_other_languages_are_understood(worker):
    @worker.task
    def describe(*args, **kwargs):
        return [list(args), kwargs]

    @worker.task
    def size(body: bytes) -> int:
        return len(body)

    with worker, worker.client as client:
        assert client.submit("describe", {"a": 1}).result(30) == [[], {"a": 1}]
        assert client.submit("describe", [1, 2]).result(30) == [[1, 2], {}]
        assert client.submit("describe", "x").result(30) == [["x"], {}]
        assert client.submit("describe").result(30) == [[], {}]
        assert client.submit(errand.data("size", b"12345")).result(30) == 5
        with pytest.raises(errand.JobFailed, match="missing"):
            client.submit("size").result(30)


@pytest.mark.parametrize("value", [None, "✓", [1, {"a": None}], b"\0bytes", 2**53])
def test_values_arrive_as_they_were(worker, value):
    @worker.task
    def give():
        return value

    with worker:
        assert give.submit().result(30) == value


def test_data_keeps_its_content_type(worker):
    @worker.task
    def picture() -> errand.Data:
        return errand.Data(b"...", "image/png")

    with worker:
        assert picture.submit().wait(30).result == errand.Data(b"...", "image/png")


def test_how_a_function_fails_decides_what_becomes_of_the_job(worker):
    @worker.task(max_attempts=1)
    def broken():
        raise ValueError("bad \0 luck")

    @worker.task
    def hopeless():
        raise errand.Permanent("no such customer")

    @worker.task
    def set_():
        return {1, 2}

    @worker.task(max_attempts=1)
    def leaves():
        raise SystemExit(3)

    @worker.task(max_attempts=1)
    async def broken_async():
        raise KeyError("k")

    def message(task):
        outcome = task.submit().wait(30)
        assert outcome.state is errand.State.FAILED
        return outcome.error.message

    with worker:
        assert message(broken).startswith("ValueError: bad \ufffd luck (test_worker.py:")
        assert message(hopeless) == "no such customer"
        assert "a set is not JSON" in message(set_)
        assert "SystemExit: 3" in message(leaves)
        assert "KeyError" in message(broken_async)


def test_failures_are_retried_as_the_policy_says(worker):
    retry = errand.Retry(max_attempts=3, min_backoff=0.01, max_backoff=0.02)

    @worker.task(retry=retry)
    def second_time() -> int:
        if errand.current().attempt == 1:
            raise OSError("not yet")
        return errand.current().attempt

    @worker.task(retry=retry)
    def later() -> float:
        if errand.current().attempt == 1:
            raise errand.RetryLater(0.5, "the partner is busy")
        return time.time()

    with worker:
        job = second_time.submit()
        assert job.result(30) == 2
        (attempt,) = job.get().attempts
        assert attempt.error.message.startswith("OSError: not yet")
        job = later.submit()
        after = job.result(30)
        assert after - job.get().attempts[0].end_time.timestamp() >= 0.49


def test_progress_is_told(worker):
    go_on = threading.Event()

    @worker.task
    def work() -> str:
        errand.current().progress(1, 2, "half")
        go_on.wait(30)
        return errand.current().job_id

    with worker:
        job = work.submit()
        for event in job.watch(30):
            if isinstance(event, errand.ProgressMade):
                assert (event.progress.done, event.progress.total) == (1, 2)
                assert event.progress.message == "half"
                go_on.set()
        assert go_on.is_set()
        assert job.result(30) == job.id


def test_a_cancelled_job_stops_and_frees_its_slot(worker):
    began, stopped = threading.Event(), threading.Event()
    worker.concurrency = 1

    @worker.task
    def polite():
        began.set()
        while not errand.current().cancelled:
            time.sleep(0.005)
        stopped.set()
        errand.current().raise_if_cancelled()

    @worker.task
    async def prompt():
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    @worker.task
    def other() -> int:
        return 1

    with worker:
        for task in (polite, prompt):
            began.clear()
            stopped.clear()
            job = task.submit()
            assert began.wait(30)
            job.cancel()
            assert stopped.wait(30)
            assert other.submit().result(30) == 1
            assert job.wait(5).state is errand.State.CANCELLED


def test_an_attempt_that_takes_too_long_is_stopped_and_fails(worker):
    @worker.task(attempt_timeout=1, max_attempts=1)
    async def endless():
        assert 0 < errand.current().remaining() <= 1
        await asyncio.sleep(60)

    with worker:
        outcome = endless.submit().wait(30)
        assert outcome.state is errand.State.FAILED
        assert outcome.error.code is errand.Code.DEADLINE_EXCEEDED


def test_settings_with_which_a_worker_would_do_nothing_are_refused():
    with pytest.raises(TypeError, match="found the str 'mail'"):
        errand.Worker(queues="mail")
    with pytest.raises(ValueError, match="found 0, expected 1 or more"):
        errand.Worker(concurrency=0)


def test_only_its_queues_are_served(errand_server):
    worker = errand.Worker(errand_server.url, queues=["mine=2"])

    @worker.task(queue="mine")
    def task() -> int:
        return 1

    with worker:
        other = task.options(queue="not-mine").submit()
        assert task.submit().result(30) == 1
        assert other.get().state is errand.State.READY
        (told,) = [w for w in worker.client.workers() if w.kinds == ["task"]]
        assert (told.queues, told.concurrency) == (["mine=2"], 10)


def test_stopping_lets_running_jobs_end_and_gives_the_others_back(worker, eventually):
    began, go_on = threading.Semaphore(0), threading.Event()
    worker.concurrency = 2

    @worker.task
    def task(n: int) -> int:
        began.release()
        go_on.wait(30)
        return n

    client = worker.client
    with worker:
        jobs = [task.submit(n) for n in range(4)]
        began.acquire()
        began.acquire()
        threading.Timer(0.1, go_on.set).start()
    states = sorted(job.get().state.value for job in jobs)
    assert states == ["READY", "READY", "SUCCEEDED", "SUCCEEDED"]
    assert all(not job.get().attempts for job in jobs)
    assert errand.State.RUNNING not in client.stats().jobs


def test_what_does_not_end_in_time_is_given_back(worker):
    began, go_on = threading.Semaphore(0), threading.Event()

    @worker.task
    def stubborn():
        began.release()
        go_on.wait(30)

    @worker.task
    async def asleep():
        began.release()
        await asyncio.sleep(60)

    worker.start()
    jobs = [stubborn.submit(), asleep.submit()]
    began.acquire()
    began.acquire()
    worker.stop(drain_timeout=0.2)
    assert [job.get().state for job in jobs] == [errand.State.READY] * 2
    go_on.set()


def test_a_worker_may_be_started_again(worker):
    @worker.task
    def task() -> int:
        return 1

    for _ in range(2):
        with worker:
            assert task.submit().result(30) == 1
            with pytest.raises(RuntimeError):
                worker.start()


def test_a_worker_beside_an_application_uses_its_event_loop(worker, run):
    @worker.task
    async def where() -> bool:
        return asyncio.get_running_loop() is home

    home = None

    async def live():
        nonlocal home
        home = asyncio.get_running_loop()
        url = worker.client._connections._address.url
        async with errand.AsyncClient(url) as client, worker:
            job = await client.submit(where.job())
            assert await job.result(30) is True

    run(live())


def test_thousands_of_short_jobs_are_leased_ahead_and_run_once(worker, eventually):
    runs = []

    @worker.task
    def note(n: int) -> None:
        runs.append(n)

    client = worker.client
    client.submit_many([note.job(n) for n in range(5000)])
    with worker:
        eventually(lambda: client.stats().jobs.get(errand.State.SUCCEEDED) == 5000, "5000 jobs")
    assert sorted(runs) == list(range(5000))


@pytest.mark.parametrize("is_async", [False, True])
def test_what_was_leased_ahead_is_given_back_by_a_drain(worker, eventually, monkeypatch, is_async):
    monkeypatch.setattr(_engine, "STUCK", 1000.0)
    runs, began, go_on = [], threading.Event(), threading.Event()
    worker.concurrency = 1

    def plain(n: int, gate: bool = False) -> None:
        runs.append(n)
        if gate:
            began.set()
            go_on.wait(60)

    async def later(n: int, gate: bool = False) -> None:
        runs.append(n)
        if gate:
            began.set()
            await asyncio.to_thread(go_on.wait, 60)

    task = worker.task(name="task")(later if is_async else plain)
    client = worker.client
    client.submit_many([task.job(n) for n in range(200)])
    with worker:
        eventually(lambda: client.stats().jobs.get(errand.State.SUCCEEDED) == 200, "200 jobs")
        ahead = client.submit_many([task.job(n, gate=n == 200) for n in range(200, 221)])
        assert began.wait(30)
        eventually(lambda: len(worker._engine._slots) > 1, "jobs leased ahead")
        worker._engine.stop(60)
        eventually(lambda: len(worker._engine._slots) == 1, "those to be given back")
        go_on.set()
    states = [job.get().state for job in ahead]
    assert states == [errand.State.SUCCEEDED] + [errand.State.READY] * 20
    assert runs == list(range(201))


def test_what_was_leased_ahead_in_vain_is_given_back(worker, eventually):
    go_on = threading.Event()
    worker.concurrency = 1

    @worker.task
    def short():
        pass

    @worker.task
    def long():
        go_on.wait(60)

    client = worker.client
    client.submit_many([short.job() for _ in range(200)] + [long.job()])
    with worker:
        eventually(lambda: client.stats().jobs.get(errand.State.SUCCEEDED) == 200, "short jobs")
        late = client.submit_many([short.job() for _ in range(20)])
        other = errand.Worker(client._connections._address.url)
        other.task(name="short")(lambda: None)
        with other:
            assert [job.result(30) for job in late] == [None] * 20
        go_on.set()


def test_a_worker_without_tasks_or_with_one_twice_is_refused(worker):
    with pytest.raises(ValueError, match="without tasks"):
        worker.start()
    worker.task(name="x")(lambda: None)
    with pytest.raises(ValueError, match="already"):
        worker.task(name="x")(lambda: None)


def test_current_is_for_tasks_only():
    with pytest.raises(RuntimeError):
        errand.current()
