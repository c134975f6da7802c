"""Runs one tool over the package: pytest, mypy or ruff. Exits with 77 and says why when it, or what
the package needs, is not installed.

    tests/run.py pytest tests/test_client.py
"""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

SKIPPED = 77
FOLDER = pathlib.Path(__file__).resolve().parents[1]
NEEDED = {"pytest": ["pytest", "aiohttp"], "mypy": ["mypy", "aiohttp", "fastapi"], "ruff": []}
COMMANDS = {
    "pytest": [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "-rs",
    ],
    "mypy": [sys.executable, "-m", "mypy", "--cache-dir=/dev/null"],
    "ruff": ["ruff"],
}


def missing(tool):
    """What is not there, by the name of its package."""
    names = [name for name in NEEDED[tool] if importlib.util.find_spec(name) is None]
    packages = [name if name == "mypy" else f"python3-{name}" for name in names]
    if tool == "ruff" and shutil.which("ruff") is None:
        packages.append("ruff (from PyPI)")
    return packages


def main(tool, *arguments):
    absent = missing(tool)
    if absent:
        print(f"skipped: {', '.join(absent)} is not installed")
        return SKIPPED
    environment = {**os.environ, "PYTHONPATH": str(FOLDER), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["RUFF_NO_CACHE"] = "true"
    command = [*COMMANDS[tool], *arguments]
    return subprocess.call(command, cwd=FOLDER, env=environment)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
