"""The client with a real server."""

import re
import socket
import threading
import time
from datetime import datetime, timedelta, timezone

import pytest

import errand

FUTURE = datetime.now(timezone.utc) + timedelta(hours=1)


def test_a_page_is_fetched(client, errand_server):
    job = client.fetch(errand_server.url + "/healthz")
    page = job.result(30)
    assert isinstance(page, errand.HttpResult)
    assert (page.status, page.content_type, page.body) == (
        200,
        "application/json",
        b'{"status":"ok"}',
    )
    assert job.output() == page.body
    assert job.get().state is errand.State.SUCCEEDED
    assert job.get(full=True).result == page
    assert client.result(job.id, 30) == page


def test_a_job_keeps_every_option(client):
    first = client.submit("other")
    job = client.submit(
        "resize",
        {"width": 100},
        queue="pictures",
        priority=-5,
        schedule_time=FUTURE,
        attempt_timeout=60,
        expire_time=FUTURE + timedelta(hours=1),
        max_attempts=3,
        retention=timedelta(hours=2),
        unique_key="u",
        concurrency_key="c",
        after=[first],
        callback="http://127.0.0.1:9/",
        labels={"album": "7"},
    )
    info = job.get(full=True)
    assert (info.queue, info.kind, info.priority, info.args) == (
        "pictures", "resize", -5, {"width": 100},
    )  # fmt: skip
    assert info.state is errand.State.BLOCKED
    assert info.labels == {"album": "7"}
    assert info.raw["retry"] == {"maxAttempts": 3}
    assert info.raw["after"] == [first.id]
    assert abs(info.create_time - datetime.now(timezone.utc)) < timedelta(minutes=1)


def test_what_is_wrong_with_a_job_is_told_by_field(client):
    with pytest.raises(errand.InvalidArgument) as caught:
        client.submit("k", queue="no such name!")
    assert [violation.field for violation in caught.value.violations] == ["queue"]


def test_a_job_submitted_again_with_its_id_or_key_is_the_first_one(client):
    id = "01a1fd91-0ed6-71c2-955b-b1907304270c"
    assert not client.submit("k", 1, id=id).duplicate
    assert client.submit("k", 1, id=id).duplicate
    with pytest.raises(errand.AlreadyExists):
        client.submit("k", 2, id=id)
    first = client.submit_spec(errand.job("k", 1), idempotency_key="order-7")
    assert client.submit_spec(errand.job("k", 1), idempotency_key="order-7").id == first.id
    with pytest.raises(errand.AlreadyExists):
        client.submit_spec(errand.job("k", 2), idempotency_key="order-7")
    assert client.submit("k", 1).id != client.submit("k", 1).id


def test_a_failed_job_raises_its_error(client, errand_server):
    job = client.fetch(errand_server.url + "/no-such-page")
    with pytest.raises(errand.JobFailed, match="404") as caught:
        job.result(30)
    assert caught.value.job_id == job.id
    assert job.wait(30).state is errand.State.FAILED
    assert len(job.get().attempts) == 1
    with pytest.raises(errand.CallError):
        job.output(30)


def test_a_cancelled_job_raises_and_can_be_retried_and_deleted(client):
    job = client.submit("nobody-does-this")
    assert job.cancel().state is errand.State.CANCELLED
    with pytest.raises(errand.JobCancelled, match="is CANCELLED: it was cancelled") as caught:
        job.result(5)
    assert caught.value.status.code is errand.Code.CANCELLED
    assert job.retry().state is errand.State.READY
    job.cancel()
    job.delete()
    with pytest.raises(errand.NotFound):
        job.get()


def test_an_expired_job_raises(client):
    job = client.submit(
        "nobody-does-this", expire_time=datetime.now(timezone.utc) + timedelta(seconds=1)
    )
    with pytest.raises(errand.JobExpired):
        job.result(30)


