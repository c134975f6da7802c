"""Runs the command line client against a server."""

import json
import os
import subprocess

from harness.errandd import BIN


class Finished:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode()

    @property
    def text(self):
        return self.out.decode()

    @property
    def documents(self):
        """With -o json: one document a line."""
        return [json.loads(line) for line in self.text.splitlines()]

    def __repr__(self):
        return f"status {self.status}\nstdout: {self.out[:2000]!r}\nstderr: {self.err[:2000]}"


class Cli:
    def __init__(self, url):
        self.environment = {**os.environ, "ERRAND_SERVER": url}
        self.command = [str(BIN / "errand"), "--timeout", "60s"]

    def __call__(self, *words, input=b"", env=None):
        return Finished(
            subprocess.run(
                [*self.command, *map(str, words)],
                input=input,
                capture_output=True,
                timeout=90,
                env={**self.environment, **(env or {})},
            )
        )

    def start(self, *words):
        """Runs it beside the test."""
        return subprocess.Popen(
            [*self.command, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )

    def ok(self, *words, **options):
        finished = self(*words, **options)
        assert finished.status == 0, finished
        return finished
