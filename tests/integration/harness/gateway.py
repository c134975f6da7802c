"""errand-gateway in front of a server, with limits of its own."""

import re
import subprocess

from harness.errandd import BIN, SANITIZER_REPORT, clean_environment, usual_limits


class Gateway:
    def __init__(self, server, log, *flags, wrapper=()):
        self.log = log
        with open(log, "ab") as errors:
            self.process = subprocess.Popen(
                [*wrapper, BIN / "errand-gateway", "--http", "127.0.0.1:0", "--server", server.rpc, *flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=clean_environment(),
                preexec_fn=usual_limits,
            )
        line = self.process.stdout.readline().decode()
        found = re.match(r"listening http (\S+)\n", line)
        assert found, (line, log.read_text())
        self.http = found[1]

    def stop(self):
        """SIGTERM; it has to leave in good order."""
        self.process.terminate()
        code = self.process.wait(60)
        self.process.stdout.close()
        text = self.log.read_text(errors="replace")
        assert code == 0 and not SANITIZER_REPORT.search(text), (code, text[-4000:])
