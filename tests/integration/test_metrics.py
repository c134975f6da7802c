"""Metrics: every name of the contract, valid to Prometheus, and true. The access log, and request ids."""

import json
import re
import shutil
import subprocess

import pytest

from harness.gateway import Gateway
from harness.http_api import HttpApi
from harness.raw_http import RawHttp
from harness.waiting import wait_until

PROMTOOL = shutil.which("promtool")
NEEDS_PROMTOOL = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed (Debian: prometheus)")

COUNTERS = """
    errand_jobs_submitted_total errand_jobs_finished_total errand_job_attempts_failed_total
    errand_rpc_requests_total errand_http_requests_total process_cpu_seconds_total
""".split()
GAUGES = """
    errand_jobs errand_queue_oldest_job_age_seconds errand_workers errand_results_queue_length
    errand_build_info process_resident_memory_bytes process_virtual_memory_bytes
    process_start_time_seconds process_open_fds process_max_fds
""".split()
HISTOGRAMS = """
    errand_job_wait_seconds errand_job_run_seconds errand_rpc_request_duration_seconds
    errand_store_commit_seconds errand_store_batch_jobs
""".split()


def read_metrics(api, **options):
    answer = api.get("/metrics", **options)
    assert answer.status == 200, answer
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


def value(text, sample):
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.M)
    assert found, f"no {sample} in:\n{text}"
    return float(found[1])


def some_jobs(api, origin):
    good = [api.submit({"queue": "mail", "http": {"url": origin.url + "/ok"}}) for _ in range(3)]
    bad = api.submit({"queue": "mail", "http": {"url": origin.url + "/status/404"}})
    for job in [*good, bad]:
        api.result(job["id"])


def test_every_metric_of_the_contract_is_there_with_its_type(api, origin):
    some_jobs(api, origin)
    read_metrics(api)
    text = read_metrics(api)
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    for kind, names in (("counter", COUNTERS), ("gauge", GAUGES), ("histogram", HISTOGRAMS)):
        assert {name: types.get(name) for name in names} == {name: kind for name in names}


@NEEDS_PROMTOOL
def test_promtool_finds_no_fault(api, origin):
    some_jobs(api, origin)
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=read_metrics(api).encode(),
                          capture_output=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr


def test_the_numbers_are_those_of_the_jobs(api, origin):
    some_jobs(api, origin)
    text = read_metrics(api)
    assert value(text, 'errand_jobs_submitted_total{queue="mail"}') == 4
    assert value(text, 'errand_jobs_finished_total{queue="mail",state="SUCCEEDED"}') == 3
    assert value(text, 'errand_jobs_finished_total{queue="mail",state="FAILED"}') == 1
    assert value(text, 'errand_job_attempts_failed_total{queue="mail"}') == 1
    assert value(text, 'errand_jobs{queue="mail",state="SUCCEEDED"}') == 3
    assert value(text, 'errand_job_wait_seconds_count{queue="mail"}') == 4
    assert value(text, 'errand_job_run_seconds_count{queue="mail"}') == 4
    assert value(text, 'errand_job_run_seconds_bucket{queue="mail",le="+Inf"}') == 4
    assert value(text, "errand_workers") == 1
    assert value(text, 'errand_rpc_requests_total{method="/errand.v1.JobService/Submit",code="OK"}') == 4
    assert value(text, 'errand_http_requests_total{route="POST /v1/jobs",code="201"}') == 4
    assert value(text, "errand_store_commit_seconds_count") >= 4


def test_what_clients_make_up_makes_no_series(api):
    for path in ("/nothing/1", "/nothing/2", "/errand.v1.JobService/Nothing"):
        assert api.get(path).status in (404, 405)
    text = read_metrics(api)
    assert value(text, 'errand_http_requests_total{route="other",code="404"}') >= 2
    assert "nothing" not in text.lower()


def test_beyond_metrics_queues_they_count_as_other(start_server):
    api = HttpApi(start_server("--metrics-queues", "1", "--workers", "0").http)
    for queue in ("first", "second", "third"):
        api.submit({"queue": queue, "kind": "task"})
    text = read_metrics(api)
    assert value(text, 'errand_jobs_submitted_total{queue="first"}') == 1
    assert value(text, 'errand_jobs_submitted_total{queue="other"}') == 2
    assert value(text, 'errand_jobs{queue="other",state="READY"}') == 2
    assert '"second"' not in text


def test_the_standalone_gateway_tells_its_own_numbers_with_and_without_its_server(server, tmp_path):
    gateway = Gateway(server, tmp_path / "gateway.log")
    try:
        api = HttpApi(gateway.http)
        api.get("/v1/queues")
        text = read_metrics(api)
        assert value(text, 'errand_http_requests_total{route="GET /v1/queues",code="200"}') == 1
        assert "errand_build_info" in text and "errand_jobs" not in text
        server.kill()
        assert "process_open_fds" in read_metrics(api)
    finally:
        gateway.stop()


def test_a_request_id_comes_back_or_is_made(api):
    named = api.get("/v1/queues", headers={"X-Request-Id": "mine-42"})
    assert named.headers["x-request-id"] == "mine-42"
    made = api.get("/v1/queues").headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", made)
    bad = api.get("/v1/queues", headers={"X-Request-Id": 'a"b'}).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f-]{36}", bad)


@pytest.mark.parametrize(
    "line, field, status",
    [
        ("GET /healthz HTTP/2.0", "X-Other: 1", 505),
        ("FOO /healthz HTTP/1.1", "X-Other: 1", 400),
        ("GET /healthz HTTP/1.1", "Broken : 1", 400),
        ("POST /v1/jobs HTTP/1.1", "Content-Length: 1e3", 400),
    ],
)
def test_what_is_no_good_request_has_an_id_too(shared_server, line, field, status):
    with RawHttp(shared_server.http) as raw:
        raw.request(line, [field])
        answer = raw.read_answer()
        assert answer[0] == status
        assert re.fullmatch(r"[0-9a-f-]{36}", answer[1]["x-request-id"])


TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_the_access_log_has_a_line_for_each_request(start_server):
    server = start_server("--access-log=true", "--log-format", "json")
    api = HttpApi(server.http)
    api.get("/v1/queues?pageSize=3",
            headers={"X-Request-Id": "r1", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})

    def line():
        found = [json.loads(text) for text in server.log_text().splitlines() if '"r1"' in text]
        return found[0] if found else None

    entry = wait_until(line, "a line in the log")
    assert entry["event"] == "http_request" and entry["method"] == "GET", entry
    assert entry["path"] == "/v1/queues" and entry["status"] == 200, entry
    assert entry["remote"] == "127.0.0.1" and entry["trace_id"] == TRACE, entry
    assert entry["duration_us"] >= 0 and entry["bytes"] > 0, entry


def test_without_the_access_log_nothing_is_logged_of_a_good_request(server, api):
    api.get("/v1/queues", headers={"X-Request-Id": "quiet-1"})
    api.get("/healthz")
    assert "quiet-1" not in server.log_text()
