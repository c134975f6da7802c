"""What is submitted."""

from datetime import datetime, timedelta, timezone

import pytest

import errand

MOMENT = datetime(2030, 1, 1, tzinfo=timezone.utc)


def test_every_option_has_its_field():
    spec = errand.job(
        "resize",
        {"width": 100},
        id="01a1fd91-0ed6-71c2-955b-b1907304270c",
        queue="pictures",
        priority=5,
        schedule_time=MOMENT,
        attempt_timeout=timedelta(minutes=1),
        expire_time=MOMENT,
        retry=errand.Retry(max_attempts=3, min_backoff=0.5, max_backoff=10, multiplier=1.5),
        retention=timedelta(hours=1),
        unique_key="u",
        concurrency_key="c",
        after=["id-1"],
        callback=errand.Callback(
            "http://x/", on=[errand.State.FAILED], format="RAW", secret_name="s"
        ),
        labels={"a": "b"},
    )
    assert spec.body == {
        "kind": "resize",
        "args": {"width": 100},
        "id": "01a1fd91-0ed6-71c2-955b-b1907304270c",
        "queue": "pictures",
        "priority": 5,
        "scheduleTime": "2030-01-01T00:00:00.000000Z",
        "attemptTimeout": "60s",
        "expireTime": "2030-01-01T00:00:00.000000Z",
        "retry": {"maxAttempts": 3, "minBackoff": "0.5s", "maxBackoff": "10s", "multiplier": 1.5},
        "retention": "3600s",
        "uniqueKey": "u",
        "concurrencyKey": "c",
        "after": ["id-1"],
        "callback": {"url": "http://x/", "on": ["FAILED"], "format": "RAW", "secretName": "s"},
        "labels": {"a": "b"},
    }


def test_max_attempts_is_short_for_a_retry_policy():
    both = errand.job("k", retry=errand.Retry(max_attempts=9, multiplier=3), max_attempts=2)
    assert both.body["retry"] == {"maxAttempts": 2, "multiplier": 3}
    assert errand.job("k", delay=2, callback="http://x/").body == {
        "kind": "k",
        "delay": "2s",
        "callback": {"url": "http://x/"},
    }


def test_calls_and_commands():
    fetch = errand.fetch("http://x/", method="PUT", body=b"b", success_codes=[204, "3xx"], delay=1)
    assert fetch.body == {
        "http": {
            "url": "http://x/",
            "method": "PUT",
            "body": "Yg==",
            "successCodes": ["204", "3xx"],
        },
        "delay": "1s",
    }
    command = errand.command("convert", ["a", "b"], env={"X": "y"}, stdin=b"in", queue="q")
    assert command.body == {
        "exec": {"name": "convert", "args": ["a", "b"], "env": {"X": "y"}, "stdin": "aW4="},
        "queue": "q",
    }
    data = errand.data("k", b"b", "image/png")
    assert data.body == {"kind": "k", "data": {"contentType": "image/png", "body": "Yg=="}}


def test_a_misspelt_option_is_a_type_error():
    with pytest.raises(TypeError, match="'prioritty'"):
        errand.job("k", prioritty=5)
    with pytest.raises(TypeError, match="'methd'"):
        errand.fetch("http://x/", methd="GET")


@pytest.mark.parametrize(
    "option, value, says",
    [
        ("delay", "1h", "delay: expected a timedelta or a number of seconds, found '1h'"),
        ("delay", float("nan"), "delay: nan is no finite length"),
        ("schedule_time", 5, "schedule_time: expected a datetime, found 5"),
        ("expire_time", timedelta(hours=1), "expire_time: expected a datetime"),
        ("expire_time", datetime(2030, 1, 1), "expire_time: .* has no time zone"),
        ("priority", 1.5, "priority: 'float' object"),
        ("max_attempts", 2.5, "max_attempts: 'float' object"),
        ("max_attempts", "2", "max_attempts: 'str' object"),
        ("after", 5, "after: "),
    ],
)
def test_what_is_wrong_with_an_option_is_told_with_its_name(option, value, says):
    with pytest.raises((TypeError, ValueError), match=says):
        errand.job("k", **{option: value})


def test_one_text_where_several_may_stand_is_one():
    assert errand.job("k", after="id-1").body["after"] == ["id-1"]
    assert errand.Callback("http://x/", on="FAILED").to_json()["on"] == ["FAILED"]
    fetch = errand.fetch("http://x/", success_codes="3xx")
    assert fetch.body["http"]["successCodes"] == ["3xx"]
    with pytest.raises(TypeError, match="args: expected a list of arguments, found 'passwd'"):
        errand.command("checksum", "passwd")


def test_years_have_four_digits():
    early = datetime(999, 1, 2, tzinfo=timezone.utc)
    job = errand.job("k", schedule_time=early)
    assert job.body["scheduleTime"] == "0999-01-02T00:00:00.000000Z"
