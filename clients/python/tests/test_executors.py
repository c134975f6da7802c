"""Where tasks run, without a server."""

import asyncio
import threading

import pytest

from errand._attempt import Attempt
from errand._executors import LoopExecutor, ThreadExecutor
from errand._ledger import Ledger
from errand.task import AsyncTask, Task


def attempt_of(n):
    job = {"id": f"job-{n}", "kind": "note", "args": {"n": n}}
    return Attempt({"job": job, "token": f"token-{n}"}, 0.0)


def drop(attempt):
    Ledger({}).drop([attempt])


@pytest.fixture
def ran():
    """What the tasks have noted."""
    return []


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def loop_executor(loop, ran):
    """One slot. The attempts that ended are in its `over`."""

    async def note(n):
        ran.append(n)

    def ended(attempt, outcome):
        executor.over.append((attempt.job_id, outcome is not None))
        if len(executor.over) == executor.expected:
            loop.stop()

    executor = LoopExecutor({"note": AsyncTask(None, note, "note", {})}, 1, ended, loop)
    executor.over = []
    return executor


def run_all(loop, executor, count):
    executor.expected = count
    deadline = loop.call_later(60, loop.stop)
    loop.run_forever()
    deadline.cancel()


def test_what_was_dropped_while_it_waited_is_not_run_in_a_thread(ran):
    began, go_on, done = threading.Event(), threading.Event(), threading.Event()
    over = []

    def note(n):
        ran.append(n)
        began.set()
        assert go_on.wait(60)

    def ended(attempt, outcome):
        over.append((attempt.job_id, outcome is not None))
        if len(over) == 3:
            done.set()

    executor = ThreadExecutor({"note": Task(None, note, "note", {})}, 1, ended)
    attempts = [attempt_of(n) for n in range(3)]
    executor.start(attempts)
    assert began.wait(60)
    drop(attempts[1])
    go_on.set()
    assert done.wait(60)
    executor.close()
    assert ran == [0, 2]
    assert over == [("job-0", True), ("job-1", False), ("job-2", True)]


def test_what_was_dropped_while_it_waited_is_not_run_in_a_loop(loop, loop_executor, ran):
    attempts = [attempt_of(n) for n in range(3)]
    loop_executor.start(attempts)
    drop(attempts[1])
    loop_executor.interrupt(attempts[1])
    run_all(loop, loop_executor, 3)
    assert ran == [0, 2]
    assert loop_executor.over == [("job-0", True), ("job-1", False), ("job-2", True)]


def test_a_task_that_is_stopped_before_its_first_step_gives_its_slot_back(loop, loop_executor, ran):
    first, second = attempt_of(1), attempt_of(2)
    loop_executor.start([first])
    loop.call_soon(drop, first)  # behind its start, before its first step
    loop_executor.interrupt(first)
    loop_executor.start([second])
    run_all(loop, loop_executor, 2)
    assert ran == [2]
    assert loop_executor.over == [("job-1", False), ("job-2", True)]
