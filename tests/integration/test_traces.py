"""A trace goes from the submitting call through the job to what the job calls."""

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def parts(request):
    version, trace, span, flags = request.headers["traceparent"].split("-")
    return trace, span, flags


def test_a_trace_goes_out_on_the_call_and_on_the_callback(api, origin):
    job = api.submit(
        {"http": {"url": origin.url + "/ok"}, "callback": {"url": origin.url + "/deliver/x"}},
        headers={"traceparent": PARENT},
    )
    assert job["traceparent"] == PARENT
    assert api.get(f"/v1/jobs/{job['id']}").json()["traceparent"] == PARENT
    call = origin.wait_for("/ok")[0]
    callback = origin.wait_for("/deliver/x")[0]
    spans = {SPAN}
    for request in (call, callback):
        trace, span, flags = parts(request)
        assert trace == TRACE and flags == "01"
        spans.add(span)
    assert len(spans) == 3, "each call has a span of its own"


def test_without_a_trace_nothing_is_sent(api, origin):
    job = api.submit({"http": {"url": origin.url + "/ok"}}, headers={"traceparent": "00-wrong"})
    assert "traceparent" not in job
    assert "traceparent" not in origin.wait_for("/ok")[0].headers


def test_a_submitters_own_header_is_left_alone(api, origin):
    api.submit({"http": {"url": origin.url + "/ok", "headers": {"Traceparent": "mine"}}},
               headers={"traceparent": PARENT})
    assert origin.wait_for("/ok")[0].headers["traceparent"] == "mine"


def test_the_same_job_may_come_again_in_another_trace(api):
    job = {"id": "01890000-0000-7000-8000-00000000000a", "kind": "task"}
    api.submit(job, headers={"traceparent": PARENT})
    again = api.submit(job, headers={"traceparent": PARENT.replace("b7", "c8")})
    assert again["duplicate"] and again["traceparent"] == PARENT


def test_the_field_is_the_servers(api):
    refused = api.post("/v1/jobs", {"kind": "task", "traceparent": PARENT})
    assert refused.status == 400 and refused.json()["violations"][0]["field"] == "traceparent", refused
