"""errand-worker, as a process of its own, maybe on another host."""

import signal

from harness.errandd import BIN, start_program
from harness.waiting import DEADLINE_SECONDS


class WorkerProcess:
    def __init__(self, log, flags, wrapper=()):
        self.log = log
        command = [*wrapper, str(BIN / "errand-worker"), *flags]
        self.process = start_program(command, log, piped=False)

    def is_running(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def stop(self):
        """SIGTERM; it has to leave in good order."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE_SECONDS)
        assert code == 0, f"errand-worker left with {code}:\n{self.log_text()}"

    def log_text(self):
        return self.log.read_text(errors="replace")
