"""Repeats, deadlines and errors, with a clock and a network of the test's own."""

import json

import pytest

from errand import _flow, errors, job
from errand import _operations as op
from errand._flow import Broken, Deadline, Reply, Send, Sleep


class Network:
    """Answers requests from a list; sleeping is free."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.now = 0.0
        self.sent = []
        self.patience = []
        self.slept = []

    def deadline(self, timeout):
        return Deadline(timeout, lambda: self.now)

    def run(self, flow):
        answer = None
        while True:
            try:
                effect = flow.send(answer)
            except StopIteration as end:
                return end.value
            answer = self.do(effect)

    def do(self, effect):
        if isinstance(effect, Sleep):
            self.slept.append(effect.seconds)
            self.now += effect.seconds
            return None
        assert isinstance(effect, Send)
        self.sent.append(effect.request)
        self.patience.append(effect.timeout)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.now += getattr(answer, "takes", 0.0)
        return answer


def reply(status=200, body=None, **headers):
    return Reply(status, headers, json.dumps(body if body is not None else {}).encode())


JOB = {"id": "x", "state": "READY"}
LOST = Broken("ConnectionResetError")


def test_a_submit_is_repeated_with_the_same_key_until_it_is_answered():
    network = Network(LOST, reply(503, {"code": "UNAVAILABLE"}), reply(201, JOB))
    info = network.run(op.submit(job("k"), "the-key", network.deadline(30)))
    assert info.id == "x"
    assert len(network.sent) == 3
    assert {sent.headers["Idempotency-Key"] for sent in network.sent} == {"the-key"}
    assert len({sent.body for sent in network.sent}) == 1


def test_repeats_end_with_the_deadline():
    network = Network(LOST)
    with pytest.raises(errors.Unavailable, match="ConnectionResetError"):
        network.run(op.stats(network.deadline(3)))
    assert network.now <= 3
    assert len(network.sent) > 3


def test_pauses_grow_and_are_jittered():
    high, low = _flow.Backoff(lambda: 1.0), _flow.Backoff(lambda: 0.0)
    assert [round(high.next(), 3) for _ in range(9)] == [
        0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0,
    ]  # fmt: skip
    assert [round(low.next(), 4) for _ in range(2)] == [0.005, 0.01]


def test_retry_after_is_honoured():
    busy = reply(503, {"code": "UNAVAILABLE"}, **{"retry-after": "7"})
    network = Network(busy, reply(200, {}))
    network.run(op.stats(network.deadline(30)))
    assert network.slept == [7.0]


def test_a_retry_after_beyond_the_deadline_is_told_at_once():
    busy = reply(503, {"code": "UNAVAILABLE", "detail": "draining"}, **{"retry-after": "60"})
    network = Network(busy)
    with pytest.raises(errors.Unavailable, match="draining") as caught:
        network.run(op.stats(network.deadline(30)))
    assert caught.value.retry_delay.total_seconds() == 60
    assert network.slept == []


def test_an_answer_that_does_not_come_is_deadline_exceeded():
    network = Network(Broken("timeout", timed_out=True))
    with pytest.raises(TimeoutError):
        network.run(op.stats(network.deadline(30)))
    assert len(network.sent) == 1


@pytest.mark.parametrize(
    "status, problem, error",
    [
        (404, {"code": "NOT_FOUND"}, errors.NotFound),
        (409, {"code": "ALREADY_EXISTS"}, errors.AlreadyExists),
        (422, {"code": "ALREADY_EXISTS"}, errors.AlreadyExists),
        (400, {"code": "FAILED_PRECONDITION"}, errors.FailedPrecondition),
        (429, {"code": "RESOURCE_EXHAUSTED"}, errors.ResourceExhausted),
        (401, {"code": "UNAUTHENTICATED"}, errors.Unauthenticated),
        (403, {"code": "PERMISSION_DENIED"}, errors.PermissionDenied),
        (418, {"code": "A_CODE_OF_TOMORROW"}, errors.Unknown),
        (413, "not a problem document", errors.ResourceExhausted),
    ],
)
def test_each_code_has_an_exception_and_is_not_repeated(status, problem, error):
    network = Network(reply(status, problem))
    with pytest.raises(error):
        network.run(op.stats(network.deadline(30)))
    assert len(network.sent) == 1


def test_violations_and_the_retry_delay_come_with_the_exception():
    problem = {
        "code": "RESOURCE_EXHAUSTED",
        "detail": "the queue is full",
        "violations": [{"field": "queue", "description": "full"}],
    }
    network = Network(reply(429, problem, **{"retry-after": "3"}))
    with pytest.raises(errors.ResourceExhausted) as caught:
        network.run(op.submit(job("k"), "key", network.deadline(30)))
    assert caught.value.code is errors.Code.RESOURCE_EXHAUSTED
    assert caught.value.violations == (errors.Violation("queue", "full"),)
    assert caught.value.retry_delay.total_seconds() == 3


def test_what_a_lost_call_deleted_is_no_error():
    gone = reply(404, {"code": "NOT_FOUND"})
    network = Network(LOST, gone)
    network.run(op.delete("x", network.deadline(30)))
    with pytest.raises(errors.NotFound):
        Network(gone).run(op.delete("x", network.deadline(30)))


def test_what_a_lost_call_retried_is_no_error():
    running = reply(400, {"code": "FAILED_PRECONDITION"})
    network = Network(LOST, running, reply(200, JOB))
    assert network.run(op.retry("x", network.deadline(30))).id == "x"
    with pytest.raises(errors.FailedPrecondition):
        Network(running).run(op.retry("x", network.deadline(30)))


def test_waiting_asks_again_until_the_job_has_ended():
    unfinished = reply(202, {"id": "x", "state": "RUNNING"})
    network = Network(unfinished, unfinished, reply(200, {"id": "x", "state": "FAILED"}))
    assert network.run(op.wait("x", network.deadline(100))).state == "FAILED"
    assert [sent.target for sent in network.sent[:1]] == ["/v1/jobs/x/result?wait=50s"]
    assert network.slept  # these answers came at once: the server is busy


def test_a_wait_whose_connection_is_dead_is_asked_anew():
    silence = Broken("timed out", timed_out=True)
    network = Network(silence, reply(200, {"id": "x", "state": "SUCCEEDED"}))
    assert network.run(op.wait("x", network.deadline(3600))).state == "SUCCEEDED"
    assert network.patience[0] == 60  # and not the hour that the job may take
    assert len(network.sent) == 2


@pytest.mark.parametrize("timeout", [float("inf"), 1e12])
def test_a_timeout_may_be_as_long_as_one_likes(timeout):
    network = Network(reply(200, {}))
    network.run(op.stats(network.deadline(timeout)))
    assert network.patience[0] <= 2_000_000  # what sockets take is 24 days


def test_waiting_ends():
    network = Network(reply(202, {"id": "x", "state": "RUNNING"}))
    with pytest.raises(errors.DeadlineExceeded, match="has not ended after 10 s"):
        network.run(op.wait("x", network.deadline(10)))


def test_an_answer_that_is_no_json_is_not_taken_for_one():
    network = Network(Reply(200, {}, b"<html>a login page"))
    with pytest.raises(errors.Unavailable, match="login page"):
        network.run(op.stats(network.deadline(1)))


def test_names_do_not_leave_their_place_in_a_path():
    network = Network(reply(200, JOB))
    network.run(op.get("../queues/x?y#z", False, network.deadline(1)))
    assert network.sent[0].target == "/v1/jobs/..%2Fqueues%2Fx%3Fy%23z"


def test_a_bulk_call_without_a_filter_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Network(reply()).run(op.bulk("delete", {}, Deadline(1)))
