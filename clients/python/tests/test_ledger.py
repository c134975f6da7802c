"""The worker protocol, without a server."""

import json

import pytest

from errand import _ledger, _outcomes
from errand._ledger import Ledger
from errand.errors import Code, Status, Violation, call_error

WORKER = {"id": "w"}


def assignment(n, token="t"):
    return {"job": {"id": f"job-{n}", "kind": "k"}, "token": f"{token}{n}", "attempt": 1}


def lease(ledger, *numbers, now=0.0):
    sequence, _ = ledger.lease(10, 50)
    fresh, stops = ledger.leased(sequence, {"assignments": [assignment(n) for n in numbers]}, now)
    assert stops == []
    return fresh


def names(attempts):
    return [attempt.job_id for attempt in attempts]


def finish(ledger, *attempts):
    for attempt in attempts:
        ledger.finish(attempt, _outcomes.success(attempt, attempt.job_id))


def body(batch):
    return json.loads(batch.body("w"))


@pytest.fixture
def ledger():
    return Ledger(WORKER)


def test_the_next_number_confirms_and_a_lost_one_is_asked_again(ledger):
    first, request = ledger.lease(3, 50)
    assert (first, request["maxJobs"], request["wait"]) == (1, 3, "50s")
    ledger.lease_failed(first)
    assert ledger.lease(3, 50)[0] == 1
    ledger.leased(1, {}, 0.0)
    assert ledger.lease(3, 50)[0] == 2


def test_the_failure_of_a_lease_that_gave_way_is_no_reason_to_ask_it_again(ledger):
    idle, _ = ledger.lease(0, 50)
    newer, _ = ledger.lease(3, 50)
    ledger.lease_failed(idle)
    ledger.leased(newer, {}, 0.0)
    assert ledger.lease(3, 50)[0] == newer + 1


def test_a_job_told_twice_is_run_once(ledger):
    assert len(lease(ledger, 1)) == 1
    fresh, _ = ledger.leased(1, {"assignments": [assignment(1), assignment(2)]}, 0.0)
    assert names(fresh) == ["job-2"]


def test_a_heartbeat_names_everything_until_its_outcome_is_on_disk(ledger):
    one, two, three = lease(ledger, 1, 2, 3)
    two.tell_progress(1, 2, "half")
    finish(ledger, one)
    batch = ledger.batch()
    finish(ledger, three)
    told = ledger.heartbeat()
    assert [item["jobId"] for item in told["running"]] == ["job-1", "job-2", "job-3"]
    assert told["running"][1]["progress"] == {"done": "1", "total": "2", "message": "half"}
    assert told["leaseSequence"] == "1"
    ledger.acknowledged(batch.sequence)
    assert [item["jobId"] for item in ledger.heartbeat()["running"]] == ["job-2", "job-3"]


def test_batches_are_numbered_without_gaps_and_stay_until_acknowledged(ledger):
    attempts = lease(ledger, 1, 2, 3)
    assert ledger.batch() is None
    finish(ledger, attempts[0])
    first = ledger.batch()
    finish(ledger, attempts[1], attempts[2])
    assert ledger.batch() is first
    assert body(first)["outcomeSequence"] == "1"
    ledger.acknowledged(0)
    assert ledger.batch() is first
    ledger.acknowledged(1)
    second = ledger.batch()
    assert [item["jobId"] for item in body(second)["outcomes"]] == ["job-2", "job-3"]
    assert body(second)["outcomeSequence"] == "2"
    ledger.leased(2, {"ackedOutcomeSequence": "2"}, 0.0)
    assert ledger.batch() is None and ledger.held == {} and ledger.unreported == 0


def test_what_was_cancelled_or_lost_is_dropped_with_its_outcome(ledger):
    one, two = lease(ledger, 1, 2)
    finish(ledger, one)
    refs = [{"jobId": "job-1", "token": "t1"}, {"jobId": "job-2", "token": "another"}]
    assert ledger.heartbeat_answered({"cancel": refs}, 1.0) == [one]
    assert one.dropped and not two.dropped
    assert ledger.batch() is None
    assert ledger.unreported == 0
    assert ledger.heartbeat_answered({"lost": [{"jobId": "job-2", "token": "t2"}]}, 1.0) == [two]
    finish(ledger, two)
    assert ledger.batch() is None


def test_a_lease_counts_from_when_its_renewal_was_sent(ledger):
    lease(ledger, 1, now=0.0)
    assert ledger.expired(29.9) == []
    ledger.heartbeat_answered({"leaseDuration": "10s"}, sent_at=20.0)
    assert ledger.expired(29.9) == []
    lease(ledger, 2, now=25.0)
    assert names(ledger.expired(30.1)) == ["job-1"]
    assert names(ledger.expired(35.1)) == ["job-2"]