def test_waiting_ends_with_a_timeout_error(client):
    job = client.submit("nobody-does-this")
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        job.result(0.2)
    with pytest.raises(errand.DeadlineExceeded):
        list(job.watch(0.2))
    assert time.monotonic() - start < 30


def test_it_is_told_why_a_job_waits(client):
    told = client.submit("nobody-does-this", delay=3600).explain()
    assert [reason.type for reason in told.reasons] == ["TIME"]
    assert told.estimated_start_time is not None


def test_jobs_are_listed_page_by_page_and_dealt_with_by_filter(client):
    jobs = client.submit_many(
        errand.job("k", n, queue="pictures", labels={"odd": str(n % 2)}) for n in range(25)
    )
    listed = [info.id for info in client.list(queue="pictures", page_size=10)]
    assert listed == [job.id for job in reversed(jobs)]
    assert sum(1 for _ in client.list(label="odd:1")) == 12
    assert client.cancel_many(label="odd:1") == 12
    assert client.retry_many(queue="pictures", state="CANCELLED") == 12
    assert client.delete_many(queue="pictures") == 25
    assert list(client.list(queue="pictures")) == []
    with pytest.raises(ValueError):
        client.delete_many()
    with pytest.raises(TypeError, match="'quue'"):
        client.delete_many(quue="pictures")


def test_any_number_of_jobs_is_submitted_in_chunks(client, capfd):
    jobs = client.submit_many((errand.job("k", n) for n in range(2500)), chunk=1000, progress=True)
    assert len({job.id for job in jobs}) == 2500
    assert client.stats().jobs[errand.State.READY] == 2500
    shown = capfd.readouterr().err  # by tqdm, or without it
    assert "2.50k" in shown or "2,500" in shown


def test_jobs_of_a_batch_that_are_refused_do_not_hinder_the_others(client):
    specs = [errand.job("k", n, queue="bad name" if n == 1 else "good") for n in range(3)]
    each = list(client.submit_each(specs))
    assert isinstance(each[1], errand.InvalidArgument)
    with pytest.raises(errand.BatchError, match="1 of 3") as caught:
        client.submit_many(specs)
    assert list(caught.value.errors) == [1]
    assert caught.value.jobs[1] is None and caught.value.jobs[2].get().queue == "good"


def test_a_watch_tells_each_change_until_the_end(client, errand_server):
    job = client.fetch(errand_server.url + "/healthz")
    events = list(job.watch(30))
    assert isinstance(events[-1], errand.StateChange)
    assert events[-1].job.state is errand.State.SUCCEEDED
    assert [event.revision for event in events] == sorted({event.revision for event in events})


def test_a_watch_of_no_job_is_not_found(client):
    with pytest.raises(errand.NotFound):
        list(client.watch("01a1fd91-0ed6-71c2-955b-b1907304270c"))


def test_a_queue_is_watched(client):
    job = client.submit("k", queue="mail")
    events = client.watch_queue("mail", timeout=30)
    first = next(events)
    assert isinstance(first, errand.QueueChange) and first.queue.depth == {errand.State.READY: 1}
    client.cancel(job)
    change = next(event for event in events if isinstance(event, errand.JobChange))
    assert (change.id, change.state) == (job.id, errand.State.CANCELLED)
    events.close()
    with pytest.raises(errand.NotFound):
        next(client.watch_queue("nobody"))
    with pytest.raises(errand.DeadlineExceeded, match="mail"):
        list(client.watch_queue("mail", timeout=0.3))


