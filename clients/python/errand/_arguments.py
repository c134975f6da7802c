"""The arguments of a function as the JSON of a job, and back.

A call is told by parameter names, `{"width": 100}`, so that any language can submit it. What has no
name of its own (positional-only parameters and *args) is a list below `*`."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ._encoding import check_json

POSITIONAL = "*"  # can be no name of a parameter

_UNNAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


def to_json(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """A call as JSON. TypeError if the function takes no such call, TypeError or ValueError naming
    the argument if it can not be told in JSON."""
    bound = signature.bind(*args, **kwargs)
    body: dict[str, Any] = {}
    unnamed: list[Any] = []
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            for key, item in value.items():
                check_json(item, f"argument {key!r}")
            body.update(value)
            continue
        check_json(value, f"argument {name!r}")
        if kind is inspect.Parameter.VAR_POSITIONAL:
            unnamed.extend(value)
        elif kind is inspect.Parameter.POSITIONAL_ONLY or _before_star(signature, name, bound):
            unnamed.append(value)
        else:
            body[name] = value
    if unnamed:
        body[POSITIONAL] = unnamed
    return body


def _before_star(signature: inspect.Signature, name: str, bound: inspect.BoundArguments) -> bool:
    """Whether values in *args follow, which can only be given when this one has no name either."""
    for parameter in signature.parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            named = signature.parameters[name].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            return named and bool(bound.arguments.get(parameter.name))
    return False


def from_json(body: Any) -> tuple[list[Any], dict[str, Any]]:
    """The call that JSON tells: an object is by name, a list by position, anything else but null
    is the one argument."""
    if body is None:
        return [], {}
    if isinstance(body, list):
        return body, {}
    if not isinstance(body, dict):
        return [body], {}
    named = dict(body)
    unnamed = named.pop(POSITIONAL, [])
    return (unnamed if isinstance(unnamed, list) else [unnamed]), named
