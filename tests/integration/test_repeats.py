"""Requests that are sent again with the same Idempotency-Key do their work once."""

from errand.v1 import job_pb2
from harness.tasks import state_of, submit
from harness.worker import failure

ONCE = job_pb2.RetryPolicy(max_attempts=1)


def key(text):
    return {"idempotency-key": text}


def fail_next(rpc, worker, job_id):
    worker.report(failure(worker.lease_one()))
    assert state_of(rpc, job_id) == "FAILED"


def test_a_retry_with_the_same_key_is_one(api, rpc, worker):
    job_id = submit(rpc, retry=ONCE).id
    path = f"/v1/jobs/{job_id}:retry"
    fail_next(rpc, worker, job_id)
    for _ in range(2):
        assert api.post(path, {}, headers=key("again-1")).json()["state"] == "READY"
    fail_next(rpc, worker, job_id)
    assert api.post(path, {}, headers=key("again-1")).json()["state"] == "FAILED"
    assert api.post(path, {}, headers=key('"again-2"')).json()["state"] == "READY"
    fail_next(rpc, worker, job_id)
    assert api.post(path, {}).json()["state"] == "READY"
    assert api.post(path, {}).status == 400  # without a key it is another one


def test_a_batch_with_the_same_key_is_one(api):
    body = {"jobs": [{"kind": "task"}, {"kind": "task", "priority": 1}]}
    first = api.post("/v1/jobs:batch", body, headers=key("batch-1")).json()["results"]
    again = api.post("/v1/jobs:batch", body, headers=key("batch-1")).json()["results"]
    assert [r["job"]["id"] for r in first] == [r["job"]["id"] for r in again]
    assert all(r["job"].get("duplicate") for r in again) and not any(r["job"].get("duplicate") for r in first)


def test_what_is_gone_or_cancelled_stays_so(api, rpc):
    job_id = submit(rpc).id
    for _ in range(2):
        answer = api.post(f"/v1/jobs/{job_id}:cancel", {}, headers=key("stop"))
        assert answer.json()["state"] == "CANCELLED"
    assert api.request("DELETE", f"/v1/jobs/{job_id}", headers=key("gone")).status == 200
    assert api.request("DELETE", f"/v1/jobs/{job_id}", headers=key("gone")).status == 404


def test_a_bad_key_is_refused_before_anything_is_done(api, rpc):
    job_id = submit(rpc).id
    for path in (f"/v1/jobs/{job_id}:cancel", "/v1/jobs:cancel"):
        assert api.post(path, {"filter": {"queue": "default"}}, headers=key("a b")).status == 400
    assert state_of(rpc, job_id) == "READY"