def test_a_refused_batch_goes_one_by_one_and_the_bad_one_fails(ledger):
    attempts = lease(ledger, 1, 2, 3)
    finish(ledger, *attempts)
    refusal = call_error(Status(Code.INVALID_ARGUMENT, "too deep"))
    ledger.refused(ledger.batch(), refusal)
    told = []
    while ledger.batch() is not None:
        batch = ledger.batch()
        (outcome,) = body(batch)["outcomes"]
        if outcome["jobId"] == "job-2" and "success" in outcome:
            ledger.refused(batch, refusal)
            continue
        told.append((batch.sequence, outcome))
        ledger.acknowledged(batch.sequence)
    assert [sequence for sequence, _ in told] == [1, 2, 3]
    assert "success" in told[0][1] and "success" in told[2][1]
    failure = told[1][1]["failure"]
    assert failure["status"]["message"] == "the result was refused: too deep"
    assert "retryable" not in failure
    assert ledger.unreported == 0 and ledger.held == {}


def test_a_failure_that_is_refused_too_is_given_up(ledger):
    finish(ledger, *lease(ledger, 1))
    refusal = call_error(Status(Code.INVALID_ARGUMENT, "no"))
    ledger.refused(ledger.batch(), refusal)
    ledger.refused(ledger.batch(), refusal)
    assert ledger.batch() is None and ledger.held == {} and ledger.unreported == 0


@pytest.mark.parametrize(
    "code", [Code.UNAUTHENTICATED, Code.PERMISSION_DENIED, Code.NOT_FOUND, Code.UNKNOWN]
)
def test_a_batch_that_is_not_refused_for_what_it_says_is_kept(ledger, code):
    finish(ledger, *lease(ledger, 1, 2))
    batch = ledger.batch()
    for _ in range(100):
        ledger.refused(batch, call_error(Status(code, "not now")))
    assert ledger.batch() is batch
    assert names(attempt for attempt, _ in batch.outcomes) == ["job-1", "job-2"]
    ledger.acknowledged(batch.sequence)
    assert ledger.batch() is None and ledger.held == {} and ledger.unreported == 0


def test_a_cap_in_the_way_of_a_batch_is_given_time_before_the_result_is_given_up(ledger):
    finish(ledger, *lease(ledger, 1))
    batch = ledger.batch()
    refusal = call_error(Status(Code.RESOURCE_EXHAUSTED, "too many calls"))
    for _ in range(_ledger.MAX_REFUSALS - 1):
        ledger.refused(batch, refusal)
        assert ledger.batch() is batch
    ledger.refused(batch, refusal)
    (outcome,) = body(ledger.batch())["outcomes"]
    assert outcome["failure"]["status"]["code"] == "RESOURCE_EXHAUSTED"
    assert ledger.batch().sequence == batch.sequence


def test_a_batch_that_is_refused_for_its_number_goes_as_the_server_counts(ledger):
    one, two, three = lease(ledger, 1, 2, 3)
    for attempt in (one, two):
        finish(ledger, attempt)
        ledger.acknowledged(ledger.batch().sequence)
    finish(ledger, three)
    batch = ledger.batch()
    wrong = (Violation("outcome_sequence", "found 3, expected the one behind 1"),)
    for _ in range(3):
        ledger.refused(batch, call_error(Status(Code.INVALID_ARGUMENT, "no", wrong)))
    assert ledger.batch() is batch and batch.sequence == 3
    ledger.heartbeat_answered({"ackedOutcomeSequence": "1"}, 1.0)
    assert ledger.batch() is batch and batch.sequence == 2
    assert "success" in body(batch)["outcomes"][0]
    ledger.acknowledged(2)
    (four,) = lease(ledger, 4)
    finish(ledger, four)
    assert ledger.batch().sequence == 3


def test_large_outcomes_go_in_several_batches(ledger, monkeypatch):
    monkeypatch.setattr(_ledger, "MAX_BATCH_BYTES", 200)
    attempts = lease(ledger, *range(5))
    finish(ledger, *attempts)
    sizes = []
    while ledger.batch() is not None:
        batch = ledger.batch()
        sizes.append(len(batch.outcomes))
        ledger.acknowledged(batch.sequence)
    assert sum(sizes) == 5 and len(sizes) > 1


def test_only_one_can_claim_an_attempt(ledger):
    (attempt,) = lease(ledger, 1)
    assert not attempt.claimed
    assert attempt.claim() and not attempt.claim()
    assert attempt.claimed
