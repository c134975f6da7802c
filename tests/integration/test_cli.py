"""The command line client: what it prints, and its exit status."""

import json
import os
import subprocess
import uuid

import pytest

from harness.cli import Cli
from harness.errandd import BIN
from harness.webhooks import is_signed_by, new_secret

OK, NO_SUCCESS, USAGE, NOT_FOUND, UNREACHABLE, REFUSED = range(6)


def test_fetch_prints_the_id_at_once(cli, origin, api):
    finished = cli.ok("fetch", origin.url + "/hang")
    job_id = finished.text.strip()
    assert str(uuid.UUID(job_id)) == job_id and not finished.err
    assert api.get("/v1/jobs/" + job_id).status == 200
    origin.released.set()


def test_fetch_with_wait_prints_the_body_as_it_is(cli, origin):
    assert cli.ok("fetch", origin.url + "/big/200000", "--wait").out == b"x" * 200000
    assert cli.ok("fetch", "--wait=30s", origin.url + "/ok?body=hi").out == b"hi"


def test_fetch_sends_method_headers_and_data(cli, origin, tmp_path):
    url = origin.url + "/echo"
    sent = cli.ok("fetch", url, "-w", "-X", "PUT", "-H", "X-One: 1", "-H", "x-two:2", "-d", "text")
    seen = json.loads(sent.out)
    assert seen["method"] == "PUT" and seen["body"] == "text"
    assert seen["headers"]["x-one"] == "1" and seen["headers"]["x-two"] == "2"
    body = tmp_path / "body"
    body.write_bytes(b"from\nfile")
    assert json.loads(cli.ok("fetch", url, "-w", "--data", f"@{body}").out)["body"] == "from\nfile"
    piped = cli.ok("fetch", url, "-w", "--data", "@-", input=b"piped")
    assert json.loads(piped.out)["body"] == "piped" and json.loads(piped.out)["method"] == "POST"
    empty = json.loads(cli.ok("fetch", url, "-w", "--data", "@-", input=b"").out)
    assert empty["body"] == "" and empty["method"] == "POST"


def test_job_options_become_fields_of_the_job(cli, api):
    job_id = str(uuid.uuid4())
    # fmt: off
    cli.ok(
        "fetch", "http://127.0.0.1:1/", "--id", job_id, "-q", "mine", "-p", "-7", "--delay", "90m",
        "--attempt-timeout", "1.5s", "--retention", "2d", "--max-attempts", "4", "--min-backoff", "250ms",
        "--max-backoff", "10m", "--multiplier", "1.5", "--success-code", "404", "--success-code", "3xx",
        "--no-redirects", "--max-body-bytes", "1000", "--callback", "http://127.0.0.1:1/cb",
        "--callback-format", "raw", "--callback-on", "failed", "--callback-on", "SUCCEEDED",
    )
    # fmt: on
    job = api.get(f"/v1/jobs/{job_id}?view=FULL").json()
    expected = {
        "queue": "mine",
        "priority": -7,
        "delay": "5400s",
        "attemptTimeout": "1.500s",
        "retention": "172800s",
        "retry": {
            "maxAttempts": 4,
            "minBackoff": "0.250s",
            "maxBackoff": "600s",
            "multiplier": 1.5,
        },
        "http": {
            "url": "http://127.0.0.1:1/",
            "successCodes": ["404", "3xx"],
            "followRedirects": False,
            "maxBodyBytes": "1000",
        },
        "callback": {
            "url": "http://127.0.0.1:1/cb",
            "format": "RAW",
            "on": ["FAILED", "SUCCEEDED"],
        },
    }
    assert {name: job[name] for name in expected} == expected


def test_a_job_can_be_scheduled_at_a_time(cli, api):
    job_id = cli.ok("fetch", "http://x/", "--at", "2099-01-31T12:00:00+01:00").text.strip()
    assert api.get("/v1/jobs/" + job_id).json()["scheduleTime"] == "2099-01-31T11:00:00Z"


def test_a_callback_secret_comes_from_a_file_or_the_environment(cli, origin, tmp_path):
    from_file, from_environment = new_secret(), new_secret()
    (tmp_path / "secret").write_text(from_file + "\n")
    fetch = ("fetch", origin.url + "/ok", "--callback")
    cli.ok(*fetch, origin.url + "/deliver/1", "--callback-secret-file", tmp_path / "secret")
    cli.ok(*fetch, origin.url + "/deliver/2", env={"ERRAND_CALLBACK_SECRET": from_environment})
    for path, secret in (("/deliver/1", from_file), ("/deliver/2", from_environment)):
        (delivery,) = origin.wait_for(path)
        assert is_signed_by(secret, delivery.headers, delivery.body)


