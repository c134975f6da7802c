"""Commands."""

import pytest

import errand

CONFIGURATION = """
commands:
  sum:
    argv: [wc, -c]
  greet:
    argv: [sh, -c, 'echo "hello $NAME $1"; echo oops >&2; echo "1 2 half" >&3', sh, "{0}"]
    allow_env: [NAME]
  fail:
    argv: [sh, -c, 'echo broken >&2; exit 3']
"""


@pytest.fixture
def errand_server_flags(errand_server_flags, tmp_path):
    file = tmp_path / "errandd.yaml"
    file.write_text(CONFIGURATION)
    return [*errand_server_flags, f"--config={file}"]


def test_a_command_gets_its_input_and_gives_its_output(client):
    job = client.exec("sum", stdin=b"12345")
    result = job.result(30)
    assert isinstance(result, errand.ExecResult)
    assert (result.exit_code, result.signal, result.stdout.strip()) == (0, 0, b"5")
    assert job.output().strip() == b"5"
    assert result.max_rss_bytes > 0
    assert result.stdout_omitted_bytes == 0


def test_arguments_and_variables_are_passed(client):
    result = client.exec("greet", ["you; there"], env={"NAME": "Ada"}).result(30)
    assert (result.stdout, result.stderr) == (b"hello Ada you; there\n", b"oops\n")


def test_a_command_that_fails_raises(client):
    with pytest.raises(errand.JobFailed, match="broken"):
        client.exec("fail", max_attempts=1).result(30)


def test_a_command_that_is_not_configured_is_never_run(client):
    with pytest.raises(errand.JobFailed):
        client.exec("rm", ["-rf", "/"], max_attempts=1).result(30)
