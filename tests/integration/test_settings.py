"""Settings of a server: refused at the start with their place, and changed by SIGHUP."""

import signal
import subprocess

import pytest

from harness.errandd import BIN, clean_environment
from harness.http_api import HttpApi
from harness.tokens import hash_of
from harness.waiting import wait_until


def check(tmp_path, text, *flags, **variables):
    """Checks a settings file; gives the exit status and what it said."""
    file = tmp_path / "errandd.yaml"
    file.write_text(text)
    done = subprocess.run(
        [BIN / "errandd", "--config", file, "--check-config", *flags],
        capture_output=True,
        timeout=60,
        env={**clean_environment(), **variables},
    )
    return done.returncode, done.stderr.decode().replace(str(file), "FILE")


@pytest.mark.parametrize(
    "text, place, found, expected",
    [
        ("data: x\nbogus: 1\n", "FILE:2:", '"bogus"', "one of data, rpc,"),
        ("workers: many\n", "FILE:1: workers:", '"many"', "a whole number from 0 to"),
        ("drain_timeout: 5\n", "FILE:1: drain_timeout:", '"5"', "a duration such as"),
        ("a: [\n", "FILE:2:", "no YAML here", "settings"),
        ('commands:\n  a: {argv: [ls], env: {"A=B": c}}\n', "FILE:2: commands:", '"env"', "argv=PROGRAM"),
        ("origins: [https://a.example, https://b.example/]\n", "FILE:1: origins:", '"https://b.example/"', "without a path"),
        ("origins: [a.example]\n", "FILE:1: origins:", '"a.example"', "such as https://"),
        ("max_message: 95KiB\n", "FILE:1: max_message:", '"95KiB"', "from 96KiB to 1GiB"),
        ("webhook_secrets:\n  a: hush\n", "FILE:2: webhook_secrets:", "not shown", "whsec_"),
        ("queues:\n  a: max_running=-1\n", "FILE:2: queues.a.max_running:", '"-1"', "a whole number"),
        ("queues:\n  a: burst=3\n", "FILE:2: queues.a.burst:", "no rate_limit", "both or neither"),
        ("queues:\n  a: {paused: true,\n      rate_limit: 0/1s}\n", "FILE:3: queues.a.rate_limit:", '"0/1s"', "10/1s"),
        ("queues:\n  a: {color: red}\n", "FILE:2: queues.a.color:", "an unknown key", "rate_limit, burst"),
        ("queues:\n  a b: paused=true\n", "FILE:2: queues.a b:", "this name", "{1,64}"),
        ("queues:\n  a: {}\n", "FILE:2: queues:", '"a"', "rate_limit=10/1s"),
        ("queues:\n  a: paused=true\n  a: paused=true\n", "FILE:3: queues:", '"a" a second time', "once"),
        ("rpc: tcp://127.0.0.1\n", "FILE:1: rpc:", '"tcp://127.0.0.1"', "HOST:PORT"),
        ("results: [tcp://127.0.0.1:65536]\n", "FILE:1: results:", ":65536", "a port from 0 to 65535"),
        ("rpc: [" + "tcp://a:1," * 16 + "tcp://a:1]\n", "FILE:1: rpc:", "tcp", "at most 16 texts"),
    ],
)
def test_a_bad_setting_is_told_with_its_place(tmp_path, text, place, found, expected):
    status, said = check(tmp_path, text)
    assert status == 2
    assert said.startswith("errandd: " + place), said
    assert found in said and "expected" in said and expected in said, said
    assert "hush" not in said


def test_origins_have_a_scheme_a_host_and_maybe_a_port(tmp_path):
    good = ["*", "null", "http://localhost:3000", "https://[::1]:8443", "chrome-extension://abc"]
    assert check(tmp_path, f"origins: {good}\n") == (0, "")
    for bad in ("https://", "https://a:", "https://a:b", "https://[::1", "://a", "https://u@a", "https://a b"):
        assert check(tmp_path, "", "--origins", bad)[0] == 2, bad


def test_the_smallest_message_carries_jobs_and_results(tmp_path):
    assert check(tmp_path, "max_message: 96KiB\nmax_input: 8KiB\nmax_result: 8KiB\n") == (0, "")


def test_a_secret_may_not_stand_on_the_command_line(tmp_path):
    good = "prod=whsec_" + "QUJD" * 10
    status, said = check(tmp_path, "", "--webhook-secrets", good)
    assert status == 2
    assert "ERRAND_WEBHOOK_SECRETS" in said and "QUJD" not in said


