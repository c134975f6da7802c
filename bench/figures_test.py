#!/usr/bin/python3
"""figures.py prints the tables of errand-bench, and fills pages and plots from its JSON.

    ERRAND_BENCH=build/test/bin/errand-bench bench/figures_test.py"""

import importlib.util
import os
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

import figures


def figure(value, unit="us"):
    return {"unit": unit, "median": value, "least": value, "most": value, "samples": [value]}


def scenario(name, rows, **words):
    rows = [{"row": row, "figures": own, **words} for row, own in rows]
    return {"scenario": name, "durable": "nothing", "rows": rows}


SAMPLES = {
    "curve": [("tcp, 1 in flight", {"rate": figure(1e3), "echo rate": figure(2e3)})],
    "load": [("10 % of the highest rate", {k: figure(9.0) for k in ("rate", "p50", "p90", "p99")})],
    "scale": [("1k queued", {f"{k} cpu": figure(9.0) for k in ("submit", "lease", "finish")})],
    "peers": [("Errand: enqueue", {"rate": figure(9.0)}), ("beanstalkd", {})],
}


def measured(name):
    """What errand-bench prints of a scenario, and what is read from its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--count", "20", "--runs", "2", "--json", f"{folder}/{name}.json"]
        command = [os.environ["ERRAND_BENCH"], *flags, "--dir", folder, name]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        _, scenarios = figures.read(pathlib.Path(folder))
    return printed, scenarios[name]


class Figures(unittest.TestCase):
    def test_tables_are_those_of_errand_bench(self):
        printed, disk = measured("disk")
        self.assertEqual(figures.table(disk), printed)

    def test_rows_with_figures_of_their_own_have_columns_for_them(self):
        printed, exec_ = measured("exec")
        self.assertEqual(figures.table(exec_), printed)
        head, *rows = [line.split(" | ") for line in printed.splitlines()]
        self.assertIn("server cpu, us/job", head)
        self.assertEqual({len(row) for row in rows}, {len(head)})

    def test_what_was_skipped_is_said_in_its_row(self):
        peers = scenario("peers", SAMPLES["peers"], durable="all")
        peers["rows"][1]["skipped"] = "skipped: it is not installed"
        lines = figures.table(peers).splitlines()
        self.assertEqual(lines[3], "| beanstalkd | skipped: it is not installed | all |")

    def test_only_what_was_measured_is_replaced_in_a_page(self):
        page = "a\n<!-- figures: load -->\nold\n<!-- end of figures -->\nb\n"
        page += page.replace("load", "other")
        filled = figures.fill(page, {"load": scenario("load", SAMPLES["load"])})
        self.assertIn("| load | rate, us |", filled)
        self.assertEqual(filled.count("old"), 1)
        self.assertEqual(figures.fill(filled, {}), filled)

    @unittest.skipIf(importlib.util.find_spec("matplotlib") is None, "no python3-matplotlib")
    def test_plots_are_svg_in_the_colours_of_the_page(self):
        scenarios = {name: scenario(name, rows) for name, rows in SAMPLES.items()}
        with tempfile.TemporaryDirectory() as folder:
            figures.draw_all(scenarios, pathlib.Path(folder))
            for name in SAMPLES:
                text = (pathlib.Path(folder) / f"{name}.svg").read_text()
                xml.etree.ElementTree.fromstring(text)
                self.assertIn("prefers-color-scheme: dark", text)
                self.assertNotIn(figures.INK, text)


if __name__ == "__main__":
    unittest.main()