def test_submit_takes_arguments_or_data(cli, worker, tmp_path):
    cli.ok("submit", "task", "--args", '{"width": 5}')
    assert dict(worker.lease_one().job.args.struct_value.items()) == {"width": 5}
    (tmp_path / "input").write_bytes(b"\0\1\2")
    cli.ok("submit", "task", "--data", tmp_path / "input", "--content-type", "image/png")
    data = worker.lease_one().job.data
    assert (data.body, data.content_type) == (b"\0\1\2", "image/png")
    cli.ok("submit", "task")
    assert worker.lease_one().job.args.WhichOneof("kind") == "null_value"


def test_a_file_of_jobs_is_submitted_in_order(cli, api, tmp_path):
    lines = tmp_path / "jobs.ndjson"
    jobs = [{"kind": "task", "args": i} for i in range(2500)]
    lines.write_text("\n\n".join(json.dumps(job) for job in jobs))
    finished = cli.ok("submit", "--file", lines)
    ids = finished.text.split()
    assert len(set(ids)) == 2500 and not finished.err
    for i in (0, 1, 999, 1000, 2499):
        job = api.get(f"/v1/jobs/{ids[i]}?view=FULL").json()
        assert job.get("args") == i


def test_refused_lines_are_told_by_number_and_the_others_are_stored(cli, api):
    lines = b"\n".join(
        [
            b'{"kind": "task", "args": 1}',
            b"not json",
            b'{"kind": "task", "args": 1, "priority": 1000}',
            b"",
            b'{"kind": "task", "args": 1, "colour": "blue"}',
            b'{"kind": "task", "args": 2}',
        ]
    )
    finished = cli("submit", "--file", "-", input=lines)
    assert finished.status == REFUSED
    assert len(finished.text.split()) == 2
    told = [line for line in finished.err.splitlines() if line.startswith("errand: line ")]
    assert sorted(line.split(":")[1].strip() for line in told) == ["line 2", "line 3", "line 5"]
    assert len(api.get("/v1/jobs").json()["jobs"]) == 2


def test_a_file_submitted_again_under_its_request_id_is_stored_once(cli, api, tmp_path):
    lines = tmp_path / "jobs.ndjson"
    lines.write_text('{"kind": "task", "args": 1}\n' * 30)
    first = cli.ok("submit", "--file", lines, "--request-id", "night-7")
    again = cli.ok("submit", "--file", lines, "--request-id", "night-7")
    assert first.text == again.text and len(set(first.text.split())) == 30
    assert len(api.get("/v1/jobs?pageSize=100").json()["jobs"]) == 30


def test_get_shows_the_job(cli, origin):
    job_id = cli.ok("fetch", origin.url + "/ok").text.strip()
    cli.ok("wait", job_id)
    shown = dict(line.split(None, 1) for line in cli.ok("get", job_id).text.splitlines())
    assert shown["id"] == job_id and shown["state"] == "SUCCEEDED" and shown["attempt"] == "1"
    assert shown["url"] == origin.url + "/ok"


def test_result_prints_what_the_job_produced(cli, origin, worker):
    job_id = cli.ok("fetch", origin.url + "/ok?body=raw").text.strip()
    assert cli.ok("result", job_id, "--wait", "30s").out == b"raw"
    (document,) = cli.ok("-o", "json", "result", job_id).documents
    assert document["id"] == job_id and document["result"]["http"]["status"] == 200


def test_a_job_without_success_has_its_own_status(cli, origin):
    failed = cli("fetch", origin.url + "/status/404", "--wait")
    assert failed.status == NO_SUCCESS and not failed.out and "404" in failed.err
    job_id = cli.ok("fetch", origin.url + "/status/404").text.strip()
    waited = cli("wait", job_id)
    assert waited.status == NO_SUCCESS and waited.text == f"{job_id} FAILED\n"
    assert cli("result", job_id).status == NO_SUCCESS


def test_a_job_that_has_not_ended_is_a_timeout(cli, origin):
    job_id = cli.ok("fetch", origin.url + "/hang").text.strip()
    for words in (("result",), ("result", "--wait", "0.1s"), ("wait", "--for", "0.1s")):
        finished = cli(*words, job_id)
        assert finished.status == UNREACHABLE and job_id in finished.err, finished
    origin.released.set()


def test_wait_waits_for_all_and_prints_their_states(cli, origin):
    ids = [cli.ok("fetch", f"{origin.url}/slow/0.{i}").text.strip() for i in (3, 1, 2)]
    finished = cli.ok("wait", *ids)
    assert finished.text.splitlines() == [f"{job_id} SUCCEEDED" for job_id in ids]


