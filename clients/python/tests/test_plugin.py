"""The pytest fixture, in a pytest of its own."""

import os
import subprocess
import sys

TEST = """
def test_it(errand_server):
    with errand_server.client() as client:
        assert client.server_info().health == "serving"
        client.submit("k")
"""
FLAGS = """
import pytest

@pytest.fixture(scope="session")
def errand_server_flags():
    return ["--workers", "0"]

def test_one(errand_server):
    assert errand_server.client().workers() == []
    errand_server.client().submit("k")

def test_two(errand_server):
    assert len(list(errand_server.client().list())) == 1
"""


def run_pytest(folder, text, *flags, **environment):
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "errand.pytest_plugin", *flags]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )


def test_the_fixture_starts_a_server(tmp_path):
    done = run_pytest(tmp_path, TEST)
    assert "1 passed" in done.stdout, done.stdout


def test_a_server_may_be_shared_and_given_flags(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nerrand_server_scope = session\n")
    done = run_pytest(tmp_path, FLAGS)
    assert "2 passed" in done.stdout, done.stdout


def test_the_program_is_found_by_flag_variable_or_path(tmp_path):
    program = os.environ["ERRANDD"]
    assert "1 passed" in run_pytest(tmp_path, TEST, "--errandd", program, ERRANDD="").stdout
    path = os.path.dirname(program) + os.pathsep + os.environ["PATH"]
    assert "1 passed" in run_pytest(tmp_path, TEST, ERRANDD="", PATH=path).stdout


def test_a_missing_program_is_told(tmp_path):
    done = run_pytest(tmp_path, TEST, "--errandd", "/no/such/errandd")
    assert "there is no /no/such/errandd" in done.stdout
    assert done.returncode == 1


def test_a_server_that_does_not_start_is_told(tmp_path):
    text = FLAGS.replace("--workers", "--no-such-flag").replace('scope="session"', "")
    done = run_pytest(tmp_path, text)
    assert "errandd did not start" in done.stdout and "no-such-flag" in done.stdout
