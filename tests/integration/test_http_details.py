"""What HTTP itself offers: negotiation, entity tags, other pages' requests, bodies in pieces."""

import gzip
import json

import pytest

from harness.http_api import HttpApi
from harness.raw_http import RawHttp

HELD = {"kind": "task"}  # nobody runs it
JSON_TYPE = {"content-type": "application/json"}
PAGE = "https://app.example"


def jobs_of(api):
    return api.get("/v1/jobs").json()["jobs"]


# ---- negotiation ----


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=0", "text/*, application/xml", "*/*;q=0"]
)
def test_an_answer_that_nobody_wants_is_406_and_nothing_is_done(api, accept):
    answer = api.post("/v1/jobs", HELD, {"accept": accept})
    assert answer.status == 406 and answer.content_type == "application/problem+json"
    assert "application/json" in answer.json()["detail"]
    assert jobs_of(api) == []


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, */*;q=0.1", ""])
def test_an_answer_that_is_wanted_comes(shared_api, accept):
    assert shared_api.get("/v1/server", headers={"accept": accept}).status == 200


def test_each_kind_of_answer_is_negotiated_for_itself(api, origin):
    job = api.submit({"http": {"url": origin.url + "/ok"}})
    assert api.result(job["id"])["state"] == "SUCCEEDED"
    path = f"/v1/jobs/{job['id']}/output"
    output = api.get(path)
    assert output.status == 200
    kind = output.content_type
    assert api.get(path, headers={"accept": kind}).status == 200
    assert api.get(path, headers={"accept": "image/png"}).status == 406
    events = f"/v1/jobs/{job['id']}/events"
    assert api.get(events, headers={"accept": "application/json"}).status == 406
    assert api.get(events, headers={"accept": "text/event-stream"}).status == 200


# ---- entity tags ----


def test_a_job_that_has_not_changed_is_not_sent_again(api):
    job = api.submit(HELD)
    path = "/v1/jobs/" + job["id"]
    first = api.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"') and "no-cache" in first.headers["cache-control"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = api.get(path, headers={"if-none-match": known})
        assert again.status == 304 and again.body == b"", known
        assert again.headers["etag"] == tag
        assert again.headers["vary"] == first.headers["vary"] == "Accept-Encoding"
        assert again.headers["content-length"] is None and again.headers["content-type"] is None
    head = api.request("HEAD", path, headers={"if-none-match": tag})
    assert head.status == 304
    # The whole job is something else than its short form.
    assert api.get(path + "?view=FULL", headers={"if-none-match": tag}).status == 200
    api.post(path + ":cancel", {})
    changed = api.get(path, headers={"if-none-match": tag})
    assert changed.status == 200 and changed.json()["state"] == "CANCELLED"
    assert changed.headers["etag"] != tag


def test_a_connection_goes_on_behind_a_304(server, api):
    path = "/v1/jobs/" + api.submit(HELD)["id"]
    tag = api.get(path).headers["etag"]
    with RawHttp(server.http) as raw:
        raw.request(f"GET {path} HTTP/1.1", [f"If-None-Match: {tag}"])
        raw.request("GET /healthz HTTP/1.1")
        assert raw.read_answer()[0] == 304
        assert raw.read_answer()[0] == 200


# ---- methods ----


@pytest.mark.parametrize(
    "path, allow",
    [
        ("/v1/jobs", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/v1/jobs/1", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("/v1/jobs/1:cancel", {"POST", "OPTIONS"}),
        ("/v1/queues/q", {"GET", "HEAD", "PATCH", "OPTIONS"}),
        ("/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("/errand.v1.JobService/Get", {"GET", "POST", "OPTIONS"}),
        ("/errand.v1.JobService/Submit", {"POST", "OPTIONS"}),
    ],
)
def test_options_and_405_name_the_methods_of_a_path(shared_api, path, allow):
    options = shared_api.request("OPTIONS", path)
    assert options.status == 204 and options.body == b""
    assert set(options.headers["allow"].split(", ")) == allow
    other = shared_api.request("PUT", path)
    assert other.status == 405 and set(other.headers["allow"].split(", ")) == allow


def test_options_of_a_path_that_is_not_there(shared_api):
    for path in ("/v2", "/errand.v1.JobService/Nothing"):
        assert shared_api.request("OPTIONS", path).status == 404


def test_head_is_get_without_the_body(shared_api):
    job = shared_api.submit(HELD)
    for path in ("/v1/jobs/" + job["id"], "/v1/server", "/healthz", "/v1/jobs/" + "x" * 36):
        get, head = shared_api.get(path), shared_api.request("HEAD", path)
        assert head.status == get.status and head.body == b""
        assert head.headers["content-length"] == get.headers["content-length"]
        assert head.headers["content-type"] == get.headers["content-type"]


# ---- pages of other origins ----


def preflight(api, origin, path="/v1/jobs", method="POST"):
    headers = {"origin": origin, "access-control-request-method": method}
    return api.request("OPTIONS", path, headers=headers)


def test_no_page_may_do_anything_unless_configured(shared_api):
    answer = preflight(shared_api, PAGE)
    assert answer.status == 403 and answer.headers["access-control-allow-origin"] is None


def test_a_page_that_is_configured_may_call(start_server):
    api = HttpApi(start_server("--origins", PAGE).http)
    for path in ("/v1/jobs", "/errand.v1.JobService/Submit"):
        answer = preflight(api, PAGE, path)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "content-type" in answer.headers["access-control-allow-headers"].lower()
        assert int(answer.headers["access-control-max-age"]) > 0
        assert answer.headers["access-control-allow-credentials"] is None
    answer = api.post("/v1/jobs", HELD, {"origin": PAGE})
    assert answer.status == 201 and answer.headers["access-control-allow-origin"] == PAGE
    assert "Location" in answer.headers["access-control-expose-headers"]
    assert "Origin" in answer.headers.get_all("vary")
    # A failure has to be readable too.
    answer = api.get("/v1/jobs/1", headers={"origin": PAGE})
    assert answer.status == 400 and answer.headers["access-control-allow-origin"] == PAGE
    for other in ("https://evil.example", PAGE + ".evil.example", "http://app.example", "null"):
        assert preflight(api, other).status == 403, other
    assert "Origin" in api.get("/v1/server").headers.get_all("vary")


def test_credentials_are_for_pages_known_by_name(start_server):
    api = HttpApi(start_server("--origins", PAGE, "--origins", "*", "--origin-credentials").http)
    assert preflight(api, PAGE).headers["access-control-allow-credentials"] == "true"
    other = preflight(api, "https://other.example")
    assert other.status == 204
    assert other.headers["access-control-allow-origin"] == "https://other.example"
    assert other.headers["access-control-allow-credentials"] is None


def test_the_connect_version_can_be_required(start_server):
    api = HttpApi(start_server("--require-connect-version").http)
    path = "/errand.v1.ServerService/GetInfo"
    assert api.post(path, {}).status == 400
    assert api.post(path, {}, {"connect-protocol-version": "1"}).status == 200
    query = "encoding=json&message=%7B%7D"
    assert api.get(f"{path}?{query}").status == 400
    assert api.get(f"{path}?{query}&connect=v1").status == 200


# ---- bodies ----


def test_large_answers_are_compressed_on_request(api):
    answer = api.post("/v1/jobs:batch", {"jobs": [HELD] * 30}, {"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(answer.body))["results"]) == 30
    for accept in ("gzip, br", "br;q=1.0, gzip;q=0.8, *;q=0.1"):
        answer = api.get("/v1/jobs", headers={"accept-encoding": accept})
        assert answer.headers["content-encoding"] == "gzip", accept
        assert "Accept-Encoding" in answer.headers.get_all("vary")
        assert len(json.loads(gzip.decompress(answer.body))["jobs"]) == 30
    plain = api.get("/v1/jobs", headers={"accept-encoding": "gzip;q=0, identity"})
    assert plain.headers["content-encoding"] is None and len(plain.json()["jobs"]) == 30
    assert "Accept-Encoding" in plain.headers.get_all("vary")
    head = api.request("HEAD", "/v1/jobs", headers={"accept-encoding": "gzip"})
    assert head.headers["content-encoding"] == "gzip"
    small = api.get("/healthz", headers={"accept-encoding": "gzip"})
    assert small.headers["content-encoding"] is None and small.json()


def test_a_compressed_body_is_read_within_the_cap(api):
    headers = {**JSON_TYPE, "content-encoding": "gzip"}
    body = gzip.compress(json.dumps(HELD).encode())
    assert api.request("POST", "/v1/jobs", body, headers).status == 201
    bomb = gzip.compress(b" " * (200 << 20))
    answer = api.request("POST", "/v1/jobs", bomb, headers)
    assert answer.status == 413 and answer.content_type == "application/problem+json"
    assert api.request("POST", "/v1/jobs", b"{}", headers).status == 400
    answer = api.request("POST", "/v1/jobs", body, {**JSON_TYPE, "content-encoding": "br"})
    assert answer.status == 415 and "gzip" in answer.headers["accept-encoding"]
    assert len(jobs_of(api)) == 1


def test_the_client_that_waits_is_told_to_continue(server):
    body = json.dumps(HELD).encode()
    head = ["Content-Type: application/json", f"Content-Length: {len(body)}", "Expect: 100-continue"]
    with RawHttp(server.http) as raw:
        raw.request("POST /v1/jobs HTTP/1.1", head)
        assert raw.read_head()[0] == 100
        raw.send(body)
        status, _, answer = raw.read_answer()
        assert status == 201 and json.loads(answer)["kind"] == "task"


def test_a_body_that_would_be_refused_is_not_asked_for(server):
    with RawHttp(server.http) as raw:
        head = ["Content-Type: text/plain", "Content-Length: 10000000", "Expect: 100-continue"]
        raw.request("POST /v1/jobs HTTP/1.1", head)
        assert raw.read_answer()[0] == 415


def test_a_body_in_chunks_of_one_byte(server):
    body = json.dumps(HELD).encode()
    with RawHttp(server.http) as raw:
        raw.request(
            "POST /v1/jobs HTTP/1.1", ["Content-Type: application/json", "Transfer-Encoding: chunked"]
        )
        for byte in body:
            raw.send(b"1\r\n" + bytes([byte]) + b"\r\n")
        raw.send(b"0\r\n\r\n")
        assert raw.read_answer()[0] == 201


@pytest.mark.parametrize(
    "fields",
    [
        ["Accept: text/html", "Accept: application/json"],
        ["Accept: application/json "],
        ["Content-Type: application/json; charset=utf-8 "],
        ["Content-Encoding: identity  "],
        ["Idempotency-Key: a "],
        ["Prefer: respond-async", "Prefer: wait=0"],
    ],
)
def test_lists_go_over_several_fields_and_blanks_behind_a_value_are_none_of_it(server, fields):
    body = json.dumps(HELD).encode()
    if not fields[0].startswith("Content-Type"):
        fields = ["Content-Type: application/json", *fields]
    with RawHttp(server.http) as raw:
        raw.request("POST /v1/jobs HTTP/1.1", [*fields, f"Content-Length: {len(body)} "], body)
        status, head, _ = raw.read_answer()
    assert status == 201
    assert head.get("preference-applied") == ("wait=0" if "Prefer: wait=0" in fields else None)


def test_an_entity_tag_is_found_in_any_of_several_fields(server, api):
    job = api.submit(HELD)
    with RawHttp(server.http) as raw:
        wanted = ['If-None-Match: "no"', 'If-None-Match: W/"1"']
        raw.request(f"GET /v1/jobs/{job['id']} HTTP/1.1", wanted)
        assert raw.read_head()[0] == 304


def test_a_hundred_requests_in_one_go_are_answered_in_order(server, api):
    body = json.dumps(HELD).encode()
    head = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    with RawHttp(server.http) as raw:
        for i in range(50):
            raw.request("POST /v1/jobs HTTP/1.1", [*head, f'Idempotency-Key: "{i}"'], body)
            raw.request(f"GET /v1/jobs/{i} HTTP/1.1")
        for _ in range(50):
            assert raw.read_answer()[0] == 201
            status, _, problem = raw.read_answer()
            assert status == 400 and json.loads(problem)["violations"][0]["field"] == "id"
    listed = api.get("/v1/jobs?pageSize=1000").json()["jobs"]
    assert len(listed) == 50 and {job["state"] for job in listed} == {"READY"}