def test_ls_filters_and_follows_pages_up_to_the_limit(cli, tmp_path):
    lines = tmp_path / "jobs"
    lines.write_text('{"kind": "task", "args": 1, "queue": "a"}\n' * 1200 + '{"kind": "b", "args": 1}\n')
    ids = cli.ok("submit", "-f", lines).text.split()
    assert len(cli.ok("ls").text.splitlines()) == 51
    everything = cli.ok("-o", "json", "ls", "--limit", "0").documents
    assert sorted(job["id"] for job in everything) == sorted(ids)
    assert len(cli.ok("ls", "-n", "1100", "-o", "json").documents) == 1100
    (only,) = cli.ok("ls", "--kind", "b", "-o", "json").documents
    assert only["id"] == ids[-1]
    assert cli.ok("ls", "--queue", "a", "--state", "running", "-o", "json").documents == []


@pytest.mark.parametrize("written", ["team=web:2", "team:web:2"])
def test_a_label_is_written_alike_where_it_is_set_and_where_it_is_looked_for(cli, api, written):
    job_id = cli.ok("submit", "label", "--label", written).text.strip()
    assert api.get(f"/v1/jobs/{job_id}").json()["labels"] == {"team": "web:2"}
    assert job_id in cli.ok("ls", "--label", written).text
    assert job_id not in cli.ok("ls", "--label", "team=web").text


def test_unknown_and_malformed_ids_have_their_status(cli):
    for command in ("get", "result", "wait"):
        unknown = cli(command, str(uuid.uuid4()))
        assert unknown.status == NOT_FOUND
        assert all(line.count("errand: ") == 1 for line in unknown.err.splitlines()), unknown
        assert cli(command, "17").status == REFUSED


def test_what_the_server_refuses_is_told_with_the_fields(cli):
    finished = cli("fetch", "ftp://x/", "-p", "1000")
    assert finished.status == REFUSED
    assert "job.http.url" in finished.err and "job.priority" in finished.err


# fmt: off
@pytest.mark.parametrize("words", [
    (), ("brew",), ("cancel",), ("retry",), ("rm",), ("cancel", "x", "-q", "a"), ("rm", "--state", "happy"),
    ("queue",), ("queue", "brew"), ("queue", "pause"), ("queue", "ls", "--colour"), ("queue", "set", "a"),
    ("queue", "set", "a", "--rate-limit", "fast"), ("queue", "set", "a", "--rate-limit", "3/0x"),
    ("queue", "set", "a", "--burst", "2"), ("queue", "set", "a", "--rate-limit", "none", "--burst", "2"),
    ("queue", "set", "a", "--max-running", "many"), ("queue", "set", "a", "--aging", "soon"),
    ("watch",), ("explain",), ("backup",), ("backup", ""), ("top", "--interval", "0s"), ("stats", "x"),
    ("fetch", "http://x/", "--label", "colour"), ("fetch", "http://x/", "--label", "a=1", "--label", "a=2"),
    ("fetch", "http://x/", "--expire", "soon"), ("submit", "--file", "-", "--label", "a=b"),
    ("fetch", "http://x/", "--header", "none"), ("fetch", "http://x/", "--header", "A: 1", "--header", "a: 2"),
    ("exec", "x", "--env", "=1"), ("exec", "x", "--env", "A=1", "--env", "A=2"),
    ("fetch",), ("fetch", "a", "b"), ("fetch", "http://x/", "--colour"),
    ("get",), ("wait",), ("ls", "x"), ("fetch", "http://x/", "--delay", "soon"),
    ("fetch", "http://x/", "--delay"),
    ("submit",), ("submit", "k", "--args", "{"), ("submit", "k", "--args", "1", "--data", "x"),
    ("submit", "k", "--data", "/no/such/file"), ("submit", "--file", "/no/such/file"),
    ("submit", "k", "--file", "x"),
    ("submit", "--file", "-", "--priority", "3"), ("-o", "xml", "ls"), ("fetch", "http://x/", "-H", "none"),
    ("fetch", "http://x/", "--priority", "high"), ("fetch", "http://x/", "-q", "a", "-q", "b"),
    ("fetch", "http://x/", "--callback-format", "raw"), ("ls", "--limit", "-1"), ("ls", "--state", "happy"),
    ("--server", "foo://x", "ls"), ("--server", "", "ls"), ("--server", "tcp://127.0.0.1:99999", "ls"),
])
# fmt: on
def test_wrong_usage_has_its_status_and_says_why(words):
    finished = Cli("tcp://127.0.0.1:1")(*words)
    assert finished.status == USAGE and not finished.out
    assert finished.err.startswith("errand: ") and "--help" in finished.err


