"""The OpenAPI document: whole, valid, and true of what the gateway answers."""

import importlib.util
import json
import pathlib
import re

import pytest

from harness.described import answers_of, validator_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUTE = re.compile(r'^    \{"([A-Z]+)",\s+"([^"]+)",', re.M)
RPC = re.compile(r"^  rpc (\w+)\(", re.M)
SERVICE = re.compile(r"^service (\w+) ", re.M)
HAS_JSONSCHEMA = importlib.util.find_spec("jsonschema") is not None
NEEDS_JSONSCHEMA = pytest.mark.skipif(
    not HAS_JSONSCHEMA, reason="jsonschema is not installed (Debian: python3-jsonschema)"
)


def document_of(api):
    answer = api.get("/openapi.json")
    assert answer.status == 200 and answer.content_type == "application/json", answer
    return answer.json()


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def test_every_route_of_the_table_is_in_it(shared_api):
    document = document_of(shared_api)
    routes = ROUTE.findall((ROOT / "gateway" / "routes.c").read_text())
    assert len(routes) > 25
    for method, pattern in routes:
        path = re.sub(r"\{(\w+)\.\w+\}", r"{\1}", pattern)
        assert method.lower() in document["paths"].get(path, {}), f"{method} {pattern}"


def test_every_method_of_the_protos_is_in_it(shared_api):
    document = document_of(shared_api)
    for proto in (ROOT / "proto" / "errand" / "v1").glob("*_service.proto"):
        text = proto.read_text()
        service = SERVICE.search(text)[1]
        for rpc in RPC.findall(text):
            assert f"/errand.v1.{service}/{rpc}" in document["paths"]


def test_the_document_is_well_formed(shared_api):
    """What the specification asks for, as far as this document goes."""
    document = document_of(shared_api)
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"] and document["info"]["version"]
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["responses"], where
        assert set(operation) <= {"summary", "tags", "parameters", "requestBody", "responses"}, where
        parameters = [(p["in"], p["name"]) for p in operation.get("parameters", [])]
        assert len(parameters) == len(set(parameters)), where
        in_path = {name for place, name in parameters if place == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), where
        for parameter in operation.get("parameters", []):
            assert parameter["schema"], where
            assert parameter["in"] != "path" or parameter["required"] is True, where
    shapes = [re.sub(r"\{\w+\}", "{}", path) for path in document["paths"]]
    assert len(shapes) == len(set(shapes)), "two paths that mean the same"


def test_what_is_no_json_has_the_type_that_is_said(shared_api):
    paths = document_of(shared_api)["paths"]
    for path in ("/", "/dashboard.js", "/dashboard.css", "/metrics"):
        answer = shared_api.get(path)
        assert list(paths[path]["get"]["responses"]["200"]["content"]) == [answer.content_type], path


def test_a_job_that_has_not_changed_is_told_as_304(shared_api):
    operation = document_of(shared_api)["paths"]["/v1/jobs/{id}"]["get"]
    assert "content" not in operation["responses"]["304"]
    assert ("header", "If-None-Match") in [(p["in"], p["name"]) for p in operation["parameters"]]


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from references(child)


def test_every_reference_leads_somewhere(shared_api):
    document = document_of(shared_api)
    found = set(references(document))
    assert "#/components/schemas/Job" in found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_a_validator_finds_no_fault(shared_api):
    validator = pytest.importorskip(
        "openapi_spec_validator", reason="openapi-spec-validator is not installed (PyPI)"
    )
    validator.validate(document_of(shared_api))


@NEEDS_JSONSCHEMA
def test_the_schemas_are_schemas_and_the_examples_fit_them(shared_api):
    import jsonschema

    document = document_of(shared_api)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    examples = 0
    for _, _, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (c for body in bodies for c in body.get("content", {}).values()):
            if "example" in content:
                validator_of(document, content).validate(content["example"])
                examples += 1
    assert examples > 15


@NEEDS_JSONSCHEMA
def test_real_answers_fit_their_schemas(api, origin):
    document = document_of(api)

    def send(method, template, body=None, **variables):
        path = template
        for name, value in variables.items():
            path = path.replace("{" + name + "}", value)
        if method == "post":
            answer = api.post(path, body if body is not None else {})
        else:
            content = None if body is None else json.dumps(body)
            answer = api.request(method.upper(), path, content, {"content-type": "application/json"})
        operation = document["paths"][template.split("?")[0]][method]
        media = answers_of(document, operation, answer.status)[answer.content_type]
        validator_of(document, media).validate(answer.json())
        return answer

    http = {"url": origin.url + "/ok", "headers": {"A": "b"}}
    job = send("post", "/v1/jobs", {"queue": "mail", "http": http, "labels": {"a": "b"},
                                    "retry": {"maxAttempts": 3}}).json()
    send("get", "/v1/jobs/{id}/result?wait=30s", id=job["id"])
    send("get", "/v1/jobs/{id}?view=FULL", id=job["id"])
    failing = send("post", "/v1/jobs", {"http": {"url": origin.url + "/status/404"}}).json()
    send("get", "/v1/jobs/{id}/result?wait=30s", id=failing["id"])
    send("get", "/v1/jobs/{id}", id=failing["id"])
    send("post", "/v1/jobs/{id}:retry", id=failing["id"])
    held = send("post", "/v1/jobs", {"kind": "task", "delay": "3600s", "args": {"a": [1, None]}}).json()
    send("get", "/v1/jobs/{id}:explain", id=held["id"])
    send("get", "/v1/jobs?pageSize=2")
    send("post", "/v1/jobs:batch", {"jobs": [{"kind": "task"}, {"queue": "not a name"}]})
    send("patch", "/v1/queues/{queue}", {"maxRunning": 5, "rateLimit": {"count": 5, "per": "1s"}},
         queue="mail")
    for verb in ("pause", "resume", "purge"):
        send("post", "/v1/queues/{queue}:" + verb, queue="mail")
    send("get", "/v1/queues")
    send("get", "/v1/queues/{queue}", queue="mail")
    send("post", "/v1/jobs/{id}:cancel", id=held["id"])
    send("delete", "/v1/jobs/{id}", id=held["id"])
    send("post", "/v1/jobs:delete", {"filter": {"queue": "default"}})
    worker = {"id": "01890000-0000-7000-8000-000000000001", "kinds": ["task"]}
    api.submit({"kind": "task"})
    send("post", "/v1/work:lease", {"worker": worker, "maxJobs": 1, "leaseSequence": 1})
    send("post", "/v1/work:heartbeat", {"worker": worker})
    for path in ("/v1/workers", "/v1/server", "/v1/server/stats", "/healthz", "/readyz"):
        send("get", path)
    assert send("get", "/v1/jobs/{id}", id="nonsense").status == 400
    assert send("post", "/v1/jobs", {"http": {"url": "ftp://x"}}).status == 400
