#!/usr/bin/python3
"""Instructions of the hot paths, counted by callgrind, against the counts in limits.json. A count may
be higher by MARGIN: this finds code that got much dearer, on any machine, and never the weather.

    tests/cost/cost.py build/test/bin/hot_paths            compares
    tests/cost/cost.py --update build/test/bin/hot_paths   makes what is counted now the measure

Exit status 77: skipped, valgrind is not there."""

import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LIMITS = pathlib.Path(__file__).with_name("limits.json")
MARGIN = 0.25
SKIPPED = 77
FEW = 200
# Rounds of each path beyond FEW: the difference leaves start and warming up out.
MORE = {"call": 1000, "json": 1000, "exchange": 1000, "submit": 2000, "life": 2000, "purge": 2000}


def read_count(text):
    """Instructions that valgrind counted."""
    return int(re.search(r"^==\d+== Collected : (\d+)$", text, re.MULTILINE)[1])


def count_run(program, path, rounds):
    """Instructions of one run."""
    with tempfile.TemporaryDirectory(prefix="errand-cost-") as folder:
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program]
        done = subprocess.run(
            [*command, path, str(rounds), f"{folder}/data"],
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
    if done.returncode:
        sys.exit(f"hot_paths ended with {done.returncode}:\n{done.stderr}")
    return read_count(done.stderr)


def count(program):
    """Instructions a round, by path."""
    return {
        path: round((count_run(program, path, FEW + more) - count_run(program, path, FEW)) / more)
        for path, more in MORE.items()
    }


def compare(counted, limits):
    """What is wrong, in words; nothing: all is well."""
    wrong = [f"{path}: not counted" for path in limits if path not in counted]
    for path, instructions in counted.items():
        known = limits.get(path)
        if known is None:
            wrong.append(f"{path}: {instructions} instructions, and no limit")
        elif instructions > known * (1 + MARGIN):
            more = (instructions / known - 1) * 100
            wrong.append(f"{path}: {instructions} instructions instead of {known}, {more:.0f} % more")
    return wrong


def main():
    parser = argparse.ArgumentParser(description="Instructions of the hot paths.")
    parser.add_argument("--update", action="store_true", help="write limits.json")
    parser.add_argument("program", help="hot_paths")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        return SKIPPED
    counted = count(options.program)
    for path, instructions in sorted(counted.items()):
        print(f"{path}: {instructions} instructions")
    if options.update:
        LIMITS.write_text(json.dumps(counted, indent=2, sort_keys=True) + "\n")
        return 0
    wrong = compare(counted, json.loads(LIMITS.read_text()))
    print("\n".join(wrong))
    if wrong:
        print(f"If that is what it has to cost: {sys.argv[0]} --update {options.program}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