def test_help_and_version_need_no_server():
    offline = Cli("tcp://127.0.0.1:1")
    assert "fetch" in offline.ok("--help").text
    assert "--callback-format" in offline.ok("fetch", "--help").text
    assert offline.ok("help").text == offline.ok("--help").text
    assert offline.ok("help", "fetch").text == offline.ok("fetch", "--help").text
    assert offline.ok("help", "queue").text == offline.ok("queue", "--help").text
    assert offline.ok("help", "queue", "set").text == offline.ok("queue", "set", "--help").text
    assert offline("help", "nonsense").status == USAGE
    assert offline.ok("--version").text.startswith("errand ")
    assert offline.ok("ls", "--version").text == offline.ok("--version").text


def test_an_argument_too_many_is_named():
    finished = Cli("tcp://127.0.0.1:1")("get", "one", "another")
    assert finished.status == USAGE and '"another"' in finished.err


def test_control_characters_of_others_do_not_reach_the_terminal(cli):
    job_id = cli.ok("submit", "task", "--label", "a=\x1b[31m\x9bx", "--unique-key", "\x07key").text.strip()
    shown = cli.ok("get", job_id).text
    assert "label      a= [31m  x\n" in shown and "unique key  key\n" in shown, shown
    (job,) = cli.ok("-o", "json", "get", job_id).documents
    assert job["labels"] == {"a": "\x1b[31m\x9bx"}


@pytest.mark.parametrize("words", [("queue", "ls"), ("queue", "ls", "a"), ("worker", "ls"), ("ls",)])
def test_a_table_without_an_answer_has_no_head(words):
    process = subprocess.run(
        [BIN / "errand", "--server", "tcp://127.0.0.1:1", "--timeout", "0.2s", *words],
        capture_output=True,
        timeout=60,
    )
    assert process.returncode == UNREACHABLE and process.stdout == b""


def test_a_table_of_nothing_has_a_head(cli):
    assert cli.ok("queue", "ls").text.split()[0] == "NAME"
    assert cli("queue", "ls", "nothing").out == b""


def test_no_server_is_a_status_of_its_own():
    process = subprocess.run(
        [BIN / "errand", "--server", "tcp://127.0.0.1:1", "--timeout", "0.2s", "ls"],
        capture_output=True,
        timeout=60,
    )
    assert process.returncode == UNREACHABLE and b"127.0.0.1:1" in process.stderr
    assert process.stdout == b""


def run_with_stdout(server, stdout, *words, **options):
    return subprocess.run(
        [BIN / "errand", "--server", server.rpc, "--timeout", "60s", *words],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=90,
        **options,
    )


def test_output_that_can_not_be_written_is_an_error(server, origin):
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full", "wb") as full, os.fdopen(writer, "wb") as broken:
        for stdout in (full, broken):
            finished = run_with_stdout(server, stdout, "fetch", origin.url + "/ok", "--wait")
            assert finished.returncode == NO_SUCCESS and b"standard output" in finished.stderr
    closed = run_with_stdout(
        server, subprocess.DEVNULL, "fetch", origin.url + "/ok", preexec_fn=lambda: os.close(1)
    )
    assert closed.returncode == NO_SUCCESS and b"standard output" in closed.stderr


def test_json_rpc_and_the_command_line_agree(cli, api, rpc, origin):
    """One job, seen through each interface, is the same document."""
    from google.protobuf import json_format

    from errand.v1 import job_pb2, job_service_pb2 as messages

    job_id = cli.ok("fetch", origin.url + "/ok", "-q", "agree", "--callback", "http://x/cb").text.strip()
    cli.ok("wait", job_id)
    over_rpc = rpc.jobs.Get(messages.GetJobRequest(id=job_id, view=job_pb2.FULL))
    expected = json_format.MessageToDict(over_rpc)
    assert api.get(f"/v1/jobs/{job_id}?view=FULL").json() == expected
    basic = json_format.MessageToDict(rpc.jobs.Get(messages.GetJobRequest(id=job_id)))
    assert cli.ok("get", job_id, "-o", "json").documents == [basic]
    assert cli.ok("ls", "--queue", "agree", "-o", "json").documents == [basic]
    result = json_format.MessageToDict(rpc.jobs.GetResult(messages.GetResultRequest(id=job_id)))
    assert cli.ok("result", job_id, "-o", "json").documents == [result]
    assert api.get(f"/v1/jobs/{job_id}/result").json() == result
