"""Commands: jobs of kind exec, through errandd, errand-worker, HTTP and the command line."""

import base64
import os
import pathlib
import signal
import subprocess

import pytest
import yaml

from harness.cli import Cli
from harness.errandd import BIN, clean_environment
from harness.fleet import WorkerProcess
from harness.http_api import HttpApi
from harness.waiting import wait_until

OK, NO_SUCCESS, USAGE, NOT_FOUND, UNREACHABLE, REFUSED = range(6)

COMMANDS = {
    "echo": {"argv": ["echo", "{args}"]},
    "upper": {"argv": ["tr", "a-z", "A-Z"], "timeout": "30s"},
    "fail": {"argv": ["sh", "-c", "echo no luck >&2; exit {0}"], "retry_after": "1h"},
    "steps": {"argv": ["sh", "-c", "echo 1 4 first >&3; sleep 300"], "grace": "100ms"},
    "family": {
        "argv": ["sh", "-c", "trap '' TERM; sleep 300 & echo $$ $! >$OUT.new; mv $OUT.new $OUT; wait; wait"],
        "allow_env": ["OUT"],
        "grace": "200ms",
    },
    "flood": {"argv": ["head", "-c", "3000000", "/dev/zero"], "max_stdout": "1MB"},
    "nap": {"argv": ["sleep", "{0}"]},
    "prefixed": {"argv": ["echo", "prefix={0}"]},
}


def settings(tmp_path, name="commands.yaml", **more):
    file = tmp_path / name
    file.write_text(yaml.safe_dump({"commands": COMMANDS, **more}))
    return "--config", str(file)


@pytest.fixture
def server(start_server, tmp_path):
    return start_server(*settings(tmp_path))


@pytest.fixture
def lone_server(start_server):
    """A server whose own workers are off."""
    return start_server("--workers", "0")


@pytest.fixture
def start_program(tmp_path):
    """Starts errand-worker with the commands."""
    programs = []

    def start(server, *flags):
        log = tmp_path / f"worker-{len(programs)}.log"
        flags = ["--server", server.rpc, *settings(tmp_path), *flags]
        programs.append(WorkerProcess(log, flags))
        return programs[-1]

    yield start
    for program in programs:
        if program.is_running():
            program.stop()
        assert "Sanitizer" not in program.log_text(), program.log_text()


