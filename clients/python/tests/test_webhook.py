"""Signatures of callbacks."""

import base64
import json

import pytest

import errand
from errand import webhook

# The example of the Standard Webhooks libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIME = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
PAYLOAD = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 bytes").decode()


def headers(signature=SIGNATURE, id=ID, time=TIME):
    return {"Webhook-Id": id, "webhook-timestamp": str(time), "WEBHOOK-SIGNATURE": signature}


def test_the_published_vector_is_genuine():
    assert webhook.sign(PAYLOAD, ID, TIME, SECRET) == SIGNATURE
    assert webhook.check(PAYLOAD, headers(), SECRET, now=TIME) == ID


@pytest.mark.parametrize("secrets", [[OTHER, SECRET], [SECRET, OTHER], (SECRET,), SECRET])
def test_any_of_several_secrets_will_do(secrets):
    assert webhook.check(PAYLOAD, headers(), secrets, now=TIME) == ID


def test_any_of_several_signatures_will_do():
    several = f"v1a,xyz {webhook.sign(PAYLOAD, ID, TIME, OTHER)} {SIGNATURE}"
    assert webhook.check(PAYLOAD, headers(several), SECRET, now=TIME) == ID


@pytest.mark.parametrize(
    "payload, changed",
    [
        (PAYLOAD + b" ", {}),
        (PAYLOAD, {"id": "msg_other"}),
        (PAYLOAD, {"time": TIME + 1}),
        (PAYLOAD, {"signature": SIGNATURE[:-2] + "A="}),
        (PAYLOAD, {"signature": SIGNATURE.replace("v1,", "v2,")}),
        (PAYLOAD, {"signature": ""}),
        (PAYLOAD, {"signature": "v1,\udc80"}),
    ],
)
def test_what_was_changed_is_not_genuine(payload, changed):
    with pytest.raises(webhook.InvalidSignature, match="no signature fits"):
        webhook.check(payload, headers(**changed), SECRET, now=TIME)


def test_no_secret_at_all_is_not_genuine():
    with pytest.raises(webhook.InvalidSignature):
        webhook.check(PAYLOAD, headers(), [], now=TIME)


@pytest.mark.parametrize("off, genuine", [(299, True), (-299, True), (301, False), (-301, False)])
def test_old_ones_are_refused_and_those_from_the_future(off, genuine):
    if genuine:
        webhook.check(PAYLOAD, headers(), SECRET, now=TIME + off)
    else:
        with pytest.raises(webhook.InvalidSignature, match="too far"):
            webhook.check(PAYLOAD, headers(), SECRET, now=TIME + off)


def test_a_missing_header_is_named():
    for name in headers():
        rest = {key: value for key, value in headers().items() if key != name}
        with pytest.raises(webhook.InvalidSignature, match=name.lower()):
            webhook.check(PAYLOAD, rest, SECRET, now=TIME)


def test_an_event_tells_of_its_job():
    body = {"type": "job.failed", "data": {"job": {"id": "x", "state": "FAILED"}}}
    payload = json.dumps(body).encode()
    event = webhook.verify(
        payload, headers(webhook.sign(payload, ID, TIME, SECRET)), SECRET, now=TIME
    )
    assert (event.id, event.type, event.job.state) == (ID, "job.failed", errand.State.FAILED)
    with pytest.raises(ValueError):
        webhook.verify(PAYLOAD, headers(), SECRET, now=TIME)


@pytest.mark.parametrize("time", ["9" * 400, "9" * 5000, "-1", "1_0", "+5", "1.5", "", "\u0661"])
def test_a_time_that_is_no_number_of_seconds_is_no_signature(time):
    with pytest.raises(webhook.InvalidSignature, match="no number of seconds"):
        webhook.check(PAYLOAD, headers(time=time), SECRET, now=TIME)
