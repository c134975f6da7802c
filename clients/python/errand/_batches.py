"""Very many jobs: cut into calls, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any, TextIO

from . import _flow
from .jobs import JobSpec

DEFAULT_CHUNK = 1000  # jobs in one call
MAX_CHUNK = 10_000  # that the server takes
MAX_BYTES = 12 << 20  # of one call; the gateway takes 16 MiB
SHOW_EVERY = 0.1  # seconds


def chunks(specs: Iterable[JobSpec[Any]], size: int) -> Iterator[list[bytes]]:
    """The JSON of the jobs, in pieces of at most `size` that the gateway takes."""
    if not 1 <= size <= MAX_CHUNK:
        raise ValueError(f"chunk is {size}, expected 1 to {MAX_CHUNK}")
    piece: list[bytes] = []
    total = 0
    for spec in specs:
        body = _flow.encode(spec.body)
        if piece and (len(piece) == size or total + len(body) > MAX_BYTES):
            yield piece
            piece, total = [], 0
        piece.append(body)
        total += len(body) + 1
    if piece:
        yield piece


class TextBar:
    """A progress bar for terminals, in case that tqdm is not there."""

    def __init__(self, total: int | None, out: TextIO) -> None:
        self._total = total
        self._out = out
        self._done = 0
        self._start = time.monotonic()
        self._shown = 0.0

    def update(self, count: int) -> None:
        """So many more are done."""
        self._done += count
        if time.monotonic() - self._shown >= SHOW_EVERY:
            self._show()

    def _show(self) -> None:
        self._shown = time.monotonic()
        rate = self._done / max(self._shown - self._start, 1e-9)
        self._out.write(f"\r{self._line()} {rate:,.0f} jobs/s ")
        self._out.flush()

    def _line(self) -> str:
        if not self._total:
            return f"{self._done:,} jobs"
        filled = min(30, 30 * self._done // self._total)
        return f"[{'#' * filled}{'.' * (30 - filled)}] {self._done:,}/{self._total:,}"

    def close(self) -> None:
        """Ends the line."""
        self._show()
        self._out.write("\n")


class NoBar:
    """Shows nothing."""

    def update(self, count: int) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def bar(specs: Iterable[Any], wanted: bool | None, out: TextIO | None = None) -> Any:
    """A progress bar on standard error, tqdm's if it is there. None: when that is a terminal."""
    out = out or sys.stderr
    if not (out.isatty() if wanted is None else wanted):
        return NoBar()
    total = len(specs) if isinstance(specs, Sized) else None
    try:
        from tqdm import tqdm
    except ImportError:
        return TextBar(total, out)
    return tqdm(total=total, unit=" jobs", unit_scale=True, file=out)
