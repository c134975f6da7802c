#!/usr/bin/env python3
"""No-op jobs through Python workers: Errand beside Celery and RQ on Redis, on this machine, one
after the other. A table goes to standard output; what is not installed is said and left out.

    bench/python_worker.py --errandd build/release/bin/errandd

Debian: python3-aiohttp, python3-celery, python3-rq, redis-server. Each queue is filled first, then
the workers start; a rate is taken from when a tenth of the jobs is done until all are, so that the
start of the processes does not count."""

import argparse
import contextlib
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
CLIENT = ROOT / "clients" / "python"
PATIENCE = 300.0  # seconds for one measurement
POLL = 0.02

ERRAND_TASKS = """
import errand, sys
worker = errand.Worker({url!r}, concurrency={concurrency})

@worker.task
def sync_noop(n: int) -> int:
    return n

@worker.task
async def async_noop(n: int) -> int:
    return n
"""

CELERY_TASKS = """
from celery import Celery
app = Celery("tasks", broker={url!r}, backend={url!r})
app.conf.broker_connection_retry_on_startup = True

@app.task
def noop(n):
    return n

@app.task(ignore_result=True)
def forgotten(n):
    return n
"""

RQ_TASKS = """
def noop(n):
    return n
"""


def wait_for(condition, what):
    """Waits for a condition, and gives it back."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"{what} took longer than {PATIENCE:g} s")
        time.sleep(POLL)
    return found


def drain_rate(count, left):
    """Jobs a second, from when a tenth is done until all are. left() tells how many are not."""
    start = time.monotonic()
    some = lambda: (n := left()) <= count * 0.9 and (n, time.monotonic())  # noqa: E731
    there, since = wait_for(some, "a tenth")
    wait_for(lambda: left() == 0, "the rest")
    if there == 0:  # too few jobs to look twice
        there, since = count, start
    return there / (time.monotonic() - since)


@contextlib.contextmanager
def program(*command, folder, **environment):
    """A program that runs beside us, until SIGTERM."""
    log = folder / "log"
    with open(log, "ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    except BaseException:
        sys.stderr.write(log.read_text(errors="replace")[-3000:])
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Errand:
    """Durable, results kept."""

    def __init__(self, errandd, kind, concurrency, processes):
        self.name = f"Errand, {'async' if kind == 'async_noop' else 'plain'} function"
        self.setting = (
            f"{processes} process{'es' if processes > 1 else ''}, {concurrency} at once each"
        )
        self.kept = "every job and result on disk"
        self.errandd, self.kind = errandd, kind
        self.concurrency, self.processes = concurrency, processes

    def missing(self):
        sys.path.insert(0, str(CLIENT))
        if not is_there("aiohttp"):
            return "python3-aiohttp"
        return None if shutil.which(self.errandd) else f"{self.errandd}"

    def measure(self, folder, count):
        import errand
        from errand.testing import Server

        with Server(folder, ["--workers=0"], self.errandd) as server, server.client() as client:
            text = ERRAND_TASKS.format(url=server.url, concurrency=self.concurrency)
            (folder / "tasks.py").write_text(text)
            start = time.monotonic()
            client.submit_many((errand.job(self.kind, n) for n in range(count)), progress=False)
            submit = count / (time.monotonic() - start)

            def left():
                return count - client.stats().jobs.get(errand.State.SUCCEEDED, 0)

            command = [sys.executable, "-m", "errand", "worker", "tasks:worker"]
            flags = ["--processes", self.processes, "--log-level=warning"]
            with program(*command, *flags, folder=folder, PYTHONPATH=str(CLIENT)):
                return submit, drain_rate(count, left)


class Redis:
    """A redis-server of our own, without a port. durable: each command on disk before its answer."""

    def __init__(self, durable):
        self.durable = durable
        self.kept = "every command on disk" if durable else "in memory"

    @contextlib.contextmanager
    def start(self, folder):
        from redis import Redis

        path = folder / "redis.sock"
        flags = ["--port", "0", "--unixsocket", path, "--dir", folder, "--save", ""]
        if self.durable:
            flags += ["--appendonly", "yes", "--appendfsync", "always"]
        with program("redis-server", *flags, folder=folder):
            wait_for(path.exists, "redis-server")
            yield path, Redis(unix_socket_path=str(path))


def is_there(module):
    """Whether a module can be imported."""
    return module in sys.modules or importlib.util.find_spec(module) is not None


def missing_of(*modules):
    """What is not installed of these, and of redis-server."""
    absent = [f"python3-{name}" for name in modules if not is_there(name)]
    if shutil.which("redis-server") is None:
        absent.append("redis-server")
    return ", ".join(absent) or None


class Celery(Redis):
    """Its prefork pool."""

    def __init__(self, processes, durable, task):
        super().__init__(durable)
        self.name = "Celery" + (", results thrown away" if task == "forgotten" else "")
        self.setting = f"prefork, {processes} processes"
        self.processes, self.task = processes, task

    def missing(self):
        return missing_of("celery", "redis")

    def measure(self, folder, count):
        with self.start(folder) as (path, redis):
            text = CELERY_TASKS.format(url=f"redis+socket://{path}")
            (folder / "tasks.py").write_text(text)
            namespace = {"__name__": "tasks"}
            exec(compile(text, "tasks.py", "exec"), namespace)
            submit = namespace[self.task].delay
            start = time.monotonic()
            for n in range(count):
                submit(n)
            rate = count / (time.monotonic() - start)
            command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--loglevel=error"]
            flags = [f"--concurrency={self.processes}", "--without-gossip", "--without-mingle"]
            with program(*command, *flags, folder=folder, C_FORCE_ROOT="1"):
                left = lambda: redis.llen("celery") + redis.hlen("unacked")  # noqa: E731
                return rate, drain_rate(count, left)


class Rq(Redis):
    """Its worker, which forks for each job, or the simple one, which does not."""

    def __init__(self, simple, durable):
        super().__init__(durable)
        self.name = "RQ, SimpleWorker" if simple else "RQ"
        self.setting = "1 process" + ("" if simple else ", a fork for each job")
        self.worker = "rq.worker.SimpleWorker" if simple else "rq.worker.Worker"

    def missing(self):
        return missing_of("rq", "redis")

    def measure(self, folder, count):
        from rq import Queue

        with self.start(folder) as (path, redis):
            (folder / "tasks.py").write_text(RQ_TASKS)
            queue = Queue(connection=redis)
            start = time.monotonic()
            for n in range(count):
                queue.enqueue("tasks.noop", n)
            rate = count / (time.monotonic() - start)
            code = "import sys; from rq.cli import main; sys.exit(main())"
            flags = ["worker", "--quiet", f"--url=unix://{path}", "-w", self.worker]
            with program(sys.executable, "-c", code, *flags, folder=folder, PYTHONPATH=str(folder)):
                left = lambda: queue.count + queue.started_job_registry.count  # noqa: E731
                return rate, drain_rate(count, left)


def contestants(errandd):
    """Each, and the share of the jobs that it gets: the slow ones need not run for minutes."""
    return [
        (Errand(errandd, "sync_noop", 10, 1), 1),
        (Errand(errandd, "async_noop", 100, 1), 1),
        (Errand(errandd, "sync_noop", 10, 2), 1),
        (Celery(2, False, "noop"), 0.25),
        (Celery(2, False, "forgotten"), 0.25),
        (Celery(2, True, "noop"), 0.25),
        (Rq(True, False), 0.1),
        (Rq(False, False), 0.02),
    ]


def run(contestant, count, runs):
    """The rates of all runs: submitted, run."""
    rates = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=".", prefix="bench-") as folder:
            rates.append(contestant.measure(pathlib.Path(folder).resolve(), count))
    return list(zip(*rates))


def summary(samples):
    """A figure as errand-bench writes it."""
    samples = [float(f"{sample:.6g}") for sample in samples]
    return {
        "unit": "1/s",
        "median": statistics.median(samples),
        "least": min(samples),
        "most": max(samples),
        "samples": samples,
    }


def report_row(contestant, measured):
    """A row as errand-bench writes it. measured: None if something is not installed."""
    row = {"row": f"{contestant.name}: {contestant.setting}", "durable": contestant.kept}
    if measured is None:
        return {**row, "skipped": f"skipped: {contestant.missing()} is not installed", "figures": {}}
    submitted, done = measured
    figures = {"jobs run": summary(done), "jobs submitted": summary(submitted)}
    return {**row, "figures": figures}


def table_row(contestant, measured):
    """The same for people."""
    if measured is None:
        return f"| {contestant.name} | skipped: {contestant.missing()} is not installed | | | |"
    submitted, done = (f"{statistics.median(samples):.0f}" for samples in measured)
    return f"| {contestant.name} | {contestant.setting} | {contestant.kept} | {done} | {submitted} |"


def main():
    parser = argparse.ArgumentParser(description="No-op jobs through Python workers.")
    parser.add_argument("--errandd", default=os.environ.get("ERRANDD", "errandd"))
    parser.add_argument("--jobs", type=int, default=20_000, help="for the fastest (20000)")
    parser.add_argument("--runs", type=int, default=1, help="of each; medians are shown (1)")
    parser.add_argument("--only", default="", metavar="WORD", help="only those named so (Errand)")
    parser.add_argument("--json", type=pathlib.Path, help="file for the figures")
    options = parser.parse_args()
    print("| worker | setting | kept | jobs run, 1/s | jobs submitted, 1/s |")
    print("| --- | --- | --- | --- | --- |")
    rows = []
    for contestant, share in contestants(options.errandd):
        if not contestant.name.startswith(options.only):
            continue
        jobs = max(50, int(options.jobs * share))
        measured = None if contestant.missing() else run(contestant, jobs, options.runs)
        rows.append(report_row(contestant, measured))
        print(table_row(contestant, measured), flush=True)
    if options.json:
        scenario = {"scenario": "python", "durable": "as the rows say", "rows": rows}
        options.json.write_text(json.dumps({"scenarios": [scenario]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