def test_queues_are_limited_paused_and_purged(client):
    client.submit("k", queue="mail")
    limit = errand.RateLimit(10, timedelta(seconds=2), burst=5)
    changed = client.update_queue(
        "mail", rate_limit=limit, max_running=3, max_per_key=1, max_depth=1, aging=30,
        hold_on_retry_after=True,
    )  # fmt: skip
    assert client.queue("mail") == changed
    assert (changed.rate_limit, changed.max_running, changed.max_per_key) == (limit, 3, 1)
    assert (changed.max_depth, changed.aging) == (1, timedelta(seconds=30))
    with pytest.raises(errand.ResourceExhausted) as caught:
        client.submit("k", queue="mail")
    assert caught.value.retry_delay is not None
    assert client.update_queue("mail", max_depth=None).max_depth is None
    assert client.pause_queue("mail").paused and not client.resume_queue("mail").paused
    assert [queue.name for queue in client.queues()] == ["mail"]
    assert client.purge_queue("mail") == 1
    with pytest.raises(TypeError, match="'max_runing'"):
        client.update_queue("mail", max_runing=3)


def test_server_and_workers_are_told_of(client, eventually):
    assert client.server_info().health == "serving"
    assert client.server_info().version == errand.__version__
    (built_in,) = eventually(client.workers, "the built-in worker")
    assert "http" in built_in.kinds
    assert client.stats().workers == 1


def test_a_client_serves_many_threads(client):
    failures = []

    def submit():
        try:
            for n in range(20):
                client.submit("k", n)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert client.stats().jobs[errand.State.READY] == 160


def test_a_restart_of_the_server_is_not_noticed(client, errand_server):
    job = client.submit("k", 1)
    errand_server.kill()
    restart = threading.Timer(0.3, errand_server.start)
    restart.start()
    assert client.get(job.id).state is errand.State.READY
    assert not client.submit("k", 2).duplicate
    restart.join()


def test_no_server_is_unavailable_within_the_deadline():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = errand.Client(f"http://127.0.0.1:{taken.getsockname()[1]}", timeout=0.5)
        with pytest.raises(errand.Unavailable):
            client.stats()


def test_a_server_that_says_nothing_is_deadline_exceeded():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = errand.Client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.5)
        with pytest.raises(errand.DeadlineExceeded):
            client.stats()


def read_request(connection):
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(1 << 16)
    head, _, body = request.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


class LossyGateway:
    """Passes requests on, and loses the first answer of each kind."""

    def __init__(self, url):
        self.target = url.split("://")[1].split(":")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lost = set()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.serve(connection)

    def serve(self, connection):
        request = read_request(connection)
        line = request.split(b"\r\n")[0].split(b" ")
        with socket.create_connection((self.target[0], int(self.target[1]))) as server:
            server.sendall(request)
            answer = server.recv(1 << 16)
        kind = (line[0], line[1].rpartition(b":")[2])
        if kind in self.lost:
            connection.sendall(answer)
        self.lost.add(kind)

    def close(self):
        self.listener.close()


def test_answers_that_are_lost_do_no_harm(client, errand_server):
    gateway = LossyGateway(errand_server.url)
    lossy = errand.Client(gateway.url)
    job = lossy.submit("k", 1)
    assert client.stats().jobs == {errand.State.READY: 1}
    assert [each.duplicate for each in lossy.submit_many([errand.job("k", 2)])] == [True]
    assert client.stats().jobs == {errand.State.READY: 2}
    job.cancel()
    assert job.retry().state is errand.State.READY
    job.delete()
    gateway.close()


def test_a_url_that_is_none_is_refused():
    for url in ("tcp://127.0.0.1:6710", "127.0.0.1:6780", "http://"):
        with pytest.raises(ValueError, match="no http"):
            errand.Client(url)


def refused(client):
    with pytest.raises(errand.Unauthenticated):
        client.stats()


def test_a_token_is_sent_and_not_shown(monkeypatch):
    monkeypatch.setenv("ERRAND_TOKEN", "of-the-environment")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        for token, wanted in ((None, b"of-the-environment"), ("my-own", b"my-own")):
            client = errand.Client(url, token=token, timeout=5)
            thread = threading.Thread(target=refused, args=(client,))
            thread.start()
            connection, _ = listener.accept()
            with connection:
                assert b"Authorization: Bearer " + wanted + b"\r\n" in connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
            thread.join()
            assert "my-own" not in repr(client) + repr(vars(client))
