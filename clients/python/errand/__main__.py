"""`python -m errand worker module:worker`: runs a worker."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence

from ._processes import REFUSED, USAGE, run_processes
from ._version import __version__
from .errors import CallError, Internal
from .worker import Worker


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected a number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        length = float(text)
    except ValueError:
        length = -1.0
    if not 0 <= length < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected seconds from 0 on")
    return length


def _names(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    if not names:  # a variable of a script that is not set, say: it would mean all queues
        raise argparse.ArgumentTypeError(f"found {text!r}, expected names of queues")
    return names


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m errand", description="Errand for Python.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    worker = commands.add_parser(
        "worker",
        help="run a worker",
        description="Runs a worker until SIGTERM or SIGINT, then drains it; a second signal cuts "
        "the drain short. ERRAND_TOKEN is its token unless the code gives one.",
    )
    worker.add_argument("worker", metavar="MODULE:NAME", help="a Worker, such as shop.jobs:worker")
    add = worker.add_argument
    add("--concurrency", type=_positive, metavar="N", help="jobs that a process runs at once")
    add("--processes", type=_positive, metavar="N", default=1, help="processes (1)")
    add("--queues", type=_names, metavar="A,B=3", help="queues to serve, with weights (all)")
    add("--drain-timeout", type=_seconds, metavar="SECONDS", help="time for jobs at the end")
    add("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    return parser


def load(name: str) -> Worker:
    """The worker that MODULE:NAME names; the current folder may hold the module."""
    module, separator, attribute = name.partition(":")
    if not separator:
        raise ValueError(f"{name!r} is not MODULE:NAME")
    sys.path.insert(0, os.getcwd())
    found = importlib.import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    if not isinstance(found, Worker):
        raise ValueError(f"{name} is a {type(found).__name__}, not an errand.Worker")
    if not found.tasks:
        raise ValueError(f"{name} has no tasks, and so nothing to do")
    return found


def _configure(worker: Worker, options: argparse.Namespace) -> None:
    if options.concurrency is not None:
        worker.concurrency = options.concurrency
    if options.queues is not None:
        worker.queues = options.queues
    if options.drain_timeout is not None:
        worker.drain_timeout = options.drain_timeout


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs; the exit status is 0 after a drain, 2 for a wrong command line, 5 when the server
    refused the worker."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = build_parser().parse_args(words)
    logging.basicConfig(
        level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if options.processes > 1:
        return run_processes(words, options.processes)
    try:
        worker = load(options.worker)
    except (ImportError, AttributeError, ValueError) as error:
        print(f"errand: {error}", file=sys.stderr)
        return USAGE
    _configure(worker, options)
    try:
        worker.run()
    except Internal as error:
        print(f"errand: {error}", file=sys.stderr)
        return 1
    except CallError as error:
        print(f"errand: the server refused this worker: {error}", file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
