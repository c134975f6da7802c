"""The main path: submit, fetch, result, callback."""

import json
import uuid

from harness.webhooks import is_signed_by, new_secret


def test_a_submit_is_answered_at_once_with_id_state_and_location(api, origin):
    answer = api.post("/v1/jobs", {"http": {"url": origin.url + "/hang"}})
    job = answer.json()
    assert answer.status == 201
    assert str(uuid.UUID(job["id"])) == job["id"]
    assert answer.headers["location"].endswith("/v1/jobs/" + job["id"])
    assert job["state"] in ("READY", "RUNNING")
    assert job["queue"] == "default" and job["kind"] == "http"
    origin.released.set()


def test_a_fetched_page_is_the_result_in_all_its_forms(api, origin):
    job = api.submit({"http": {"url": origin.url + "/ok?body=hello"}})
    result = api.result(job["id"])
    assert result["state"] == "SUCCEEDED"
    http = result["result"]["http"]
    assert http["status"] == 200
    assert http["contentType"] == "text/x-ok"
    assert http["url"] == origin.url + "/ok?body=hello"
    assert http["headers"]["content-length"] == "5"

    output = api.get(f"/v1/jobs/{job['id']}/output")
    assert output.status == 200 and output.body == b"hello"
    assert output.content_type == "text/x-ok"
    assert output.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in output.headers["content-security-policy"]


def test_get_shows_the_result_only_in_the_full_view(api, origin):
    job = api.submit({"http": {"url": origin.url + "/ok", "body": "c2VjcmV0"}})
    api.result(job["id"])
    basic = api.get("/v1/jobs/" + job["id"]).json()
    full = api.get(f"/v1/jobs/{job['id']}?view=FULL").json()
    assert basic["state"] == full["state"] == "SUCCEEDED"
    assert "result" not in basic and "body" not in basic["http"]
    assert full["result"]["http"]["status"] == 200 and full["http"]["body"] == "c2VjcmV0"
    assert basic["attempt"] == 1 and basic["createTime"] <= basic["startTime"] <= basic["finishTime"]


def test_method_headers_and_body_reach_the_origin(api, origin):
    job = api.submit(
        {
            "http": {
                "url": origin.url + "/echo",
                "method": "PUT",
                "headers": {"x-colour": "blue", "content-type": "text/plain"},
                "body": "aGVsbG8=",
            }
        }
    )
    api.result(job["id"])
    seen = api.get(f"/v1/jobs/{job['id']}/output").json()
    assert seen["method"] == "PUT" and seen["body"] == "hello"
    assert seen["headers"]["x-colour"] == "blue"
    assert seen["headers"]["user-agent"].startswith("errand/")


def test_submit_with_wait_answers_with_the_finished_job(api, origin):
    for path, headers in (("/v1/jobs?wait=30s", {}), ("/v1/jobs", {"prefer": "wait=30"})):
        answer = api.post(path, {"http": {"url": origin.url + "/ok"}}, headers)
        assert answer.status == 200, answer
        assert answer.json()["state"] == "SUCCEEDED"
        assert answer.json()["result"]["http"]["status"] == 200


def test_submit_with_a_wait_that_is_too_short_answers_with_the_job_as_it_is(api, origin):
    answer = api.post("/v1/jobs?wait=0.05s", {"http": {"url": origin.url + "/hang"}})
    assert answer.status == 201, answer
    assert answer.json()["state"] in ("READY", "RUNNING")
    origin.released.set()


def test_a_raw_callback_delivers_the_bytes_and_their_content_type(api, origin):
    url = origin.url + "/deliver/raw"
    job = api.submit(
        {
            "http": {"url": origin.url + "/ok?body=the-body"},
            "callback": {"url": url, "format": "RAW", "headers": {"x-mine": "yes"}},
        }
    )
    (delivery,) = origin.wait_for("/deliver/raw")
    assert delivery.method == "POST" and delivery.body == b"the-body"
    assert delivery.headers["content-type"] == "text/x-ok"
    assert delivery.headers["x-mine"] == "yes"
    assert delivery.headers["errand-job-id"] == job["id"]
    assert delivery.headers["errand-job-state"] == "SUCCEEDED"
    assert api.result(job["id"])["state"] == "SUCCEEDED"


def test_an_event_callback_is_signed_and_tells_about_the_job(api, origin):
    secret = new_secret()
    job = api.submit(
        {
            "http": {"url": origin.url + "/ok"},
            "callback": {"url": origin.url + "/deliver/event", "secret": secret},
        }
    )
    (delivery,) = origin.wait_for("/deliver/event")
    event = json.loads(delivery.body)
    assert event["type"] == "job.succeeded"
    assert event["data"]["job"]["id"] == job["id"]
    assert event["data"]["job"]["state"] == "SUCCEEDED"
    assert event["timestamp"].endswith("Z")
    assert is_signed_by(secret, delivery.headers, delivery.body)
    assert not is_signed_by(new_secret(), delivery.headers, delivery.body)
    assert abs(int(delivery.headers["webhook-timestamp"]) - delivery.time) < 60


