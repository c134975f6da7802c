"""The comparison with other queues runs; its figures are nobody's business here."""

import os
import pathlib
import re
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).parents[3] / "bench" / "python_worker.py"


def test_it_prints_a_table(tmp_path):
    command = [sys.executable, str(SCRIPT), "--jobs=300", "--only=Errand"]
    flags = [f"--errandd={os.environ['ERRANDD']}"]
    done = subprocess.run([*command, *flags], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^\| Errand, .* \| (\d+) \| (\d+) \|$", done.stdout, re.M)
    assert len(rows) == 3, done.stdout
    assert all(int(rate) > 0 for row in rows for rate in row)


def test_what_is_not_installed_is_said(tmp_path):
    command = [sys.executable, str(SCRIPT), "--jobs=300", "--only=Errand", "--errandd=/no/errandd"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.count("skipped: /no/errandd is not installed") == 3
