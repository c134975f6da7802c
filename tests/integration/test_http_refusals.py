"""What the HTTP API refuses, and how it says so."""

import json
import uuid

import pytest

FETCH = {"http": {"url": "http://127.0.0.1:1/"}}


def refused(answer, status, code, field=None):
    assert answer.status == status, answer
    assert answer.content_type == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and problem["code"] == code, problem
    assert problem["title"] and problem["detail"] and problem["type"]
    if field is not None:
        assert field in [violation["field"] for violation in problem["violations"]], problem
    return problem


@pytest.mark.parametrize(
    "job, field",
    [
        ({}, "input"),
        ({"http": {}}, "http.url"),
        ({"http": {"url": "ftp://example.org/x"}}, "http.url"),
        ({"http": {"url": "/relative"}}, "http.url"),
        ({"http": {"url": 5}}, "http.url"),
        ({"http": []}, "http"),
        ({**FETCH, "priority": "high"}, "priority"),
        ({**FETCH, "priority": 101}, "priority"),
        ({**FETCH, "priority": 1.5}, "priority"),
        ({**FETCH, "delay": "soon"}, "delay"),
        ({**FETCH, "delay": "10"}, "delay"),
        ({**FETCH, "delay": "-1s"}, "delay"),
        ({**FETCH, "scheduleTime": "tomorrow"}, "schedule_time"),
        ({**FETCH, "delay": "1s", "scheduleTime": "2030-01-01T00:00:00Z"}, "delay"),
        ({**FETCH, "delay": "1s", "scheduleTime": "2030-01-01T00:00:00Z"}, "schedule_time"),
        ({**FETCH, "queue": "no spaces"}, "queue"),
        ({**FETCH, "id": "17"}, "id"),
        ({**FETCH, "retry": {"maxAttempts": -1}}, "retry.max_attempts"),
        ({**FETCH, "retry": {"multiplier": 0.5}}, "retry.multiplier"),
        ({**FETCH, "attemptTimeout": "0s"}, "attempt_timeout"),
        ({**FETCH, "callback": {"url": "mailto:x@example.org"}}, "callback.url"),
        ({**FETCH, "callback": {"url": "http://x/", "on": ["RUNNING"]}}, "callback.on[0]"),
        ({**FETCH, "callback": {"url": "http://x/", "secret": "guess"}}, "callback.secret"),
        ({**FETCH, "state": "SUCCEEDED"}, "state"),
        ({**FETCH, "attempt": 3}, "attempt"),
        ({"args": 5}, "kind"),
        ({"http": {"url": "http://x/", "headers": {"a b": "c"}}}, "http.headers"),
        ({"http": {"url": "http://x/", "headers": {"Host": "other"}}}, "http.headers"),
        ({"http": {"url": "http://x/", "headers": {"a": "b\r\nc: d"}}}, "http.headers"),
        ({"exec": {}}, "exec.name"),
        ({"exec": {"name": "rm -rf"}}, "exec.name"),
        ({"exec": {"name": "x", "args": ["a" * 131072]}}, "exec.args[0]"),
        ({"exec": {"name": "x", "env": {"A=B": "c"}}}, "exec.env"),
        ({"exec": {"name": "x", "env": {"ERRAND_JOB_ID": "c"}}}, "exec.env"),
        ({"exec": {"name": "x", "args": ["a\u0000b"]}}, None),
        ({**FETCH, "colour": "blue"}, "colour"),
        ({**FETCH, "args": 1}, None),
    ],
)
def test_a_wrong_field_is_named(shared_api, job, field):
    problem = refused(shared_api.post("/v1/jobs", job), 400, "INVALID_ARGUMENT")
    if field is not None:
        fields = [violation["field"] for violation in problem["violations"]]
        assert any(one == field or one.startswith(field + "[") for one in fields), problem


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b'"x"', b"\xff\xfe", b"{}{}", b"a=b"])
def test_what_is_no_json_object_is_refused(shared_api, body):
    refused(shared_api.post("/v1/jobs", body), 400, "INVALID_ARGUMENT")


def test_34_kilobytes_of_nested_values_are_refused(api):
    nested = b'{"kind": "k", "args": ' + b"[" * 17000 + b"]" * 17000 + b"}"
    refused(api.post("/v1/jobs", nested), 400, "INVALID_ARGUMENT")
    assert api.get("/healthz").status == 200


def test_a_20_megabyte_body_is_too_large(api):
    body = b'{"kind": "k", "data": {"body": "' + b"A" * (20 << 20) + b'"}}'
    try:
        answer = api.post("/v1/jobs", body)
    except (BrokenPipeError, ConnectionResetError):
        # It need not read what it will not take; that it lives is seen below.
        answer = None
    assert answer is None or answer.status == 413, answer
    assert api.get("/healthz").status == 200


