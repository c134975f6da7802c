"""Several worker processes: started, started again when they die, told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

log = logging.getLogger("errand.worker")

USAGE, REFUSED = 2, 5  # exit statuses of a worker process, as those of the command line client
FINAL = (USAGE, REFUSED)  # it would be so again
RESTART_SECONDS = 1.0  # from a start to the next one in the same place


class Supervisor:
    """Keeps `count` processes of `command` running until it is told to stop."""

    def __init__(self, command: Sequence[str], count: int) -> None:
        self._command = list(command)
        self._count = count
        self._children: dict[int, tuple[int, float]] = {}  # pid -> place, start
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Until all have ended; the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        for place in range(self._count):
            self._start(place)
        while self._children:
            pid, status = os.wait()
            if pid in self._children:
                place, start = self._children.pop(pid)
                self._ended(place, start, pid, os.waitstatus_to_exitcode(status))
        return self._status

    def _start(self, place: int) -> None:
        # A group of its own, so that ^C on a terminal is told once, by us.
        pid = os.posix_spawn(self._command[0], self._command, os.environ, setpgroup=0)
        self._children[pid] = (place, time.monotonic())
        if self._stopping:
            os.kill(pid, signal.SIGTERM)

    def _ended(self, place: int, start: float, pid: int, code: int) -> None:
        if self._stopping:
            return
        log.warning("worker process %d ended with %d", pid, code)
        if code in FINAL:
            self._status = code
            self._stop(signal.SIGTERM)
            return
        time.sleep(max(0.0, start + RESTART_SECONDS - time.monotonic()))
        if not self._stopping:
            self._start(place)

    def _on_signal(self, number: int, frame: Any | None) -> None:
        self._stop(number)

    def _stop(self, number: int) -> None:
        self._stopping = True
        for pid in list(self._children):
            with suppress(ProcessLookupError):  # it has ended, which wait() is just about to tell
                os.kill(pid, number)


def run_processes(words: Sequence[str], count: int) -> int:
    """Runs this command line in `count` processes of one worker each."""
    return Supervisor([sys.executable, "-m", "errand", *words, "--processes", "1"], count).run()
