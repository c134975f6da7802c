"""Starts errandd on ports of its own choice, and stops it."""

import ctypes
import os
import pathlib
import re
import resource
import select
import signal
import subprocess
import time

from harness.waiting import DEADLINE_SECONDS

BIN = pathlib.Path(os.environ.get("ERRAND_BIN", "build/test/bin"))
ANY_PORT = {"rpc": "tcp://127.0.0.1:0", "results": "tcp://127.0.0.1:0", "http": "127.0.0.1:0"}
SANITIZER_REPORT = re.compile(r"(Sanitizer|runtime error:)")


# Each HTTP connection has a thread: with as many as a server has by itself, tests that run beside
# each other could take all that the system has; under sanitizers they would start for seconds.
SANITIZED = bool(os.environ.get("ERRAND_TEST_SANITIZER"))
CONNECTIONS = "200" if SANITIZED else "400"


def clean_environment():
    """Without the settings of whoever runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ERRAND_")}
    return {**own, "ERRAND_HTTP_CONNECTIONS": CONNECTIONS}


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def usual_limits():
    """A plain login's limit of open files, whatever the test itself needs; no longer life than it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


def start_program(command, log, piped=True):
    """What it says on standard error, and on standard output if that is no pipe, goes to the log."""
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if piped else output,
            stderr=output,
            env=clean_environment(),
            preexec_fn=usual_limits,
        )


class Errandd:
    """One server. `urls` has rpc, results and http once it is started."""

    def __init__(self, data, log, flags=(), wrapper=()):
        self.data = pathlib.Path(data)
        self.log = pathlib.Path(log)
        self.flags = list(flags)
        self.wrapper = list(wrapper)
        self.process = None
        self.listen = dict(ANY_PORT)
        self.urls = {}

    @property
    def rpc(self):
        return self.urls["rpc"]

    @property
    def results(self):
        return self.urls["results"]

    @property
    def http(self):
        return self.urls["http"]

    def command(self):
        listen = [part for name, url in self.listen.items() for part in (f"--{name}", url)]
        return [*self.wrapper, str(BIN / "errandd"), "--data", str(self.data), *listen, *self.flags]

    def launch(self):
        self.process = start_program(self.command(), self.log)

    def start(self):
        self.launch()
        wanted = {name for name, url in self.listen.items() if url != "off"}
        text = b""
        end = time.monotonic() + DEADLINE_SECONDS
        while not wanted <= set(self.urls):
            text += self.read_some(end)
            for name, url in re.findall(rb"^listening (\w+) (\S+)\n", text, re.M):
                self.urls[name.decode()] = url.decode()
        return self

    def read_some(self, end):
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
        piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
        assert piece, f"errandd did not start:\n{self.log_text()}"
        return piece

    def restart(self, same_ports=False):
        """Starts it again on the same data, after stop or kill."""
        if same_ports:
            self.listen = {**self.urls, "http": self.urls["http"].removeprefix("http://")}
        self.urls = {}
        return self.start()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=DEADLINE_SECONDS):
        code = self.process.wait(seconds)
        self.process.stdout.close()
        return code

    def kill(self):
        """kill -9."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self):
        """SIGTERM; it has to leave in good order."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"errandd left with {code}:\n{self.log_text()}"

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def check_log(self):
        text = self.log_text()
        assert not SANITIZER_REPORT.search(text), text