def test_a_secret_is_never_given_out_again(api, origin):
    secret = new_secret()
    job = api.submit(
        {
            "http": {"url": origin.url + "/ok"},
            "callback": {"url": origin.url + "/deliver", "secret": secret},
        }
    )
    (delivery,) = origin.wait_for("/deliver")
    shown = [json.dumps(job).encode(), delivery.body]
    for path in ("", "?view=FULL", "/result"):
        shown.append(api.get(f"/v1/jobs/{job['id']}{path}").body)
    shown.append(api.get("/v1/jobs").body)
    assert not any(secret.encode() in text for text in shown)


def test_a_failed_job_calls_back_too_unless_told_otherwise(api, origin):
    def submit(path, on):
        return api.submit(
            {
                "http": {"url": origin.url + "/status/404"},
                "callback": {"url": origin.url + path, "on": on},
            }
        )

    submit("/deliver/never", ["SUCCEEDED"])
    submit("/deliver/failed", ["FAILED"])
    submit("/deliver/all", [])
    (delivery,) = origin.wait_for("/deliver/all")
    event = json.loads(delivery.body)
    assert event["type"] == "job.failed"
    assert "404" in event["data"]["job"]["error"]["message"]
    origin.wait_for("/deliver/failed")
    assert origin.requests("/deliver/never") == []


def test_a_callback_is_retried_with_the_same_id_until_it_is_taken(api, origin):
    secret = new_secret()
    api.submit(
        {
            "http": {"url": origin.url + "/ok"},
            "callback": {"url": origin.url + "/flaky/2/callback", "secret": secret},
        }
    )
    deliveries = origin.wait_for("/flaky/2/callback", 3)
    assert len({delivery.headers["webhook-id"] for delivery in deliveries}) == 1
    assert all(is_signed_by(secret, one.headers, one.body) for one in deliveries)


def test_a_callback_is_a_job_in_its_own_queue_and_follows_no_redirect(api, origin):
    target = origin.url + "/deliver/elsewhere"
    job = api.submit(
        {
            "http": {"url": origin.url + "/ok"},
            "callback": {"url": f"{origin.url}/redirect?to={target}"},
        }
    )
    origin.wait_for("/redirect")
    api.result(job["id"])
    (callback,) = api.get("/v1/jobs?queue=callbacks").json()["jobs"]
    assert callback["parent"] == job["id"] and callback["queue"] == "callbacks"
    assert api.result(callback["id"])["state"] == "FAILED"
    assert origin.requests("/deliver/elsewhere") == []


def test_the_same_id_and_content_answers_with_the_same_job(api, origin):
    job = {"id": str(uuid.uuid4()), "http": {"url": origin.url + "/ok"}, "priority": 3}
    first = api.post("/v1/jobs", job)
    again = api.post("/v1/jobs", job)
    assert (first.status, again.status) == (201, 200)
    assert again.json()["duplicate"] is True and again.json()["id"] == job["id"]
    api.result(job["id"])
    assert api.post("/v1/jobs", job).json()["state"] == "SUCCEEDED"
    assert len(origin.requests("/ok")) == 1


def test_the_same_id_with_other_content_is_refused(api, origin):
    job = {"id": str(uuid.uuid4()), "http": {"url": origin.url + "/ok"}}
    api.submit(job)
    answer = api.post("/v1/jobs", {**job, "priority": 1})
    assert answer.status == 409 and answer.json()["code"] == "ALREADY_EXISTS", answer


def test_an_idempotency_key_stores_a_job_once(api, origin):
    job = {"http": {"url": origin.url + "/ok"}}
    key = {"idempotency-key": '"order-17"'}
    first = api.post("/v1/jobs", job, key)
    again = api.post("/v1/jobs", job, key)
    other = api.post("/v1/jobs", {**job, "priority": 5}, key)
    assert first.json()["id"] == again.json()["id"] and again.json()["duplicate"] is True
    assert other.status == 422, other


def test_a_job_of_a_kind_may_have_no_input(api, worker):
    job = api.submit({"kind": "task"})
    leased = worker.lease_one().job
    assert leased.id == job["id"] and leased.WhichOneof("input") is None
    shown = api.get(f"/v1/jobs/{job['id']}?view=FULL").json()
    assert not {"http", "exec", "args", "data"} & set(shown), shown
