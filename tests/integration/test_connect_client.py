"""The Connect client of the npm registry, generated from our protos, works unchanged."""

import json
import pathlib
import shutil
import subprocess

import pytest

from harness.errandd import BIN

ROOT = pathlib.Path(__file__).parents[2]
CLIENT = ROOT / "tests" / "connect-node"
FOLDER = BIN.resolve().parent / "connect-node"
SECONDS = 100
OLDEST_NODE = 20


def run(*command):
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=SECONDS)


def install():
    """The packages of the lock file; a test that can not have them says why."""
    for program in ("node", "npm", "protoc"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    if int(version[1:].split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node {version.strip()} is too old for the client's packages")
    lock = (CLIENT / "package-lock.json").read_text()
    stamp = FOLDER / "installed"
    FOLDER.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CLIENT / name, FOLDER)
    if stamp.exists() and stamp.read_text() == lock:
        return
    try:
        done = run("npm", "ci", "--no-fund", "--no-audit", "--ignore-scripts")
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if done.returncode != 0:
        pytest.skip(f"the packages can not be had from the npm registry: {done.stderr[-400:]}")
    stamp.write_text(lock)


def generate():
    protos = ROOT / "proto"
    names = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    (FOLDER / "gen").mkdir(exist_ok=True)
    done = run(
        "protoc",
        f"--plugin={FOLDER}/node_modules/.bin/protoc-gen-es",
        f"--es_out={FOLDER}/gen",
        "--es_opt=target=js,import_extension=js",
        f"-I{protos}",
        f"-I{CLIENT}",
        *names,
        "error_details.proto",
    )
    assert done.returncode == 0, done.stderr
    shutil.copy(CLIENT / "client.mjs", FOLDER)


def test_a_stock_connect_client_works_in_every_form(server):
    install()
    generate()
    for binary in (False, True):
        for get in (False, True):
            for gzip in (False, True):
                form = json.dumps({"binary": binary, "get": get, "gzip": gzip})
                done = run("node", "client.mjs", server.http, form)
                assert done.returncode == 0 and "7 tests" in done.stdout, (form, done)
