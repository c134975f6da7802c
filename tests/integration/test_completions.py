"""Shell completions of errand, written from its tables."""

import shutil
import subprocess

import pytest

from harness.errandd import BIN

ASK = """
. /dev/stdin
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _errand; printf '%s\\n' "${COMPREPLY[@]}"
"""


def script(shell):
    done = subprocess.run([BIN / "errand", "--completion", shell], capture_output=True, timeout=30)
    assert done.returncode == 0 and done.stdout, done
    return done.stdout


def complete(*words):
    done = subprocess.run(["bash", "-c", ASK, "bash", "errand", *words], input=script("bash"),
                          capture_output=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.decode().split()


def test_bash_completes_commands_and_their_options():
    assert {"fetch", "queue", "submit", "top"} <= set(complete(""))
    assert {"pause", "resume", "set", "ls"} == {"pause", "resume", "set", "ls"} & set(complete("queue", ""))
    assert complete("queue", "pa") == ["pause"]
    assert complete("fetch", "--wai") == ["--wait"]
    assert "--max-running" in complete("-s", "tcp://127.0.0.1:1", "queue", "set", "--max")
    assert "--server" in complete("--")
    assert complete("fetch", "--max-running") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_can_read_its_script(shell):
    program = shutil.which(shell)
    if not program:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([program, "-n", "/dev/stdin"], input=script(shell), capture_output=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_another_shell_is_refused():
    done = subprocess.run([BIN / "errand", "--completion", "none"], capture_output=True, timeout=30)
    assert done.returncode == 2, done