@pytest.mark.parametrize(
    "text, place, found",
    [
        ("data: x\nrpc: tcp://0.0.0.0:1\n", "FILE:2: rpc:", "tcp://0.0.0.0:1"),
        ("http: 0.0.0.0:1\n", "FILE:1: http:", "0.0.0.0:1"),
        ("http: 127.example.org:1\n", "FILE:1: http:", "127.example.org:1"),
        ("rpc: tcp://127.0.0.1.example.org:1\n", "FILE:1: rpc:", "127.0.0.1.example.org:1"),
        ("data: x\n\nmax_input: 64MiB\n", "FILE:3: max_input:", "67108864"),
        ("http_tls:\n  key: x\n  cert: /nowhere\n", "FILE:3: http_tls.cert:", "/nowhere"),
    ],
)
def test_settings_that_do_not_fit_together_are_told_with_their_place(tmp_path, text, place, found):
    status, said = check(tmp_path, text)
    assert status == 2 and said.startswith("errandd: " + place) and found in said, said


def test_a_setting_that_does_not_come_from_the_file_is_not_said_to_stand_there(tmp_path):
    text = "http: 0.0.0.0:1\n"
    status, said = check(tmp_path, text, "--http", "0.0.0.0:3", ERRAND_HTTP="0.0.0.0:2")
    assert status == 2 and said.startswith("errandd: http: 0.0.0.0:3 can be reached"), said
    status, said = check(tmp_path, text, ERRAND_HTTP="0.0.0.0:2")
    assert status == 2 and said.startswith("errandd: http: 0.0.0.0:2 can be reached"), said


def test_lists_of_tokens_queues_and_commands_may_stand_in_the_environment(tmp_path):
    hashes = [hash_of("one"), hash_of("two")]
    good = f"ci=hash={hashes[0]} scopes=submit,read queues=a,b,ops=hash={hashes[1]} scopes="
    assert check(tmp_path, "", ERRAND_TOKENS=good + "admin,work") == (0, "")
    status, said = check(tmp_path, "", ERRAND_TOKENS=good + "admin,root")
    assert status == 2 and said.startswith('errandd: ERRAND_TOKENS.ops.scopes: found "root"'), said
    status, said = check(tmp_path, "", ERRAND_QUEUES="a=paused=true aging=1s,b=max_depth=-1")
    assert status == 2 and said.startswith("errandd: ERRAND_QUEUES.b.max_depth:"), said
    command = "c=argv=sh,-c,true timeout=1s,d=argv=true timeout="
    assert check(tmp_path, "", ERRAND_COMMANDS=command + "2s") == (0, "")
    status, said = check(tmp_path, "", ERRAND_COMMANDS=command + "soon")
    assert status == 2 and said.startswith("errandd: ERRAND_COMMANDS.d.timeout:"), said


def test_sighup_reloads_what_can_be_and_says_what_can_not(tmp_path, start_server):
    file = tmp_path / "errandd.yaml"
    file.write_text("log_level: error\nmax_result: 1MiB\n")
    server = start_server("--config", str(file))
    assert " info " not in server.log_text()

    file.write_text("log_level: info\nmax_result: 2MiB\nbogus: 1\n")
    server.signal(signal.SIGHUP)
    wait_until(lambda: "reload_failed" in server.log_text(), "a bad file is refused")

    file.write_text("log_level: info\nmax_result: 2MiB\n")
    server.signal(signal.SIGHUP)
    wait_until(lambda: " reloaded " in server.log_text(), "the reload")
    assert "setting_not_changed key=max_result" in server.log_text()
    assert server.is_running()


def test_queues_are_set_as_the_configuration_says(tmp_path, start_server):
    file = tmp_path / "errandd.yaml"
    file.write_text("queues:\n  mail: rate_limit=10/2s burst=5 max_running=3\n  bulk: {paused: true}\n")
    server = start_server("--config", str(file))
    api = HttpApi(server.http)
    mail = api.get("/v1/queues/mail").json()
    assert mail == {
        "name": "mail",
        "rateLimit": {"count": "10", "per": "2s", "burst": "5"},
        "maxRunning": 3,
    }
    assert api.get("/v1/queues/bulk").json()["paused"] is True
    json_type = {"content-type": "application/json"}
    api.request("PATCH", "/v1/queues/mail", b'{"maxDepth": "7"}', json_type)

    file.write_text("queues:\n  mail: max_running=4 aging=1.5s\n")
    server.signal(signal.SIGHUP)
    wait_until(lambda: " reloaded " in server.log_text(), "the reload")
    changed = api.get("/v1/queues/mail").json()
    assert changed == {**mail, "maxRunning": 4, "aging": "1.500s", "maxDepth": "7"}
