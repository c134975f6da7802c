"""The Python that the documentation shows works."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
PAGES = ["README.md", "docs/python.md", "clients/python/README.md"]
BLOCKS = [
    (f"{page}-{number}", block)
    for page in PAGES
    for number, block in enumerate(
        re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.M | re.S)
    )
]


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[name for name, _ in BLOCKS])
def test_the_example_works(block, errand_server, tmp_path):
    for module in ("fastapi", "aiohttp"):
        if f"import {module}" in block or f"from {module}" in block:
            pytest.importorskip(module, reason=f"python3-{module} is not installed")
    (tmp_path / "test_example.py").write_text(
        block.replace("http://127.0.0.1:6780", errand_server.url)
    )
    command = [sys.executable, "-W", "error::ResourceWarning", "test_example.py"]
    if "\ndef test_" in block:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "errand.pytest_plugin"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


def test_there_are_examples():
    assert len(BLOCKS) >= 10