def report(api, connect_path, megabytes):
    """The outcome of a job of its own, over HTTP; gives the answer and the id of the job."""
    worker = {"id": str(uuid.uuid4()), "kinds": ["report"]}
    job = api.submit({"kind": "report"})
    lease = {"worker": worker, "maxJobs": 1, "leaseSequence": "1"}
    (leased,) = api.post("/v1/work:lease", lease).json()["assignments"]
    success = {"data": {"body": "A" * (megabytes << 20)}}
    outcome = {"jobId": job["id"], "token": leased["token"], "success": success}
    body = {"worker": worker, "outcomeSequence": "1", "outcomes": [outcome]}
    return api.post(connect_path or "/v1/work:report", body), job["id"]


@pytest.mark.parametrize("path", [None, "/errand.v1.WorkerService/Report"])
def test_a_report_has_room_for_the_largest_result(api, path):
    answer, job_id = report(api, path, 20)
    assert answer.status == 200 and answer.json()["accepted"] == 1, answer
    output = api.get(f"/v1/jobs/{job_id}/output")
    assert output.status == 200 and len(output.body) == (20 << 20) * 3 // 4


def test_a_report_has_a_limit_too(api):
    try:
        answer, _ = report(api, None, 25)
    except (BrokenPipeError, ConnectionResetError):
        answer = None
    assert answer is None or answer.status == 413, answer
    assert api.get("/healthz").status == 200


def test_an_input_over_the_cap_is_refused(api):
    body = b'{"kind": "k", "data": {"body": "' + b"A" * (12 << 20) + b'"}}'
    refused(api.post("/v1/jobs", body), 429, "RESOURCE_EXHAUSTED")


def test_an_unknown_id_is_not_found(api):
    for unknown in (uuid.uuid4(), uuid.UUID(int=0)):
        for path in ("", "?view=FULL", "/result", "/result?wait=1s", "/output"):
            refused(api.get(f"/v1/jobs/{unknown}{path}"), 404, "NOT_FOUND")


@pytest.mark.parametrize("job_id", ["17", "x" * 36, "%00", "018f0000-0000-7000-8000-00000000000g"])
def test_a_malformed_id_is_named(shared_api, job_id):
    refused(shared_api.get("/v1/jobs/" + job_id), 400, "INVALID_ARGUMENT", "id")


def test_unknown_paths_and_methods_have_their_own_answers(api):
    assert api.get("/v2/jobs").status == 404
    assert api.get("/v1/nothing").status == 404
    answer = api.request("DELETE", "/v1/jobs")
    assert answer.status == 405 and "POST" in answer.headers["allow"]
    assert api.request("BREW", "/v1/jobs").status in (400, 405, 501)


@pytest.mark.parametrize(
    "query", ["colour=blue", "pageSize=x", "state=HAPPY", "state=1&state=2", "pageToken=%%%", "view=x"]
)
def test_a_wrong_query_is_refused(shared_api, query):
    assert shared_api.get("/v1/jobs?" + query).status == 400


def test_a_parameter_that_is_given_twice_is_named(shared_api):
    answer = shared_api.get("/v1/jobs?queue=a&label=a:1&labe%6c=b:2")
    refused(answer, 400, "INVALID_ARGUMENT", "label")


def test_a_page_token_that_was_not_given_out_is_refused(api):
    refused(api.get("/v1/jobs?pageToken=abcdef"), 400, "INVALID_ARGUMENT", "page_token")


def test_a_write_needs_a_json_content_type(api):
    body = json.dumps(FETCH).encode()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml"):
        answer = api.request("POST", "/v1/jobs", body, {"content-type": content_type})
        assert answer.status == 415, (content_type, answer)
    assert api.request("POST", "/v1/jobs", body, {}).status == 415
    utf8 = {"content-type": "application/json; charset=utf-8"}
    assert api.request("POST", "/v1/jobs", body, utf8).status == 201


def test_a_web_page_can_not_submit_jobs(api):
    for field, found, setting in (
        ("origin", "http://evil.example", "origins"),
        ("host", "evil.example", "hosts"),
    ):
        problem = refused(api.post("/v1/jobs", FETCH, {field: found}), 403, "PERMISSION_DENIED")
        assert f'found "{found}", expected' in problem["detail"], problem
        assert problem["detail"].endswith(f"setting {setting}"), problem
    assert api.post("/v1/jobs", FETCH, {"origin": "null"}).status == 403
    assert api.get("/v1/jobs").json().get("jobs", []) == []


def test_an_output_that_is_not_there_is_told_apart(api, origin):
    running = api.submit({"http": {"url": origin.url + "/hang"}})["id"]
    failed = api.submit({"http": {"url": origin.url + "/status/404"}})["id"]
    api.result(failed)
    assert api.get(f"/v1/jobs/{running}/output").status == 202
    assert api.get(f"/v1/jobs/{running}/result").status == 202
    assert api.get(f"/v1/jobs/{failed}/output").status == 409
    origin.released.set()
