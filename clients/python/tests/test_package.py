"""The package as it is shipped, and its types as its users see them."""

import pathlib
import re
import subprocess
import sys
import zipfile

import pytest

import errand

FOLDER = pathlib.Path(__file__).parents[1]
SOURCES = sorted((FOLDER / "errand").glob("*.py"))

TYPES = """
import errand

worker = errand.Worker()

@worker.task(queue="pictures", max_attempts=3)
def resize(path: str, width: int = 100) -> bytes:
    return path.encode()

@worker.task
async def count(words: list[str]) -> int:
    return len(words)

async def use(client: errand.Client, later: errand.AsyncClient) -> None:
    reveal_type(resize.submit("a", width=1).result())
    reveal_type(count.delay(["a"]).result())
    reveal_type(resize("a"))
    reveal_type(await count(["a"]))
    reveal_type(client.submit(resize.job("a")).result())
    reveal_type(await (await later.submit(count.job(["a"]))).result())
    reveal_type(client.fetch("http://x/").result())
    reveal_type(client.submit_many([resize.job("a")]))
    reveal_type(client.submit(errand.command("x")).result())

resize.submit(5)
resize.submit("a", hight=1)
count.submit("abc", 5)
client = errand.Client()
client.submit("kind", prioritty=5)
client.fetch("http://x/", body="text")
client.update_queue("q", max_runing=5)
client.list(stat="READY")
"""
REVEALED = [
    "bytes", "int", "bytes", "int", "bytes", "int", "errand.models.HttpResult",
    "list[errand.handles.Job[bytes]]", "errand.models.ExecResult",
]  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("setuptools", reason="python3-setuptools is not installed")
    pytest.importorskip("wheel", reason="python3-wheel is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    for source in ["pyproject.toml", "README.md", "errand/py.typed", *SOURCES]:
        path = FOLDER / source
        target = copy / path.relative_to(FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    code = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=copy, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_all_modules_its_types_and_the_plugin(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = next(name for name in names if name.endswith("entry_points.txt"))
        metadata = next(name for name in names if name.endswith("METADATA"))
        assert "errand.pytest_plugin" in archive.read(points).decode()
        assert "Requires-Dist: aiohttp" in archive.read(metadata).decode()
    assert {name for name in names if name.startswith("errand/")} == {
        "errand/py.typed",
        *(f"errand/{source.name}" for source in SOURCES),
    }


def test_the_wheel_is_imported(wheel):
    code = "import errand; print(errand.__file__, errand.Worker, errand.AsyncClient)"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(wheel)!r}); {code}"]
    said = subprocess.run(command, cwd="/", check=True, capture_output=True, text=True).stdout
    assert str(wheel) in said


def test_the_version_is_that_of_the_servers():
    project = (FOLDER.parents[1] / "CMakeLists.txt").read_text()
    assert re.search(r"project\(errand VERSION (\S+)", project)[1] == errand.__version__


def test_the_client_needs_nothing_but_the_standard_library():
    code = (
        "import sys; sys.modules['aiohttp'] = sys.modules['typing_extensions'] = None\n"
        "import errand; errand.Client(); errand.Worker()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_everything_public_is_there():
    for name in errand.__all__:
        assert getattr(errand, name) is not None
    with pytest.raises(AttributeError):
        getattr(errand, "no_such_name")  # noqa: B009


def test_tasks_and_options_are_typed(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "use.py").write_text(TYPES)
    flags = ["--strict", "--enable-incomplete-feature=Unpack", "--cache-dir=/dev/null"]
    command = [sys.executable, "-m", "mypy", *flags, "use.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    revealed = re.findall(r'Revealed type is "(.*)"', said)
    assert [text.replace("builtins.", "") for text in revealed] == REVEALED, said
    first = 1 + TYPES.splitlines().index("resize.submit(5)")
    wrong = {int(line) for line in re.findall(r"^use.py:(\d+): error", said, re.M)}
    lines = set(range(first, 1 + len(TYPES.splitlines())))
    assert wrong == lines - {first + 3}, said  # that one makes the client


def test_both_clients_say_the_same(tmp_path):
    for name in ("submit_many", "list", "wait", "update_queue", "cancel"):
        assert getattr(errand.AsyncClient, name).__doc__ == getattr(errand.Client, name).__doc__


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_modules_are_small_and_say_what_they_are_for(source):
    text = source.read_text()
    assert text.startswith('"""')
    assert text.count("\n") < 400
