"""Calls of functions as JSON."""

import inspect

import pytest

from errand._arguments import from_json, to_json


def plain(a, b=2, *, c=3):
    return a, b, c


def only_positions(a, b, /):
    return a, b


def star(a, *rest, c=3):
    return a, rest, c


def names(a, **rest):
    return a, rest


CALLS = [
    (plain, (1,), {}, {"a": 1}),
    (plain, (1, 5), {"c": 7}, {"a": 1, "b": 5, "c": 7}),
    (only_positions, (1, 2), {}, {"*": [1, 2]}),
    (star, (1,), {"c": 2}, {"a": 1, "c": 2}),
    (star, (1, 8, 9), {"c": 2}, {"*": [1, 8, 9], "c": 2}),
    (names, (1,), {"x": "y"}, {"a": 1, "x": "y"}),
]


@pytest.mark.parametrize("function, args, kwargs, body", CALLS)
def test_a_call_is_told_by_names_and_arrives_as_it_was(function, args, kwargs, body):
    assert to_json(inspect.signature(function), args, kwargs) == body
    told_args, told_kwargs = from_json(body)
    assert function(*told_args, **told_kwargs) == function(*args, **kwargs)


def test_what_other_languages_send_is_understood():
    assert from_json(None) == ([], {})
    assert from_json([1, 2]) == ([1, 2], {})
    assert from_json("one") == (["one"], {})
    assert from_json({"a": 1}) == ([], {"a": 1})


def test_an_argument_that_is_not_json_is_named():
    with pytest.raises(TypeError, match="argument 'b': a set is not JSON"):
        to_json(inspect.signature(plain), (1, {2}), {})
    with pytest.raises(TypeError, match="argument 'x': a bytes is not JSON"):
        to_json(inspect.signature(names), (1,), {"x": b""})


def test_a_call_that_the_function_does_not_take_is_refused_before_it_is_submitted():
    with pytest.raises(TypeError, match="unexpected keyword argument 'd'"):
        to_json(inspect.signature(plain), (1,), {"d": 4})
