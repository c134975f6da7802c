"""Holds each JSON answer of the HTTP API against the OpenAPI document of the same build."""

import collections
import functools
import json
import pathlib
import re
import sys

# Of one kind of answer, so that tests with thousands of requests do not wait for their schemas.
MOST_CHECKS = 100

checked = collections.Counter()


@functools.cache
def built_document():
    """The document of the build; None where it or jsonschema is not there."""
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        return None
    for folder in map(pathlib.Path, sys.path):
        if (folder / "openapi.json").is_file():
            return json.loads((folder / "openapi.json").read_text())
    return None


@functools.cache
def templates():
    """Each path as an expression, those with fewer variables first."""
    paths = sorted(built_document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in paths]


def operation_of(method, path):
    for expression, template in templates():
        operation = built_document()["paths"][template].get(method.lower())
        if operation and expression.fullmatch(path):
            return template, operation
    return None, None


def answers_of(document, operation, status):
    """The media types of an answer with this status."""
    answers = operation["responses"] if operation else {"default": {"$ref": "/Problem"}}
    answer = answers.get(str(status), answers["default"])
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].split("/")[-1]]
    return answer.get("content", {})


def validator_of(document, content):
    """Of what the document says of a media type."""
    import jsonschema

    schema = {**content["schema"], "components": document["components"]}
    return jsonschema.Draft202012Validator(schema)


@functools.cache
def built_validator(method, template, status, media):
    document = built_document()
    operation = document["paths"][template][method.lower()] if template else None
    return validator_of(document, answers_of(document, operation, status)[media])


def check(method, target, answer):
    """Fails when the document says something else about this answer."""
    is_json = answer.content_type in ("application/json", "application/problem+json")
    if not answer.body or not is_json or "content-encoding" in answer.headers or built_document() is None:
        return
    template, operation = operation_of(method, target.split("?")[0])
    if target.startswith("/errand.") and (template is None or answer.status != 200):
        return  # Connect has errors of its own, and reads by GET that need no description
    kind = method, template, answer.status
    checked[kind] += 1
    media = answers_of(built_document(), operation, answer.status)
    if checked[kind] > MOST_CHECKS or "*/*" in media:
        return
    assert answer.content_type in media, f"{kind} is not said to answer with {answer.content_type}"
    fault = next(built_validator(*kind, answer.content_type).iter_errors(answer.json()), None)
    assert fault is None, f"{kind} is not as described: {fault}"