def is_alive(pid):
    """A zombie that init has still to reap is dead."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def family_of(tmp_path, api, **job):
    """Submits a command that has a child and ignores SIGTERM; gives its job and both processes."""
    out = tmp_path / "family"
    job_id = api.submit({"exec": {"name": "family", "env": {"OUT": str(out)}}, **job})["id"]
    wait_until(out.exists, "the command runs")
    return job_id, [int(pid) for pid in out.read_text().split()]


def all_dead(pids):
    return wait_until(lambda: not any(is_alive(pid) for pid in pids), f"{pids} are gone")


def test_a_command_runs_and_its_result_is_whole(api):
    job = {"exec": {"name": "upper", "stdin": base64.b64encode(b"some text").decode()}}
    done = api.post("/v1/jobs?wait=60s", job).json()
    assert done["state"] == "SUCCEEDED" and done["kind"] == "exec"
    result = done["result"]["exec"]
    assert base64.b64decode(result["stdout"]) == b"SOME TEXT"
    assert result["userTime"].endswith("s") and int(result["maxRssBytes"]) > 100_000
    assert "exitCode" not in result and "stdoutOmittedBytes" not in result


def test_the_output_of_a_command_is_its_standard_output(api):
    job = api.submit({"exec": {"name": "echo", "args": ["a", "b  c", "$HOME;"]}})
    answer = api.get(f"/v1/jobs/{job['id']}/output?wait=60s")
    assert answer.status == 200 and answer.body == b"a b  c $HOME;\n"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_arguments_may_be_as_long_as_the_system_takes(api):
    args = ["x" * 131071] * 7
    job = api.submit({"exec": {"name": "echo", "args": args}})
    assert api.get(f"/v1/jobs/{job['id']}/output?wait=60s").body == " ".join(args).encode() + b"\n"
    longer = {"exec": {"name": "prefixed", "args": args[:1]}}
    done = api.post("/v1/jobs?wait=60s", longer).json()
    assert done["state"] == "FAILED" and done["error"]["code"] == "INVALID_ARGUMENT"
    assert "program: Argument list too long" in done["error"]["message"]


def test_what_is_cut_is_said(api):
    result = api.post("/v1/jobs?wait=60s", {"exec": {"name": "flood"}}).json()["result"]["exec"]
    assert len(base64.b64decode(result["stdout"])) == 1_000_000
    assert result["stdoutOmittedBytes"] == "2000000"


def test_a_failed_command_is_tried_again_by_the_policy(api):
    job = {"exec": {"name": "fail", "args": ["3"]}, "retry": {"maxAttempts": 3, "minBackoff": "0s"}}
    done = api.post("/v1/jobs?wait=60s", job).json()
    assert done["state"] == "FAILED" and len(done["attempts"]) == 3
    assert done["error"]["message"] == "fail exited with code 3: no luck"


def test_exit_code_75_waits_as_the_configuration_says(api):
    job = api.submit({"exec": {"name": "fail", "args": ["75"]}, "retry": {"minBackoff": "0s"}})

    def rescheduled():
        now = api.get(f"/v1/jobs/{job['id']}").json()
        return now if now["state"] == "SCHEDULED" else None

    waiting = wait_until(rescheduled, "the job waits for its next attempt")
    assert waiting["error"]["code"] == "UNAVAILABLE"
    assert waiting["nextAttemptTime"] > waiting["attempts"][0]["endTime"]


def test_a_command_that_nobody_named_fails_at_once(api):
    done = api.post("/v1/jobs?wait=60s", {"exec": {"name": "rm", "args": ["-rf", "/"]}}).json()
    assert done["state"] == "FAILED" and len(done["attempts"]) == 1
    assert done["error"]["code"] == "NOT_FOUND" and '"rm"' in done["error"]["message"]


def test_arguments_and_variables_that_are_not_allowed_fail_at_once(api):
    for exec_job in (
        {"name": "nap", "args": ["1", "2"]},
        {"name": "nap", "args": []},
        {"name": "echo", "env": {"LD_PRELOAD": "/tmp/x.so"}},
    ):
        done = api.post("/v1/jobs?wait=60s", {"exec": exec_job}).json()
        assert done["state"] == "FAILED" and len(done["attempts"]) == 1, done
        assert done["error"]["code"] == "INVALID_ARGUMENT"
        assert "exec." in done["error"]["message"]


def test_a_cancelled_command_dies_with_its_children(api, tmp_path):
    job_id, pids = family_of(tmp_path, api)
    assert all(is_alive(pid) for pid in pids)
    assert api.post(f"/v1/jobs/{job_id}:cancel", {}).json()["state"] == "CANCELLED"
    all_dead(pids)


def test_progress_of_a_command_is_seen(api):
    job = api.submit({"exec": {"name": "steps"}})
    progress = wait_until(
        lambda: api.get(f"/v1/jobs/{job['id']}").json().get("progress"), "there is progress"
    )
    assert (progress["done"], progress["total"], progress["message"]) == ("1", "4", "first")
    api.post(f"/v1/jobs/{job['id']}:cancel", {})


def test_an_attempt_that_takes_too_long_dies_with_its_children(api, tmp_path):
    limits = {"attemptTimeout": "1s", "retry": {"maxAttempts": 1}}
    job_id, pids = family_of(tmp_path, api, **limits)
    assert api.result(job_id)["state"] == "FAILED"
    all_dead(pids)


def test_a_drain_that_is_over_gives_the_job_back_and_leaves_no_process(start_server, tmp_path):
    server = start_server(*settings(tmp_path, drain_timeout="100ms"))
    job_id, pids = family_of(tmp_path, HttpApi(server.http))
    server.stop()
    all_dead(pids)
    again = start_server("--workers", "0")
    assert HttpApi(again.http).get(f"/v1/jobs/{job_id}").json()["state"] == "READY"


def test_the_death_of_the_server_is_that_of_its_commands(server, api, tmp_path):
    _, pids = family_of(tmp_path, api)
    server.kill()
    all_dead(pids)


def test_commands_that_a_dead_server_left_begin_again_at_its_start(server, api, tmp_path):
    job_id, pids = family_of(tmp_path, api)
    server.kill()
    (tmp_path / "family").unlink()
    server.restart()
    # Not only when the lease of 30 s runs out.
    wait_until((tmp_path / "family").exists, "the command runs again", seconds=20)
    api = HttpApi(server.http)
    job = api.get(f"/v1/jobs/{job_id}").json()
    assert job["state"] == "RUNNING" and job["attempt"] == 2 and not job.get("attempts")
    all_dead(pids)
    api.post(f"/v1/jobs/{job_id}:cancel", {})


def test_the_death_of_a_worker_is_that_of_its_commands(lone_server, start_program, tmp_path):
    program = start_program(lone_server)
    _, pids = family_of(tmp_path, HttpApi(lone_server.http))
    program.kill()
    all_dead(pids)


def test_no_more_commands_are_leased_than_there_is_room_for(lone_server, start_program):
    start_program(lone_server, "--processes", "2")
    api = HttpApi(lone_server.http)
    jobs = [api.submit({"exec": {"name": "nap", "args": ["300"]}})["id"] for _ in range(5)]

    def states():
        return sorted(api.get(f"/v1/jobs/{job}").json()["state"] for job in jobs)

    wait_until(lambda: states()[-2:] == ["RUNNING", "RUNNING"], "two run")
    other = api.submit({"http": {"url": lone_server.http + "/healthz"}})  # has room of its own
    api.result(other["id"])
    assert states() == ["READY"] * 3 + ["RUNNING"] * 2
    api.post("/v1/jobs:cancel", {"filter": {"kind": "exec"}})


def test_without_commands_no_worker_does_the_kind(start_server):
    api = HttpApi(start_server().http)
    job = api.submit({"exec": {"name": "echo"}})
    told = api.get(f"/v1/jobs/{job['id']}:explain").json()
    assert [reason["type"] for reason in told["reasons"]] == ["NO_WORKER"], told


def test_the_command_line_prints_what_the_command_wrote(server):
    cli = Cli(server.rpc)
    assert cli.ok("exec", "echo", "--wait", "a", "b c", "--", "-n").out == b"a b c -n\n"
    assert cli.ok("exec", "upper", "--wait", "--stdin", "-", input=b"text").out == b"TEXT"
    flooded = cli.ok("exec", "flood", "-w")
    assert len(flooded.out) == 1_000_000 and "2000000 bytes" in flooded.err
    job_id = cli.ok("exec", "echo", "later").text.strip()
    assert cli.ok("result", job_id, "--wait", "60s").out == b"later\n"


def test_the_exit_status_tells_whether_a_command_succeeded(server):
    cli = Cli(server.rpc)
    failed = cli("exec", "fail", "4", "--wait", "--max-attempts", "1")
    assert failed.status == NO_SUCCESS and not failed.out
    assert "fail exited with code 4: no luck" in failed.err
    assert cli("exec", "no such name").status == REFUSED
    assert cli("exec").status == USAGE
    assert cli("exec", "echo", "--env", "novalue").status == USAGE
    assert cli("exec", "echo", "--wait=1ms", "--delay", "1h").status == UNREACHABLE


def test_commands_without_workers_are_warned_of(start_server, tmp_path):
    server = start_server(*settings(tmp_path, workers=0))
    assert "commands_not_run" in server.log_text()


def test_a_script_that_jobs_can_write_is_warned_of(server):
    warned = [line for line in server.log_text().splitlines() if " jobs can " in line]
    assert len(warned) == 1 and "commands.fail.argv: jobs can write the code that sh runs" in warned[0]


@pytest.mark.parametrize("program", ["errandd", "errand-worker"])
def test_a_check_warns_of_commands_that_let_jobs_choose_what_runs(tmp_path, program):
    commands = {"any": {"argv": ["env", "{args}"]}, "one": {"argv": ["env", "ls", "{args}"]}}
    flags = settings(tmp_path, commands=commands)
    command = [BIN / program, *flags, "--check-config"]
    done = subprocess.run(command, capture_output=True, timeout=60, env=clean_environment())
    assert done.returncode == 0, done.stderr
    *warnings, verdict = done.stdout.decode().splitlines()
    assert [line for line in warnings if "commands" in line] == [
        'warning: commands.any.argv: jobs can choose the program that env starts, by "{args}"',
    ]
    assert verdict == "the settings are good"


@pytest.mark.parametrize(
    "command, line, words",
    [
        ({"argv": ["/no/such/program"]}, 3, "argv: found the program"),
        ({"argv": ["echo", "{1}"]}, 3, "argv: found {1} without {0}"),
        ({"argv": ["echo"], "timeout": "soon"}, 5, 'timeout: found "soon", expected a duration'),
        ({"argv": ["echo"], "user": "no-such-user"}, 5, "user: found"),
        ({"argv": ["echo"], "shell": True}, 5, "shell: found an unknown key"),
        ({"argv": ["echo"], "directory": "/no/such"}, 5, "directory: found"),
    ],
)
def test_a_bad_command_is_told_with_its_line(tmp_path, command, line, words):
    from test_settings import check

    text = yaml.safe_dump({"commands": {"bad": command}}, sort_keys=False)
    status, said = check(tmp_path, text)
    assert status == 2
    assert said.startswith(f"errandd: FILE:{line}: commands.bad.{words}"), f"{text}\n{said}"


def test_sighup_says_that_commands_stay_as_they_are(tmp_path, start_server):
    flags = settings(tmp_path)
    server = start_server(*flags)
    settings(tmp_path, commands={"other": {"argv": ["true"]}})
    server.signal(signal.SIGHUP)
    wait_until(lambda: " reloaded " in server.log_text(), "a reload")
    assert "setting_not_changed key=commands" in server.log_text()
    assert os.path.exists(flags[1])
