"""Times, durations and JSON values."""

from datetime import datetime, timedelta, timezone

import pytest

from errand import _encoding as encoding
from errand.errors import Code, Status
from errand.models import Progress
from errand.queues import RateLimit


@pytest.mark.parametrize(
    "length, text",
    [
        (1.5, "1.5s"),
        (0, "0s"),
        (timedelta(days=1), "86400s"),
        (timedelta(microseconds=1), "0.000001s"),
    ],
)
def test_lengths_of_time_are_seconds(length, text):
    assert encoding.duration_text(length) == text
    assert encoding.parse_duration(text).total_seconds() == encoding.seconds(length)


@pytest.mark.parametrize("length", [float("inf"), float("nan")])
def test_a_length_of_time_has_to_be_finite(length):
    with pytest.raises(ValueError):
        encoding.duration_text(length)


def test_a_moment_is_told_in_utc():
    moment = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert encoding.timestamp_text(moment) == "2030-01-01T10:00:00.000000Z"
    assert encoding.parse_timestamp("2030-01-01T12:00:00+02:00") == moment
    assert encoding.parse_timestamp("2030-01-01T10:00:00Z") == moment
    assert encoding.parse_timestamp("2030-01-01T10:00:00.123456789Z").microsecond == 123456


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        encoding.timestamp_text(datetime(2030, 1, 1))


@pytest.mark.parametrize(
    "value", [None, True, 2**53, -(2**53), 1.5, "text ✓", [1, (2,)], {"a": {"b": [None]}}]
)
def test_json_values_are_taken(value):
    encoding.check_json(value, "it")


@pytest.mark.parametrize(
    "value, error, says",
    [
        (2**53 + 1, ValueError, "it: .* pass it as a str"),
        (float("nan"), ValueError, "it: nan"),
        ({1}, TypeError, "it: a set is not JSON"),
        ([0, b"x"], TypeError, r"it\[1\]: a bytes is not JSON"),
        ({"a": {1: 2}}, TypeError, r"it\['a'\]: key 1 is a int"),
        ("a\0b", ValueError, "NUL"),
        ("\ud800", ValueError, "surrogate"),
    ],
)
def test_what_json_can_not_tell_is_refused_by_its_place(value, error, says):
    with pytest.raises(error, match=says):
        encoding.check_json(value, "it")


def test_a_value_that_holds_itself_is_refused():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="nested too deeply"):
        encoding.check_json(value, "it")


def test_answers_become_objects():
    assert Progress.from_json({"done": "3"}) == Progress(3, 0)
    assert RateLimit.from_json({"count": "5"}) == RateLimit(5, timedelta(seconds=1), 1)
    status = Status.from_json({"code": "NEW_CODE", "message": "m", "retryDelay": "2s"})
    assert (status.code, status.retry_delay) == (Code.UNKNOWN, timedelta(seconds=2))
