"""What deploy/ holds: alerts and a dashboard that name metrics that there are, units, an image."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "errand.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "errand.json"
PROMTOOL = shutil.which("promtool")
NEEDS_PROMTOOL = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")
METRIC = re.compile(r"\b(?:errand|process)_[a-z_]+")


def promtool(*arguments):
    done = subprocess.run([PROMTOOL, *arguments], cwd=RULES.parent, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@NEEDS_PROMTOOL
def test_promtool_takes_the_rules(tmp_path):
    promtool("check", "rules", RULES.name)


@NEEDS_PROMTOOL
def test_the_alerts_fire_when_they_should():
    promtool("test", "rules", "errand.rules.test.yml")


def expressions():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def test_alerts_and_dashboard_name_metrics_that_there_are(api, origin):
    api.result(api.submit({"http": {"url": origin.url + "/ok"}})["id"])
    api.get("/metrics")
    samples = set(re.findall(r"^(\w+)[ {]", api.get("/metrics").body.decode(), re.M))
    named = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert len(named) > 12
    assert named <= samples, named - samples


def test_the_panels_of_the_dashboard_do_not_overlap():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_the_image_is_built_from_the_packages_of_the_build():
    """Without a tool that builds it: each line is an instruction that there is, its files exist."""
    root = DEPLOY.parent
    text = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    known = "FROM SHELL WORKDIR COPY RUN USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split()
    assert {line.split()[0] for line in lines} <= set(known)
    assert lines[0].startswith("FROM debian:") and any(line.startswith("USER 6") for line in lines)
    for line in lines:
        if line.startswith("COPY") and "--from" not in line:
            assert (root / line.split()[1]).exists(), line
    assert "packages_build" in text and "packages_build=(" in (root / "scripts/lib/setup.sh").read_text()
