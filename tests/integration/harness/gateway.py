"""errand-gateway in front of a server, with limits of its own."""

import re

from harness.errandd import BIN, CONNECTIONS, SANITIZER_REPORT, start_program


class Gateway:
    def __init__(self, server, log, *flags, wrapper=()):
        self.log = log
        listen = ["--http", "127.0.0.1:0", "--server", server.rpc]
        if "--connections" not in flags:
            listen += ["--connections", CONNECTIONS]
        self.process = start_program([*wrapper, BIN / "errand-gateway", *listen, *flags], log)
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
