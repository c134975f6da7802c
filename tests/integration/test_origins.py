"""Origins that misbehave, and what becomes of the job."""

import socket
import time

import pytest

ONCE = {"maxAttempts": 1}


def ended(api, url, **fields):
    """How a job that may try only once ends."""
    http = {"url": url, **fields.pop("http", {})}
    job = api.submit({"http": http, "retry": ONCE, **fields})
    return api.result(job["id"])


def test_an_origin_that_hangs_is_given_up_after_the_attempt_timeout(api, origin):
    result = ended(api, origin.url + "/hang", attemptTimeout="0.3s")
    assert result["state"] == "FAILED" and result["error"]["code"] == "DEADLINE_EXCEEDED", result


def test_an_origin_that_closes_fails_the_attempt(api, origin):
    result = ended(api, origin.url + "/close")
    assert result["state"] == "FAILED" and result["error"]["code"] == "UNAVAILABLE", result


def test_an_origin_that_is_not_there_fails_the_attempt(api):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = ended(api, f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert result["state"] == "FAILED" and result["error"]["code"] == "UNAVAILABLE", result


def test_a_name_that_resolves_to_nothing_fails_the_attempt(api):
    result = ended(api, "http://no-such-host.invalid/")
    assert result["state"] == "FAILED", result
    assert "no-such-host.invalid" in result["error"]["message"], result


def test_a_body_over_the_cap_fails_at_once_naming_the_cap(api, origin):
    job = api.submit({"http": {"url": origin.url + "/big/104857600"}})
    result = api.result(job["id"])
    assert result["state"] == "FAILED" and result["error"]["code"] == "RESOURCE_EXHAUSTED", result
    assert len(origin.requests("/big/104857600")) == 1


def test_a_body_cap_of_the_job_is_kept_to_the_byte(api, origin):
    assert ended(api, origin.url + "/big/1000", http={"maxBodyBytes": "1000"})["state"] == "SUCCEEDED"
    assert ended(api, origin.url + "/big/1001", http={"maxBodyBytes": "1000"})["state"] == "FAILED"


def test_a_body_of_the_full_default_size_arrives(api, origin):
    full = 16 << 20
    assert ended(api, f"{origin.url}/big/{full}")["state"] == "SUCCEEDED"
    assert ended(api, f"{origin.url}/big/{full + 1}")["state"] == "FAILED"


def test_a_redirect_loop_ends_after_ten(api, origin):
    job = api.submit({"http": {"url": origin.url + "/loop"}})
    result = api.result(job["id"])
    assert result["state"] == "FAILED" and "redirect" in result["error"]["message"].lower(), result
    assert len(origin.requests("/loop")) == 11


def test_a_redirect_is_followed_unless_told_otherwise(api, origin):
    url = f"{origin.url}/redirect?to={origin.url}/ok"
    followed = ended(api, url)
    assert followed["result"]["http"]["url"] == origin.url + "/ok"
    taken = ended(api, url, http={"followRedirects": False, "successCodes": ["3xx"]})
    assert taken["result"]["http"]["status"] == 302


def test_a_redirect_to_a_file_is_not_followed(api, origin):
    result = ended(api, f"{origin.url}/redirect?to=file:///etc/passwd")
    assert result["state"] == "FAILED", result
    assert "root:" not in str(result)


def test_link_local_addresses_are_never_called(api):
    result = ended(api, "http://169.254.169.254/latest/meta-data/", attemptTimeout="5s")
    assert result["state"] == "FAILED" and result["error"]["code"] == "PERMISSION_DENIED", result


@pytest.mark.parametrize("status", [400, 401, 404, 410, 501])
def test_other_codes_are_told_with_the_failure(api, origin, status):
    result = ended(api, f"{origin.url}/status/{status}")
    assert result["state"] == "FAILED" and str(status) in result["error"]["message"], result


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_permanent_code_is_not_retried(api, origin, status):
    job = api.submit({"http": {"url": f"{origin.url}/status/{status}"}})
    assert api.result(job["id"])["state"] == "FAILED"
    assert len(origin.requests(f"/status/{status}")) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_code_is_retried_until_attempts_are_used_up(api, origin, status):
    retry = {"maxAttempts": 3, "minBackoff": "0.01s", "maxBackoff": "0.01s"}
    job = api.submit({"http": {"url": f"{origin.url}/status/{status}"}, "retry": retry})
    assert api.result(job["id"])["state"] == "FAILED"
    assert len(origin.requests(f"/status/{status}")) == 3
    shown = api.get(f"/v1/jobs/{job['id']}?view=FULL").json()
    assert shown["attempt"] == 3
    assert [attempt["number"] for attempt in shown["attempts"]] == [1, 2, 3]
    assert all(str(status) in attempt["error"]["message"] for attempt in shown["attempts"])


def test_success_codes_decide_what_success_is(api, origin):
    assert ended(api, origin.url + "/status/404", http={"successCodes": ["2xx", "404"]})[
        "result"
    ]["http"]["status"] == 404
    assert ended(api, origin.url + "/status/200", http={"successCodes": ["201"]})["state"] == "FAILED"


def test_a_job_that_fails_first_and_then_succeeds_is_a_success(api, origin):
    retry = {"minBackoff": "0.01s"}
    job = api.submit({"http": {"url": origin.url + "/flaky/2/x"}, "retry": retry})
    assert api.result(job["id"])["state"] == "SUCCEEDED"
    shown = api.get("/v1/jobs/" + job["id"]).json()
    assert shown["attempt"] == 3 and "error" not in shown


def test_retry_after_holds_the_next_attempt_back(api, origin):
    path = "/flaky/1/later"
    retry = {"minBackoff": "0.01s", "maxBackoff": "0.01s"}
    job = api.submit({"http": {"url": f"{origin.url}{path}?retry-after=2"}, "retry": retry})
    assert api.result(job["id"])["state"] == "SUCCEEDED"
    first, second = origin.requests(path)
    assert second.time - first.time >= 2


def test_a_job_between_two_attempts_is_scheduled_and_says_why(api, origin):
    path = "/flaky/1/hour"
    job = api.submit({"http": {"url": f"{origin.url}{path}?retry-after=3600"}})
    origin.wait_for(path)
    end = time.monotonic() + 60
    while (shown := api.get("/v1/jobs/" + job["id"]).json())["state"] != "SCHEDULED":
        assert time.monotonic() < end, shown
    assert "503" in shown["error"]["message"]
    assert shown["nextAttemptTime"] > shown["createTime"]
