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
