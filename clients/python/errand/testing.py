"""A real errandd for tests: started on free ports with a store of its own, stopped by itself."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from .client import Client

START_SECONDS = 30.0
STOP_SECONDS = 40.0  # the drain timeout of errandd is 30

_LISTENING = re.compile(rb"^listening (\w+) (\S+)\n", re.MULTILINE)


def find_errandd(program: str | None = None) -> str:
    """The path of errandd: as given, or in the variable ERRANDD, or on the PATH.
    FileNotFoundError if it is nowhere."""
    wanted = program or os.environ.get("ERRANDD") or "errandd"
    found = shutil.which(wanted)
    if found is None:
        raise FileNotFoundError(f"there is no {wanted}; set ERRANDD, or --errandd for pytest")
    return found


def _environment() -> dict[str, str]:
    """Without settings of Errand, which are not meant for this one."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ERRAND_")}


class Server:
    """One errandd with its data in `folder`, which is made if need be. `url` is its gateway, `rpc`
    and `results` are its nng addresses. `flags` are further ones of errandd."""

    def __init__(
        self,
        folder: str | Path,
        flags: Sequence[str] = (),
        program: str | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.flags = list(flags)
        self.urls: dict[str, str] = {}
        self._program = find_errandd(program)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the HTTP gateway."""
        return self.urls["http"]

    @property
    def rpc(self) -> str:
        """Of the RPC."""
        return self.urls["rpc"]

    @property
    def results(self) -> str:
        """Of the result pipeline."""
        return self.urls["results"]

    @property
    def log(self) -> Path:
        """What it logs."""
        return self.folder / "errandd.log"

    def client(self, token: str | None = None) -> Client:
        """A new client of it."""
        return Client(self.url, token=token)

    def start(self) -> Server:
        """Starts it, on the ports of its last start if there was one, and waits until it listens.
        RuntimeError with its log if it does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(),
            )
        try:
            self._wait_for_ports()
        except BaseException:
            self.kill()
            raise
        return self

    def _command(self) -> list[str]:
        http = self.urls.get("http", "http://127.0.0.1:0").split("://")[1]
        return [
            self._program,
            f"--data={self.folder / 'data'}",
            f"--rpc={self.urls.get('rpc', 'tcp://127.0.0.1:0')}",
            f"--results={self.urls.get('results', 'tcp://127.0.0.1:0')}",
            f"--http={http}",
            *self.flags,
        ]

    def _wait_for_ports(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        out = self._process.stdout.fileno()
        end = time.monotonic() + START_SECONDS
        text = b""
        urls: dict[str, str] = {}
        while not {"http", "rpc", "results"} <= set(urls):
            ready, _, _ = select.select([out], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(out, 1 << 16) if ready else b""
            if not piece:
                raise RuntimeError(f"errandd did not start:\n{self.log.read_text()}")
            text += piece
            urls = {name.decode(): url.decode() for name, url in _LISTENING.findall(text)}
        self.urls = urls

    def _end(self, number: int, seconds: float) -> int:
        process = self._process
        if process is None:
            return 0
        process.send_signal(number)
        try:
            return process.wait(seconds)
        finally:
            if process.stdout is not None:
                process.stdout.close()
            self._process = None

    def stop(self) -> None:
        """SIGTERM, and waits; SIGKILL if it takes too long. Nothing if it does not run."""
        try:
            self._end(signal.SIGTERM, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, as a crash would have it. What was acknowledged is there after start()."""
        self._end(signal.SIGKILL, STOP_SECONDS)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
