"""What the README and the documentation show works."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import uuid

import pytest

from harness.errandd import BIN

ROOT = pathlib.Path(__file__).parents[2]
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md"))]
MARKS = ("<!-- table: made by `errandd --markdown`; a test compares -->\n", "<!-- end of table -->")


def blocks(page, language):
    text = (ROOT / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def on_ports_of(server, text):
    """The examples speak of the default ports; the test has its own."""
    for default, url in (("6710", server.rpc), ("6711", server.results), ("6780", server.http)):
        text = text.replace(f"127.0.0.1:{default}", url.split("://")[1])
    return text


@pytest.mark.parametrize("page", PAGES)
def test_shell_examples_work(shared_server, page, tmp_path):
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ERRAND_SERVER": shared_server.rpc,
    }
    for block in blocks(page, "sh"):
        # --fail-with-body: an example that is refused is a wrong example.
        script = 'curl() { command curl --fail-with-body "$@"; }\n' + on_ports_of(shared_server, block)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=90,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout.decode()}\n{done.stderr.decode()}"


def test_the_readme_has_examples_of_each_interface():
    assert len(blocks("README.md", "sh")) >= 3
    assert any("curl" in block for block in blocks("README.md", "sh"))
    assert any("errand fetch" in block for block in blocks("README.md", "sh"))
    assert len(blocks("README.md", "c")) == 1


C_EXAMPLES = {
    "README.md": [b"answered 200"],
    "docs/jobs.md": [b"cancelled "],
    "docs/c-library.md": [b"attempt 1, over", b'{"value":{"twice":42}}'],
}


@pytest.mark.parametrize("page", C_EXAMPLES)
def test_every_c_example_has_an_output_that_is_looked_for(page):
    assert len(blocks(page, "c")) == len(C_EXAMPLES[page])


@pytest.mark.parametrize(
    "page, number", [(page, i) for page, all_say in C_EXAMPLES.items() for i in range(len(all_say))]
)
def test_the_c_examples_compile_and_run(server, tmp_path, page, number):
    build = BIN.parent
    library = next(build.glob("clients/c/liberrand.so*"), None)
    if library is None or os.environ.get("ERRAND_TEST_SANITIZER"):
        pytest.skip("needs the shared library without sanitizers")
    (generated,) = {path.parents[2] for path in build.rglob("errand/v1/job.pb-c.h")}
    example, says = blocks(page, "c")[number], C_EXAMPLES[page][number]
    (tmp_path / "first.c").write_text(on_ports_of(server, example))
    # The library is the one of the build; a user would ask pkg-config.
    compiler = ["gcc", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "first")]
    paths = [f"-I{ROOT}/clients/c", f"-isystem{generated}", f"-L{library.parent}"]
    subprocess.run([*compiler, *paths, str(tmp_path / "first.c"), "-lerrand", "-lprotobuf-c"], check=True)
    done = subprocess.run(
        [tmp_path / "first"],
        env={**os.environ, "LD_LIBRARY_PATH": str(library.parent)},
        capture_output=True,
        timeout=90,
    )
    assert done.returncode == 0 and says in done.stdout, done


def test_messages_for_another_language_are_made_as_the_page_says(shared_server, tmp_path):
    if shutil.which("protoc") is None:
        pytest.skip("needs protoc")
    for folder in ("proto", "clients"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    (block,) = [block for block in blocks("docs/rpc.md", "console") if "protoc" in block]
    script = on_ports_of(shared_server, re.sub(r"^\$ ", "", block, flags=re.M))
    script = script.replace("https://example.org/", f"{shared_server.http}/healthz")
    script = script.replace("python3", sys.executable)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, timeout=90
    )
    assert done.returncode == 0, f"{script}\n{done.stdout.decode()}\n{done.stderr.decode()}"


# What the examples use of pynng, made of the C library by another example; for where it is missing.
PYNNG = f"""
import runpy
Nng = runpy.run_path("{ROOT}/clients/python/examples/rpc.py")["Nng"]

class Req0:
    def __init__(self, dial, resend_time):
        self.nng = Nng(dial)
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.nng.close()
    def send(self, body):
        self.reply = self.nng.exchange(body)
    def recv(self):
        return self.reply
"""


@pytest.mark.parametrize("number, jobs", enumerate([2, 1]))
def test_the_python_examples_of_the_rpc_run(shared_server, tmp_path, number, jobs):
    code = on_ports_of(shared_server, blocks("docs/rpc.md", "python")[number])
    if importlib.util.find_spec("pynng") is None:
        (tmp_path / "pynng.py").write_text(PYNNG)
    paths = [str(tmp_path), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        timeout=90,
    )
    printed = done.stdout.decode().split()
    assert done.returncode == 0, done.stderr.decode()
    assert len(printed) == jobs and all(uuid.UUID(job) for job in printed)


def test_the_table_of_settings_is_that_of_the_program():
    text = (ROOT / "docs" / "configuration.md").read_text()
    shown = text.split(MARKS[0])[1].split(MARKS[1])[0].strip()
    made = subprocess.run([BIN / "errandd", "--markdown"], capture_output=True, check=True)
    assert shown == made.stdout.decode().strip()


def test_the_yaml_example_of_the_settings_is_accepted(tmp_path):
    for number, block in enumerate(blocks("docs/configuration.md", "yaml")):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block)
        subprocess.run([BIN / "errandd", "--config", file, "--check-config"], check=True)


def test_every_link_between_pages_leads_somewhere():
    for page in PAGES:
        folder = (ROOT / page).parent
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
            assert (folder / target).exists(), f"{page}: {target}"
