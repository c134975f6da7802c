#!/usr/bin/python3
"""What errand-bench measured, as tables, plots and the figures of docs/performance.md.

    bench/figures.py build/figures                                   tables to standard output
    bench/figures.py build/figures --plots docs/img --docs docs/performance.md
    bench/figures.py build/figures --json all.json                   all of it in one file

The folder holds the JSON of errand-bench and bench/python_worker.py, a file for each scenario.
In the page, what stands between `<!-- figures: NAME -->` and `<!-- end of figures -->` is replaced
if NAME was measured, and left alone otherwise. Plots need Debian's python3-matplotlib."""

import argparse
import importlib.util
import json
import pathlib
import re
import sys

MARKED = re.compile(r"(<!-- figures: (\w+) -->\n)(.*?)(<!-- end of figures -->)", re.DOTALL)


def read(folder):
    """The machine, and the scenarios by name."""
    machine, scenarios = {}, {}
    for path in sorted(folder.glob("*.json")):
        report = json.loads(path.read_text())
        machine = report.get("machine") or machine
        scenarios.update({scenario["scenario"]: scenario for scenario in report["scenarios"]})
    return machine, scenarios


# ---- tables, as errand-bench prints them ----


def number(value):
    """Three digits that count."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3}f}"


def cell(figure):
    """The median, and the least and the most when there are several runs."""
    text = number(figure["median"])
    if len(figure["samples"]) > 1:
        text += f" ({number(figure['least'])}-{number(figure['most'])})"
    return text


def table(scenario):
    """A scenario as a table."""
    rows = scenario["rows"]
    columns = {}  # of all rows, each name once, in the order in which rows bring them
    for row in rows:
        for name, own in row["figures"].items():
            columns.setdefault(name, own)
    durable = any("durable" in row for row in rows)
    heads = [
        f"{name}, {figure['unit']}" if figure["unit"] else name for name, figure in columns.items()
    ]
    lines = [[scenario["scenario"], *heads, *(["durable"] if durable else [])]]
    lines.append(["---"] * len(lines[0]))
    for row in rows:
        cells = [cell(row["figures"][name]) if name in row["figures"] else "" for name in columns]
        if "skipped" in row:
            cells = [row["skipped"], *cells[1:]]
        lines.append([row["row"], *cells, *([row.get("durable", "")] if durable else [])])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def fill(text, scenarios):
    """The page with the tables of what was measured."""

    def replace(match):
        head, name, _, end = match.groups()
        if name not in scenarios:
            return match[0]
        return f"{head}\n{table(scenarios[name])}\n{end}"

    return MARKED.sub(replace, text)


# ---- plots ----

# Colours that can be told apart on white and on black. What is drawn in INK becomes the colour of
# the text around, and turns light where the reader prefers dark pages.
INK = "#0a0b0c"
OWN, OTHER, THIRD = "#2f7de1", "#8a8f98", "#d9730d"
STYLE = """<style>
svg { color: #1f2328; }
#patch_1 path { fill: #ffffff !important; }
@media (prefers-color-scheme: dark) {
  svg { color: #d6dbe1; }
  #patch_1 path { fill: #0d1117 !important; }
}
</style>
"""
SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "errand",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "lines.markersize": 4,
    **{
        name: INK
        for name in (
            "text.color",
            "axes.labelcolor",
            "axes.edgecolor",
            "xtick.color",
            "ytick.color",
            "grid.color",
        )
    },
}


def median(row, name):
    """A figure of a row."""
    return row["figures"][name]["median"]


def thousands(value, _position=None):
    """A number for an axis."""
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def plain_log_axis(axis):
    """Numbers as people write them, at the powers only."""
    from matplotlib import ticker

    axis.set_major_formatter(ticker.FuncFormatter(thousands))
    axis.set_minor_formatter(ticker.NullFormatter())


def legend_above(axes):
    """Where it covers no line."""
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=3)


def draw_curve(plot, scenarios):
    """Throughput against calls in flight."""
    rows = scenarios["curve"]["rows"]
    calls = [int(re.search(r"(\d+) in flight", row["row"])[1]) for row in rows]
    figure, axes = plot.subplots(figsize=(7, 3.8))
    for name, label, colour in (
        ("echo rate", "nng echo, nothing stored", OTHER),
        ("rate", "Submit, each on disk before its answer", OWN),
    ):
        axes.plot(calls, [median(row, name) for row in rows], "o-", color=colour, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xticks(calls)
    plain_log_axis(axes.xaxis)
    axes.yaxis.set_major_formatter(thousands)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("calls in flight on one connection")
    axes.set_ylabel("calls a second")
    legend_above(axes)
    return figure


def draw_load(plot, scenarios):
    """Latency percentiles against load."""
    from matplotlib import ticker

    rows = scenarios["load"]["rows"]
    rates = [median(row, "rate") for row in rows]
    figure, axes = plot.subplots(figsize=(7, 3.8))
    for name, colour in (("p99", THIRD), ("p90", OTHER), ("p50", OWN)):
        times = [median(row, name) / 1000 for row in rows]
        axes.plot(rates, times, "o-", color=colour, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    plain_log_axis(axes.yaxis)
    axes.xaxis.set_major_formatter(thousands)
    axes.set_xlim(left=0)
    axes.set_xlabel("jobs a second that come, at a tenth to nine tenths of the highest rate")
    axes.set_ylabel("submit to result, ms")
    legend_above(axes)
    return figure


def queued_jobs(row):
    """How many jobs are queued in a case of scale or backlog; None: it is about something else."""
    found = re.fullmatch(r"([\d.]+)(k| ?[Mm]\w*) queued", row["row"])
    return found and float(found[1]) * (1e3 if found[2] == "k" else 1e6)


def draw_backlog(plot, scenarios):
    """Cost of a job against the backlog."""
    rows = [*scenarios["scale"]["rows"], *scenarios.get("backlog", {}).get("rows", [])]
    cases = sorted((queued_jobs(row), i) for i, row in enumerate(rows) if queued_jobs(row))
    figure, axes = plot.subplots(figsize=(7, 3.8))
    for step, colour in (("submit", OWN), ("lease", THIRD), ("finish", OTHER)):
        costs = [median(rows[i], f"{step} cpu") for _, i in cases]
        axes.plot([jobs for jobs, _ in cases], costs, "o-", color=colour, label=step)
    axes.set_xscale("log")
    plain_log_axis(axes.xaxis)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("jobs queued before")
    axes.set_ylabel("server's processor time, µs a job")
    legend_above(axes)
    return figure


def draw_peers(plot, scenarios):
    """Bars of all servers, a panel for each shape."""
    cases = {}
    for row in scenarios["peers"]["rows"]:
        if row["figures"]:
            server, shape = row["row"].split(": ")
            cases.setdefault(shape, {})[server] = median(row, "rate")
    figure, panels = plot.subplots(2, 3, figsize=(9, 4.6), layout="constrained")
    for axes, (shape, rates) in zip(panels.flat, cases.items()):
        names = list(rates)[::-1]
        colours = [OWN if name == "Errand" else OTHER for name in names]
        bars = axes.barh(names, [rates[name] for name in names], color=colours, height=0.65)
        labels = [thousands(float(f"{rates[name]:.3g}")) for name in names]
        axes.bar_label(bars, labels, padding=3, fontsize=9)
        axes.set_title(shape, fontsize=10, loc="left")
        axes.set_xlim(right=max(rates.values()) * 1.25)
        axes.xaxis.set_major_formatter(thousands)
        axes.locator_params(axis="x", nbins=3)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
    figure.supxlabel("jobs a second", fontsize=10)
    for axes in panels[:, 1:].flat:
        axes.set_yticklabels([])
    return figure


PLOTS = {"curve": draw_curve, "load": draw_load, "scale": draw_backlog, "peers": draw_peers}


def save(figure, path):
    """A plot that follows the reader's choice of light or dark."""
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = path.read_text().replace(INK, "currentColor")
    text = re.sub(r"\n\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"(<svg [^>]*>\n)", lambda match: match[1] + STYLE, text, count=1)
    path.write_text(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE))


def draw_all(scenarios, folder):
    """Every plot whose figures are there."""
    if importlib.util.find_spec("matplotlib") is None:
        print("skipped: plots need python3-matplotlib", file=sys.stderr)
        return
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(SETTINGS):
        for name in PLOTS.keys() & scenarios.keys():
            figure = PLOTS[name](pyplot, scenarios)
            save(figure, folder / f"{name}.svg")
            pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description="Tables and plots of what was measured.")
    parser.add_argument("folder", type=pathlib.Path, help="with the JSON files")
    parser.add_argument("--plots", type=pathlib.Path, help="folder for the plots")
    parser.add_argument("--docs", type=pathlib.Path, help="page whose figures are replaced")
    parser.add_argument("--json", type=pathlib.Path, help="file for all figures")
    options = parser.parse_args()
    machine, scenarios = read(options.folder)
    if options.plots:
        draw_all(scenarios, options.plots)
    if options.docs:
        options.docs.write_text(fill(options.docs.read_text(), scenarios))
    if options.json:
        whole = {"machine": machine, "scenarios": list(scenarios.values())}
        options.json.write_text(json.dumps(whole, indent=1) + "\n")
    if not (options.plots or options.docs or options.json):
        print("\n".join(table(scenario) for scenario in scenarios.values()))


if __name__ == "__main__":
    main()
